// @ts-check
/** @import { CheckoutForm, Order } from './checkout-form.js' */
import { askForOrder } from './checkout-form.js';
import { money } from './money.js';

const form = /** @type {CheckoutForm} */ (document.querySelector('checkout-form'));
const products = /** @type {NodeListOf<HTMLInputElement>} */ (document.querySelectorAll('[name=product]'));

/** The same order for as long as the customer wants the same thing: trying again then never charges twice. */
/** @type {Promise<Order> | undefined} */
let order;

const chosen = () => /** @type {HTMLInputElement} */ ([...products].find(({ checked }) => checked));

form.getOrder = (bySavedCard) => {
  order ??= askForOrder({ product: chosen().value, savedCard: bySavedCard });
  order.catch(() => {
    order = undefined;
  });
  return order;
};

// Another way to pay is another payment, which an order that is being paid cannot have.
form.addEventListener('change', forget);
for (const product of products) product.addEventListener('change', showChoice);
addEventListener('pageshow', showChoice);

function forget() {
  order = undefined;
}

function showChoice() {
  const { name = '', price = '', every } = chosen().dataset;
  if (document.getElementById('item')?.textContent !== name) forget();
  const costs = money(price, 'EUR') + (every ? ` a ${every}` : '');
  const texts = { item: name, price: money(price, 'EUR'), total: costs };
  for (const [id, text] of Object.entries(texts)) {
    /** @type {HTMLElement} */ (document.getElementById(id)).textContent = text;
  }
  form.isSubscription = every !== undefined;
  form.label = every ? `Subscribe for ${costs}` : `Pay ${costs}`;
}
