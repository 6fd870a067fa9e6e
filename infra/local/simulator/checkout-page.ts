/** The pages of the hosted checkout, as HTML text. */
import { decimalText } from '../../../shared/payment/money.ts';
import type { CardFields } from './card-form.ts';
import { type Html, html, page, scriptLiteral } from './html.ts';
import type { Payment } from './payment.ts';
import { TEST_CARDS, type TestCard } from './sandbox.ts';

/** The fields by which a card is typed in, with the browser's own names for them. */
const FIELDS: { name: keyof CardFields; label: string; hint: string; attributes: Html }[] = [
  {
    name: 'cardNumber',
    label: 'Card number',
    hint: '4000 0000 0000 0408',
    attributes: html`autocomplete="cc-number" maxlength="23"`,
  },
  { name: 'expiry', label: 'Expires', hint: 'MM/YY', attributes: html`autocomplete="cc-exp" maxlength="7"` },
  { name: 'cvv', label: 'CVV', hint: '3 digits', attributes: html`autocomplete="cc-csc" maxlength="4"` },
];

/** Where the customer says how much to pay, if the shop does not. */
export function amountPage(payment: Payment, problem?: string): string {
  const described = problem ? html` aria-invalid="true" aria-describedby="amount-problem"` : undefined;
  return page(
    'Choose an amount',
    html`${header(payment)}
    <form method="post" class="card">
      <div class="wide">
        <label for="amount">Amount in ${payment.currency}</label>
        <input id="amount" name="amount" inputmode="decimal" placeholder="10.00" autocomplete="off" maxlength="30" required${described}>
        ${problem ? html`<p class="problem" id="amount-problem">${problem}</p>` : undefined}
      </div>
      <button class="primary wide">Continue</button>
    </form>
    ${CANCEL_FORM}
    ${reloadAt(payment.expires)}`,
  );
}

const CANCEL_FORM = html`<form method="post"><button class="link" name="action" value="cancel">Cancel and return to the shop</button></form>`;

/** Where the customer pays. `problems`: what is wrong with the card that was typed in; its digits are never repeated. */
export function checkoutPage(payment: Payment, problems: Partial<CardFields> = {}): string {
  const fields = FIELDS.map(({ name, label, hint, attributes }) => {
    const problem = problems[name];
    const described = problem ? html` aria-invalid="true" aria-describedby="${name}-problem"` : undefined;
    return html`<div${name === 'cardNumber' ? html` class="wide"` : undefined}>
        <label for="${name}">${label}</label>
        <input id="${name}" name="${name}" inputmode="numeric" placeholder="${hint}" required ${attributes}${described}>
        ${problem ? html`<p class="problem" id="${name}-problem">${problem}</p>` : undefined}
      </div>`;
  });
  const cards = TEST_CARDS.map(
    (card) =>
      html`<button name="testCard" value="${card.number}"><b>${card.number}</b> <small>${cardHint(card)}</small></button>`,
  );
  const hasProblem = Object.keys(problems).length > 0;
  return page(
    'Pay',
    html`${header(payment)}
    ${hasProblem ? html`<p class="problem" role="alert">Please check the card.</p>` : undefined}
    <form method="post" class="card">${fields}
      ${payment.request.customer?.referenceId === undefined ? undefined : REMEMBER}
      <button class="primary wide">Pay ${money(payment)}</button>
    </form>
    ${CANCEL_FORM}
    <details open>
      <summary>Test cards</summary>
      <form method="post" class="cards">${cards}</form>
    </details>
    <details>
      <summary>More endings</summary>
      <form method="post" class="cards">
        <button name="action" value="decline"><b>The bank declines</b> <small>DECLINED, 4.02</small></button>
        <button name="action" value="expire"><b>The customer takes too long</b> <small>CANCELLED, 1.04</small></button>
      </form>
    </details>
    ${reloadAt(payment.expires)}`,
  );
}

/** Only a customer whom the shop names has cards that can be found again. */
const REMEMBER = html`<label class="wide check"><input type="checkbox" name="remember" value="yes"> Remember this card</label>`;

/** The bank's question, for cards that ask it. */
export function threeDSecurePage(payment: Payment, card: TestCard, isRemembered = false): string {
  return page(
    '3-D Secure',
    html`${header(payment)}
    <section class="bank" aria-labelledby="bank">
      <h2 id="bank">Simulated bank</h2>
      <p>Your bank asks: is it you who pays <b>${money(payment)}</b> with the card ending in ${card.number.slice(-4)}?</p>
      <form method="post">
        <input type="hidden" name="testCard" value="${card.number}">
        ${isRemembered ? html`<input type="hidden" name="remember" value="yes">` : undefined}
        <button class="primary" name="challenge" value="passed">Yes, confirm the payment</button>
        <button name="challenge" value="failed">No, this was not me</button>
      </form>
    </section>
    ${reloadAt(payment.expires)}`,
  );
}

const OUTCOMES: Partial<Record<string, string>> = {
  COMPLETED: 'Payment complete',
  AUTHORIZED: 'Payment authorized',
  DECLINED: 'Payment declined',
  CANCELLED: 'Payment cancelled',
};

/** What became of the payment. Inside a frame it notifies the page around it, which is a hint and never a proof. */
export function outcomePage(payment: Payment, returnUrl: string | undefined): string {
  const message = {
    source: 'payment-checkout',
    type: 'checkout.state',
    paymentId: payment.id,
    state: payment.state,
    returnUrl,
  };
  const title = OUTCOMES[payment.state] ?? `Payment ${payment.state}`;
  return page(
    title,
    html`${header(payment)}
    <h2 data-state="${payment.state}">${title}</h2>
    ${payment.errorMessage ? html`<p>${payment.errorMessage} (${payment.errorCode ?? ''})</p>` : undefined}
    ${returnUrl ? html`<a class="primary" href="${returnUrl}">Return to the shop</a>` : undefined}
    <script>
      if (window.parent !== window) window.parent.postMessage(${scriptLiteral(message)}, '*');
    </script>`,
  );
}

export function notFoundPage(): string {
  return page('Not found', html`<h1>There is no such checkout.</h1>`);
}

function header(payment: Payment): Html {
  return html`<header>
      <h1>${payment.request.description ?? 'Your payment'}</h1>
      ${payment.amount ? html`<p class="amount">${money(payment)}</p>` : undefined}
    </header>`;
}

function money({ amount, currency }: Payment): string {
  if (!amount) return currency;
  const [whole = '', cents = ''] = decimalText(amount).split('.');
  return `${whole}.${cents.padEnd(2, '0')} ${currency}`;
}

function cardHint({ brand, threeDSecure, accepted }: TestCard): string {
  return `${brand}, ${threeDSecure ? '3-D Secure' : 'no 3-D Secure'}, ${accepted ? 'succeeds' : 'is declined'}`;
}

/** A page that is left open shows that its time is over. */
function reloadAt(expires: Date): Html {
  return html`<script>
      setTimeout(() => location.replace(location.href), Math.max(0, ${expires.getTime()} - Date.now()) + 500);
    </script>`;
}
