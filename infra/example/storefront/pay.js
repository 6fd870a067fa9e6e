// @ts-check
import { openStorefront, PaymentError, redirect } from './paytech-storefront.js';

const storefront = openStorefront('<ApiUrl>'); // https://…, without a slash at the end
const button = /** @type {HTMLButtonElement} */ (document.getElementById('pay'));
const problem = /** @type {HTMLElement} */ (document.getElementById('problem'));

button.addEventListener('click', async () => {
  button.disabled = true;
  problem.textContent = '';
  try {
    await pay();
  } catch (error) {
    button.disabled = false;
    problem.textContent =
      error instanceof PaymentError ? error.customerMessage : 'Please try again: you have not been charged.';
  }
});
// Browsers bring a page back as it was left.
addEventListener('pageshow', () => {
  button.disabled = false;
});

async function pay() {
  const answer = await fetch('/your-server/order-token', { method: 'POST' });
  if (!answer.ok) throw new Error(`The order was answered with ${answer.status}`);
  const { orderToken } = await answer.json();
  const payment = await storefront.create({
    orderToken,
    paymentMethod: 'BASIC_CARD',
    returnUrl: new URL('./thanks.html?payment={id}', location.href).href,
  });
  // Paid already, or nothing to confirm: how it stands is said where others return to.
  if (payment.redirectUrl) redirect(payment);
  else location.assign(`./thanks.html?payment=${encodeURIComponent(payment.id)}`);
}
