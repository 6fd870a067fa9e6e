// @ts-check
/** @import { Storefront } from './paytech-storefront.d.ts' */

/*
 * For storefronts: copy this file, or import it. What each part does is described in paytech-storefront.d.ts.
 */

/** Longer than the API takes for anything. */
const CALL_LIMIT_MS = 35_000;
const SHORTEST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 5_000;

export class PaymentError extends Error {
  /** @override */
  name = 'PaymentError';
  /**
   * @param {number} status
   * @param {Record<string, any>} problem
   * @param {number} [retryAfterMs]
   */
  constructor(status, problem, retryAfterMs) {
    super(problem.detail ?? problem.title ?? problem.message ?? 'The payment service could not be reached.');
    this.status = status;
    this.code = String(problem.code ?? '');
    this.errors = problem.errors ?? [];
    this.requestId = problem.requestId;
    this.retryAfterMs = retryAfterMs;
    this.mayRetry = !status || status === 429 || status >= 500 || retryAfterMs !== undefined;
    this.customerMessage = CUSTOMER_MESSAGES.get(this.code) ?? (this.mayRetry ? TRY_AGAIN : NOT_POSSIBLE);
  }
}

const TRY_AGAIN = 'This does not work at the moment. Please try again: you are never charged twice.';
const NOT_POSSIBLE = 'The payment is not possible like this. Please go back to the shop.';
const CUSTOMER_MESSAGES = new Map([
  [
    'payment.under_way',
    'You are paying this order in another way already. Please finish that, or wait until it has ended.',
  ],
  [
    'claim.flagged',
    'We are finding out what became of your payment. Please do not pay again: we will get back to you.',
  ],
  [
    'payment.reference_conflict',
    'This order has changed since you began to pay. Please go back to the shop.',
  ],
  ['gateway.rejected', 'This way to pay is not possible for this order. Please choose another.'],
]);

/** @type {typeof import('./paytech-storefront.d.ts').openStorefront} */
export function openStorefront(apiUrl, { patienceMs = 30_000 } = {}) {
  /** @type {(limitMs: number, method: string, path: string, signal?: AbortSignal, body?: object) => Promise<any>} */
  async function call(limitMs, method, path, signal, body) {
    signal?.throwIfAborted();
    const limit = AbortSignal.timeout(limitMs);
    const request = body && {
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    };
    let response;
    let answer;
    try {
      response = await fetch(apiUrl + path, {
        method,
        signal: signal ? AbortSignal.any([signal, limit]) : limit,
        ...request,
      });
      answer = await response.json();
    } catch {
      signal?.throwIfAborted();
      // Whatever answered, it was not the API, or not all of it.
      const status = response && !response.ok ? response.status : 0;
      throw new PaymentError(status, {}, response && retryAfterMs(response));
    }
    if (!response.ok) throw new PaymentError(response.status, answer ?? {}, retryAfterMs(response));
    if (answer?.redirectUrl) checkoutUrl(answer);
    return answer;
  }

  /** @type {(method: string, path: string, signal?: AbortSignal, body?: object) => Promise<any>} */
  async function insist(method, path, signal, body) {
    const end = performance.now() + patienceMs;
    for (let attempt = 1; ; attempt++) {
      try {
        // The first is given the time that it needs: what nobody waited for would have to be found out.
        const limit = attempt === 1 ? CALL_LIMIT_MS : Math.max(1, Math.ceil(end - performance.now()));
        return await call(limit, method, path, signal, body);
      } catch (caught) {
        const error = /** @type {any} */ (caught);
        const wait = Math.max(error.retryAfterMs ?? backoff(attempt), SHORTEST_WAIT_MS);
        if (!mayRetry(error) || performance.now() + wait >= end) throw error;
        await pause(wait, signal);
      }
    }
  }

  /** @type {Storefront} */
  const storefront = {
    create: (order, { signal } = {}) => insist('POST', '/payments', signal, order),
    get: (id, { signal } = {}) => insist('GET', pathOf(id), signal),
    execute: (id, browser = {}, { signal } = {}) => insist('PATCH', pathOf(id), signal, browser),

    async waitForFinal(id, { signal, onUpdate, isDone = isFinal } = {}) {
      for (let round = 1, seen = ''; ; round++) {
        let wait;
        const payment = await call(CALL_LIMIT_MS, 'GET', pathOf(id), signal).catch((error) => {
          if (!mayRetry(error)) throw error;
          wait = error.retryAfterMs;
        });
        const now = JSON.stringify(payment);
        if (payment && now !== seen) onUpdate?.(payment);
        if (payment && isDone(payment)) return payment;
        seen = now ?? seen;
        await pause(wait ?? backoff(round), signal, wait === undefined);
      }
    },
  };
  return storefront;
}

/** @type {typeof import('./paytech-storefront.d.ts').redirect} */
export function redirect(payment) {
  const url = checkoutUrl(payment);
  location.assign(url);
}

/** @type {typeof import('./paytech-storefront.d.ts').showInFrame} */
export async function showInFrame(frame, payment, { signal } = {}) {
  const { href, origin } = new URL(checkoutUrl(payment));
  const over = new AbortController();
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    signal?.addEventListener('abort', () => reject(signal.reason), { signal: over.signal });
    addEventListener(
      'message',
      ({ origin: from, source, data }) => {
        const isCheckout = from === origin && source === frame.contentWindow;
        const isState = data?.source === 'payment-checkout' && data.type === 'checkout.state';
        if (isCheckout && isState && data.paymentId === payment.id) resolve(undefined);
      },
      { signal: over.signal },
    );
    frame.src = href;
  }).finally(() => over.abort());
}

/**
 * A `javascript:` URL would run on the shop's own page, in a frame without so much as a click.
 * @param {{ redirectUrl?: string }} payment
 */
function checkoutUrl({ redirectUrl = '' }) {
  const url = URL.canParse(redirectUrl) ? new URL(redirectUrl) : undefined;
  const isLocal = url?.protocol === 'http:' && ['localhost', '127.0.0.1'].includes(url.hostname);
  if (!url || !(url.protocol === 'https:' || isLocal)) {
    throw new TypeError('The redirectUrl is no https address: nobody is sent there.');
  }
  return url.href;
}

/** @param {string} id */
const pathOf = (id) => `/payments/${encodeURIComponent(id)}`;

/** @param {{ final: boolean }} payment */
const isFinal = ({ final }) => final;

/** @param {any} error */
const mayRetry = (error) => error instanceof PaymentError && error.mayRetry;

/** @param {Response} response */
function retryAfterMs({ headers }) {
  const seconds = Number(headers.get('retry-after') ?? Number.NaN);
  return seconds >= 0 ? seconds * 1000 : undefined;
}

/** Grows, and is not the same for all who wait. @param {number} round */
const backoff = (round) => Math.min(500 * 1.5 ** (round - 1), LONGEST_WAIT_MS) * (0.75 + Math.random() / 4);

/**
 * Rejects when the signal aborts. `wakes`: ends early when the customer comes back to the page.
 * @param {number} ms
 * @param {AbortSignal} [signal]
 * @param {boolean} [wakes]
 */
function pause(ms, signal, wakes) {
  const over = new AbortController();
  const until = { signal: over.signal };
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener('abort', () => reject(signal.reason), until);
    if (wakes) globalThis.document?.addEventListener('visibilitychange', resolve, until);
    over.signal.addEventListener('abort', () => clearTimeout(timer));
  }).finally(() => over.abort());
}
