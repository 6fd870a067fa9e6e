// @ts-check
/** @import { Payment } from './paytech-storefront.d.ts' */
import { messageFor, outcomeOf } from './outcome.js';
import { openStorefront } from './paytech-storefront.js';

const storefront = openStorefront('<ApiUrl>');
const state = /** @type {HTMLElement} */ (document.getElementById('state'));
const again = /** @type {HTMLAnchorElement} */ (document.getElementById('again'));

const id = new URLSearchParams(location.search).get('payment');
try {
  if (id) await storefront.waitForFinal(id, { onUpdate: show, isDone });
  else state.textContent = messageFor(undefined);
} catch (error) {
  state.textContent = messageFor(error);
}

/** With preAuth the customer is done at AUTHORIZED, which is not final. @param {Payment} payment */
function isDone({ final, state }) {
  return final || state === 'AUTHORIZED';
}

/** @param {Payment} payment */
function show(payment) {
  const { text, checkoutUrl, mayTryAgain = false } = outcomeOf(payment);
  state.textContent = text;
  again.hidden = !checkoutUrl && !mayTryAgain;
  again.href = checkoutUrl ?? './pay.html';
  again.textContent = checkoutUrl ? 'Go to the payment page' : 'Try again';
}
