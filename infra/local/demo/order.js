// @ts-check
/** @import { Payment } from '../../../shared/storefront/paytech-storefront.d.ts' */
import { askForOrder, CheckoutForm, storefront } from './checkout-form.js';
import { money } from './money.js';
import { showSubscription } from './subscription.js';

/** How long a customer is left alone with "a few seconds". */
const PATIENCE_MS = 10_000;

const query = new URLSearchParams(location.search);
const id = query.get('payment') ?? '';
/** @param {string} name */
const part = (name) => /** @type {HTMLElement} */ (document.getElementById(name));

/** Somebody who closed the payment page may want it back at once; who has just paid must not be asked to. */
let mayPayNow = query.has('closed');
/** @type {string | undefined} */
let checkoutUrl;
const deadline = setTimeout(() => {
  mayPayNow = true;
  write('detail', 'This takes longer than usual. You can close this page: the payment will not get lost.');
  showWayToCheckout();
}, PATIENCE_MS);
/** @type {HTMLAnchorElement} */ (part('behind')).href = `/control-room#${encodeURIComponent(id)}`;

/** The customer's return proves nothing, nor does a message of the checkout: only the payment's state does. */
storefront
  .waitForFinal(id, { onUpdate: show, isDone: ({ final, state }) => final || state === 'AUTHORIZED' })
  .catch(() => {
    clearTimeout(deadline);
    say('note', 'We do not know this payment', 'Please check the link, or order anew.');
  });

/** @param {Payment} payment */
function show(payment) {
  const [kind, title, detail] = outcomeOf(payment);
  if (kind !== 'pending') clearTimeout(deadline);
  if (kind !== 'pending' || payment.externalRefs) say(kind, title, detail);
  checkoutUrl = payment.redirectUrl;
  showWayToCheckout();
  showFacts(payment);
  showInstructions(payment);
  if (payment.state === 'DECLINED' || payment.state === 'CANCELLED') offerAgain(payment);
  if (payment.state === 'COMPLETED' && query.has('subscription')) {
    showSubscription(part('subscription'), payment);
  }
}

/**
 * @param {Payment} payment
 * @returns {['pending' | 'good' | 'bad' | 'note', title: string, detail: string]}
 */
function outcomeOf({ state, paidAsRequested, errorMessage, externalRefs, ...payment }) {
  const paid = money(payment.amount, payment.currency);
  const asked = askedFor(payment);
  switch (state) {
    case 'COMPLETED':
      return paidAsRequested === false
        ? [
            'note',
            'We received another amount',
            `You paid ${paid}, and the order is ${asked}. We will write to you.`,
          ]
        : ['good', 'Thank you, your payment is complete', 'Your order is on its way to our workshop.'];
    case 'AUTHORIZED':
      return ['good', 'Your payment is reserved', `${paid} are held, and taken when we send your order.`];
    case 'DECLINED':
      return ['bad', 'The payment was not made', errorMessage ?? 'You have not been charged.'];
    case 'CANCELLED':
      return ['bad', 'The payment was cancelled', errorMessage ?? 'You have not been charged.'];
    case 'CHECKOUT':
    case 'PENDING':
      return externalRefs
        ? ['pending', 'We have not received your transfer yet', 'This page changes as soon as it arrives.']
        : ['pending', 'We are confirming your payment', 'This usually takes a few seconds.'];
    default:
      return ['pending', 'We are confirming your payment', 'This usually takes a few seconds.'];
  }
}

/**
 * @param {string} kind
 * @param {string} title
 * @param {string} detail
 */
function say(kind, title, detail) {
  part('receipt').dataset.kind = kind;
  write('headline', title);
  write('detail', detail);
}

function showWayToCheckout() {
  part('open').hidden = !mayPayNow || checkoutUrl === undefined;
  part('checkout').setAttribute('href', checkoutUrl ?? '/');
}

/** @param {Pick<Payment, 'amount' | 'currency' | 'requestedAmount' | 'requestedCurrency'>} payment */
function askedFor({ amount, currency, requestedAmount = amount, requestedCurrency = currency }) {
  return money(requestedAmount, requestedCurrency);
}

/** @param {Payment} payment */
function showFacts({ referenceId = '', amount, currency, paidAsRequested, ...payment }) {
  const facts = [
    ['Order', referenceId],
    ['Amount', askedFor({ amount, currency, ...payment })],
    ...(paidAsRequested === false ? [['Paid', money(amount, currency)]] : []),
  ];
  part('facts').replaceChildren(...facts.map(([name = '', value = '']) => pair(name, value)));
}

/** @param {Payment} payment */
function showInstructions({ final, externalRefs }) {
  const { instructions = '', ...refs } = externalRefs ?? {};
  part('instructions').hidden = final || externalRefs === undefined;
  write('instruction', instructions);
  part('refs').replaceChildren(
    ...Object.entries(refs).map(([name, value]) => {
      const row = pair(nameOf(name), value);
      row.lastElementChild?.append(copyButton(nameOf(name), value));
      return row;
    }),
  );
}

/** @param {Payment} payment */
function offerAgain({ referenceId = '', retry = 'retry' }) {
  if (retry === 'do-not-retry' || part('again').hasChildNodes()) return;
  const form = new CheckoutForm();
  form.label = retry === 'retry' ? 'Try again' : 'Pay another way';
  // The same order: what was not paid is tried again, and nothing is charged twice.
  form.getOrder = (bySavedCard) => askForOrder({ referenceId, savedCard: bySavedCard });
  part('again').append(form);
  form.isSubscription = query.has('subscription');
  part('again').hidden = false;
}

/**
 * @param {string} name
 * @param {string} value
 */
function copyButton(name, value) {
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'quiet';
  button.textContent = 'Copy';
  button.setAttribute('aria-label', `Copy ${name}`);
  button.addEventListener('click', async () => {
    await navigator.clipboard.writeText(value);
    button.textContent = 'Copied';
    write('copied', `${name} copied`);
  });
  return button;
}

/**
 * @param {string} name
 * @param {string} value
 */
function pair(name, value) {
  const row = document.createElement('div');
  const [term, description] = [document.createElement('dt'), document.createElement('dd')];
  term.textContent = name;
  description.textContent = value;
  row.append(term, description);
  return row;
}

/** `accountName` → `Account name`; IBAN and BIC as they are written. @param {string} key */
function nameOf(key) {
  if (/^(iban|bic)$/i.test(key)) return key.toUpperCase();
  const name = key.replaceAll(/([a-z])([A-Z])/g, '$1 $2').toLowerCase();
  return name.charAt(0).toUpperCase() + name.slice(1);
}

/**
 * Only what has changed is written, so that it is read aloud once.
 * @param {string} name
 * @param {string} text
 */
function write(name, text) {
  if (part(name).textContent !== text) part(name).textContent = text;
}
