// @ts-check
/** @import { Storefront } from './paytech-storefront.d.ts' */

/*
 * For storefronts: copy this file, or import it. What each part does is told in paytech-storefront.d.ts.
 */

/** Longer than the API takes for anything. */
const CALL_LIMIT_MS = 35_000;
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
  }
}

/** @type {typeof import('./paytech-storefront.d.ts').openStorefront} */
export function openStorefront(apiUrl, { attempts = 8 } = {}) {
  /** @type {(method: string, path: string, signal?: AbortSignal, body?: object) => Promise<any>} */
  async function call(method, path, signal, body) {
    signal?.throwIfAborted();
    const limit = AbortSignal.timeout(CALL_LIMIT_MS);
    const request = body && { headers: { 'content-type': 'application/json' }, body: toJson(body) };
    let response;
    let answer;
    try {
      response = await fetch(apiUrl + path, {
        method,
        signal: signal ? AbortSignal.any([signal, limit]) : limit,
        ...request,
      });
      answer = fromJson(await response.text());
    } catch {
      signal?.throwIfAborted();
      // Whatever answered, it was not the API, or not all of it.
      const status = response && !response.ok ? response.status : 0;
      throw new PaymentError(status, {}, response && retryAfterMs(response));
    }
    if (response.ok) return answer;
    throw new PaymentError(response.status, answer ?? {}, retryAfterMs(response));
  }

  /** @type {(method: string, path: string, signal?: AbortSignal, body?: object) => Promise<any>} */
  async function insist(method, path, signal, body) {
    for (let attempt = 1; ; attempt++) {
      try {
        return await call(method, path, signal, body);
      } catch (caught) {
        const error = /** @type {any} */ (caught);
        if (!mayRetry(error) || attempt >= attempts) throw error;
        await pause(error.retryAfterMs ?? backoff(attempt), signal);
      }
    }
  }

  /** @type {Storefront} */
  const storefront = {
    create: (order, { signal } = {}) => insist('POST', '/payments', signal, order),
    get: (id, { signal } = {}) => insist('GET', pathOf(id), signal),
    execute: (id, browser = {}, { signal } = {}) => insist('PATCH', pathOf(id), signal, browser),

    async waitForFinal(id, { signal, onUpdate, isDone = isFinal } = {}) {
      for (let turn = 1, seen = ''; ; turn++) {
        let wait;
        const payment = await call('GET', pathOf(id), signal).catch((error) => {
          if (!mayRetry(error)) throw error;
          wait = error.retryAfterMs;
        });
        const now = JSON.stringify(payment);
        if (payment && now !== seen) onUpdate?.(payment);
        if (payment && isDone(payment)) return payment;
        seen = now ?? seen;
        await pause(wait ?? backoff(turn), signal, wait === undefined);
      }
    },
  };
  return storefront;
}

/** @type {typeof import('./paytech-storefront.d.ts').showInFrame} */
export function showInFrame(frame, { id, redirectUrl }, { signal } = {}) {
  const url = new URL(redirectUrl ?? '');
  const over = new AbortController();
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    signal?.addEventListener('abort', () => reject(signal.reason), { signal: over.signal });
    addEventListener(
      'message',
      ({ origin, source, data }) => {
        const isCheckout = origin === url.origin && source === frame.contentWindow;
        const isState = data?.source === 'payment-checkout' && data.type === 'checkout.state';
        if (isCheckout && isState && data.paymentId === id) resolve(undefined);
      },
      { signal: over.signal },
    );
    frame.src = url.href;
  }).finally(() => over.abort());
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

/** Grows, and is not the same for all who wait. @param {number} turn */
const backoff = (turn) => Math.min(500 * 1.5 ** (turn - 1), LONGEST_WAIT_MS) * (0.75 + Math.random() / 4);

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

const isAmount = /^(amount|requestedAmount)$/;

/** Amounts are texts here and numbers on the wire. @param {object} body */
function toJson(body) {
  const rawJson = /** @type {any} */ (JSON).rawJSON ?? Number;
  return JSON.stringify(body, (key, value) =>
    key === 'amount' && typeof value === 'string' ? rawJson(value) : value,
  );
}

/** @param {string} text */
function fromJson(text) {
  /** @type {(key: string, value: any, context?: { source: string }) => any} */
  const reviver = (key, value, context) =>
    isAmount.test(key) && typeof value === 'number' ? (context?.source ?? String(value)) : value;
  return JSON.parse(text, /** @type {any} */ (reviver));
}
