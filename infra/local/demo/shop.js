// @ts-check
/** @import { CheckoutForm, Order } from './checkout-form.js' */
import './checkout-form.js';
import { money } from './money.js';

const form = /** @type {CheckoutForm} */ (document.querySelector('checkout-form'));
const products = /** @type {NodeListOf<HTMLInputElement>} */ (document.querySelectorAll('[name=product]'));

/** The same order for as long as the customer wants the same thing: trying again then never charges twice. */
/** @type {Promise<Order> | undefined} */
let order;

const chosen = () => /** @type {HTMLInputElement} */ ([...products].find(({ checked }) => checked));

form.getOrder = () => {
  order ??= placeOrder(chosen().value);
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
  const { name = '', price = '' } = chosen().dataset;
  if (document.getElementById('item')?.textContent !== name) forget();
  const texts = { item: name, price: money(price, 'EUR'), total: money(price, 'EUR') };
  for (const [id, text] of Object.entries(texts)) {
    /** @type {HTMLElement} */ (document.getElementById(id)).textContent = text;
  }
  form.label = `Pay ${money(price, 'EUR')}`;
}

/**
 * The merchant's server decides the price; this page only names the product.
 * @param {string} product
 * @returns {Promise<Order>}
 */
async function placeOrder(product) {
  const response = await fetch('/shop/orders', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ product }),
  });
  if (!response.ok) throw new Error(`The order was answered with ${response.status}`);
  return response.json();
}
