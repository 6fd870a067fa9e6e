// @ts-check
/** @import { CreatedPayment } from '../../../shared/storefront/paytech-storefront.d.ts' */
import {
  openStorefront,
  PaymentError,
  redirect,
  showInFrame,
} from '../../../shared/storefront/paytech-storefront.js';

/** The API is at this page's own origin here; elsewhere it is the stack's `ApiUrl`. */
export const storefront = openStorefront('');

/**
 * What the merchant's server says of an order.
 * @typedef {object} Order
 * @property {string} referenceId
 * @property {string} description
 * @property {string} amount
 * @property {string} currency
 * @property {boolean} isSubscription
 * @property {string} api where `payment` goes: '' is the service, '/shop' the merchant's own server
 * @property {{ orderToken: string }} payment
 */

/** @type {Record<string, string>} */
const METHODS = { redirect: 'BASIC_CARD', frame: 'BASIC_CARD', transfer: 'BANKTRANSFER' };

const FORM = `
<form>
  <fieldset class="ways">
    <legend>How would you like to pay?</legend>
    <label hidden><input type="radio" name="way" value="saved">
      <span>Your saved card<small id="saved-card"></small></span></label>
    <label><input type="radio" name="way" value="redirect" checked>
      <span>Card, on the payment page<small>You come back here when you have paid.</small></span></label>
    <label><input type="radio" name="way" value="frame">
      <span>Card, right here<small>The payment page opens in this one.</small></span></label>
    <label><input type="radio" name="way" value="transfer">
      <span>Bank transfer<small>We show you where to send it.</small></span></label>
  </fieldset>
  <p class="problem" role="alert"></p>
  <button type="submit" class="primary">Pay</button>
</form>
<dialog class="checkout" aria-label="Payment">
  <p class="bar"><span>Payment</span><button type="button" class="quiet">Close</button></p>
  <iframe title="Payment page"></iframe>
</dialog>`;

/** The ways to pay an order, and the way there. Whoever uses it sets `getOrder` and `label`. */
export class CheckoutForm extends HTMLElement {
  /** Asks the merchant's server for the order. @type {(bySavedCard: boolean) => Promise<Order>} */
  getOrder = () => Promise.reject(new Error('getOrder is not set'));
  #isBusy = false;
  #label = 'Pay';

  connectedCallback() {
    this.innerHTML = FORM;
    const form = this.#find('form', HTMLFormElement);
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#submit(String(new FormData(form).get('way')));
    });
    // Browsers bring a page back as it was left.
    addEventListener('pageshow', ({ persisted }) => persisted && this.#busy(false));
    this.#busy(false);
    this.#offerSavedCard();
  }

  /** The merchant's server knows the customer and finds the card; its token is not for this page. */
  async #offerSavedCard() {
    const { cards } = await (await fetch('/shop/cards')).json();
    const [card] = cards;
    if (!card) return;
    this.#find('#saved-card', HTMLElement).textContent =
      `${card.brand} ending in ${card.panMasked.slice(-4)}`;
    this.#find('label:has([value=saved])', HTMLElement).hidden = false;
  }

  /** What goes on without the customer is not paid by a bank transfer. */
  set isSubscription(/** @type {boolean} */ isOne) {
    const transfer = this.#find('[value=transfer]', HTMLInputElement);
    if (isOne && transfer.checked) this.#find('[value=redirect]', HTMLInputElement).checked = true;
    this.#find('label:has([value=transfer])', HTMLElement).hidden = isOne;
  }

  /** What the button says. */
  set label(text) {
    this.#label = text;
    if (this.isConnected) this.#busy(this.#isBusy);
  }

  get label() {
    return this.#label;
  }

  /** @param {string} way */
  async #submit(way) {
    if (this.#isBusy) return;
    this.#busy(true);
    this.#say('');
    try {
      await this.#pay(way);
    } catch (error) {
      this.#busy(false);
      this.#say(forCustomer(error));
    }
  }

  /** @param {string} way */
  async #pay(way) {
    const order = await this.getOrder(way === 'saved');
    const page = `/order?${order.isSubscription ? 'subscription&' : ''}payment=`;
    const payment = await openStorefront(order.api).create({
      ...order.payment,
      ...(METHODS[way] && { paymentMethod: METHODS[way] }),
      description: order.description,
      returnUrl: `${location.origin}${page}{id}`,
    });
    // Without a redirectUrl the order was paid before, or by the saved card; with one that card's holder is asked.
    if ((way === 'redirect' || way === 'saved') && payment.redirectUrl) return redirect(payment);
    const wasClosed = way === 'frame' && payment.redirectUrl && !(await this.#isOver(payment));
    if (way === 'transfer' && payment.state === 'CHECKOUT') await storefront.execute(payment.id);
    location.assign(`${page}${payment.id}${wasClosed ? '&closed' : ''}`);
  }

  /**
   * Shows the checkout until it says that it is over, or the customer closes it: then false. What became of the payment
   * the next page asks.
   * @param {CreatedPayment} payment
   */
  async #isOver(payment) {
    const dialog = this.#find('dialog', HTMLDialogElement);
    const closed = new AbortController();
    dialog.addEventListener('close', () => closed.abort(), { once: true });
    this.#find('dialog button', HTMLButtonElement).onclick = () => dialog.close();
    dialog.showModal();
    const frame = this.#find('iframe', HTMLIFrameElement);
    return showInFrame(frame, payment, { signal: closed.signal }).then(
      () => true,
      (reason) => {
        if (closed.signal.aborted) return false;
        throw reason;
      },
    );
  }

  /** @param {boolean} isBusy */
  #busy(isBusy) {
    this.#isBusy = isBusy;
    const button = this.#find('form button', HTMLButtonElement);
    button.textContent = isBusy ? 'One moment…' : this.#label;
    button.setAttribute('aria-disabled', String(isBusy));
  }

  /** @param {string} text */
  #say(text) {
    this.#find('.problem', HTMLElement).textContent = text;
  }

  /**
   * @template {HTMLElement} E
   * @param {string} selector
   * @param {new () => E} type
   * @returns {E}
   */
  #find(selector, type) {
    const element = this.querySelector(selector);
    if (element instanceof type) return element;
    throw new TypeError(`${selector} is missing`);
  }
}

customElements.define('checkout-form', CheckoutForm);

/**
 * The merchant's server decides the price; the page only names the product, or an order that was not paid.
 * @param {{ product?: string, referenceId?: string, savedCard: boolean }} wish
 * @returns {Promise<Order>}
 */
export async function askForOrder(wish) {
  const response = await fetch('/shop/orders', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(wish),
  });
  if (!response.ok) throw new Error(`The order was answered with ${response.status}`);
  return response.json();
}

/** @param {unknown} error */
function forCustomer(error) {
  if (error instanceof PaymentError) return error.customerMessage;
  return 'The payment could not be started. You have not been charged: please try again in a moment.';
}
