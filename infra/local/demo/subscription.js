// @ts-check
/** @import { Payment } from '../../../shared/storefront/paytech-storefront.d.ts' */
import { money } from './money.js';

/**
 * What the merchant's server says of a subscription.
 * @typedef {{ paymentState: string, amount: string }} Cycle
 * @typedef {{ state: 'ACTIVE' | 'CANCELLED' | 'COMPLETED', cycles: Cycle[] }} Subscription
 */

const PAUSE_MS = 1000;

/** @type {Record<string, string>} */
const SAYS = {
  ACTIVE: 'It goes on every month until you cancel it.',
  CANCELLED: 'It is cancelled: nothing more is charged.',
  COMPLETED: 'It has come to its end.',
};
/** @type {Record<string, string>} */
const PAID = { COMPLETED: 'paid', DECLINED: 'not paid', CANCELLED: 'not paid' };

/**
 * Shows the subscription that began with a payment, its months, and the way to end it.
 * @param {HTMLElement} section
 * @param {Payment} payment
 */
export function showSubscription(section, { id, amount, currency, state: paymentState }) {
  const url = `/shop/subscriptions/${encodeURIComponent(id)}`;
  /** @param {string} name */
  const part = (name) => /** @type {HTMLElement} */ (section.querySelector(`[data-part=${name}]`));
  for (const action of ['charge-next', 'cancel']) {
    part(action).onclick = () => follow(ask(`${url}/${action}`, 'POST'));
  }
  follow(ask(url));

  /** Shows it again until each month is paid or not. @param {Promise<Subscription>} asked */
  async function follow(asked) {
    const subscription = await asked.catch(() => undefined);
    if (!subscription) return say('This does not work at the moment. Please try again.');
    show(subscription);
    if (subscription.cycles.every(({ paymentState }) => PAID[paymentState])) return;
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    follow(ask(url));
  }

  /** @param {string} text */
  function say(text) {
    section.hidden = false;
    if (part('state').textContent !== text) part('state').textContent = text;
  }

  /** @param {Subscription} subscription */
  function show({ state, cycles }) {
    say(SAYS[state] ?? '');
    part('months').replaceChildren(...[{ amount, paymentState }, ...cycles].map(row));
    part('actions').hidden = state !== 'ACTIVE';
  }

  /** The first month is the order itself. @param {Cycle} cycle @param {number} index */
  function row({ amount, paymentState }, index) {
    const row = document.createElement('div');
    const [month, paid] = [document.createElement('dt'), document.createElement('dd')];
    month.textContent = `Month ${index + 1}`;
    paid.textContent = `${money(amount, currency)}, ${PAID[paymentState] ?? 'on its way'}`;
    row.append(month, paid);
    return row;
  }
}

/**
 * @param {string} url
 * @param {'GET' | 'POST'} [method]
 * @returns {Promise<Subscription>}
 */
async function ask(url, method = 'GET') {
  const response = await fetch(url, { method, headers: { 'content-type': 'application/json' } });
  if (!response.ok) throw new Error(`The subscription was answered with ${response.status}`);
  return response.json();
}
