/**
 * The payment service for storefronts: create, redirect or frame, wait for the end. No dependencies, no build, for
 * browsers of 2024 and later. Amounts are decimal strings in major units (`'11.12'`) on the way in and out, as the service
 * has them, since a JavaScript number cannot hold all of them: the module never touches one.
 */

export interface Storefront {
  /**
   * `POST /payments`: the payment of an order, whose `redirectUrl` takes the customer's money. The same order again,
   * also from another page or after a lost answer, is the same payment, so this repeats the request as long as
   * repeating can help (it is being created, its outcome is not known yet, the gateway is away) and the time for it,
   * `patienceMs`, is not over. Throws a {@link PaymentError}.
   */
  create(order: NewPayment, options?: CallOptions): Promise<CreatedPayment>;
  /** `GET /payments/{id}`. Throws a {@link PaymentError}. */
  get(id: string, options?: CallOptions): Promise<Payment>;
  /**
   * `PATCH /payments/{id}`, host-to-host: executes the payment without a redirect; its `externalRefs` are what
   * the customer needs to know. The service executes it once, however often it is asked. Throws a
   * {@link PaymentError}.
   */
  execute(id: string, browser?: Record<string, unknown>, options?: CallOptions): Promise<Payment>;
  /**
   * Asks until the payment is final, at growing intervals of up to five seconds, and at once when the customer comes back
   * to the page. Has no limit of its own: `signal: AbortSignal.timeout(60_000)` is one. Throws a
   * {@link PaymentError} where asking again cannot help (an unknown id), or the signal's reason.
   */
  waitForFinal(id: string, options?: WaitOptions): Promise<Payment>;
}

/** @param apiUrl the API's address without a slash at the end; '' for the page's own origin */
export function openStorefront(apiUrl: string, options?: StorefrontOptions): Storefront;

export interface StorefrontOptions {
  /**
   * How long a request is repeated in all, in milliseconds, before its error is thrown; default 30,000, within which
   * a payment whose answer was lost is found or made anew too. The service says how long to wait
   * (Retry-After): where that is longer than what is left, the error is thrown at once. 0 repeats nothing.
   */
  patienceMs?: number;
}

/**
 * Sends the customer to the checkout. Throws a TypeError where there is no `redirectUrl` or it is no https address
 * (or http on localhost and 127.0.0.1): a `javascript:` URL would run on the shop's page. No answer with such a URL
 * leaves this module either.
 */
export function redirect(payment: Pick<CreatedPayment, 'redirectUrl'>): void;

/**
 * Shows the checkout in a frame and resolves when the checkout says that the customer is done. That is a hint
 * to close the frame, never a result: ask `waitForFinal`. Messages of other origins, windows or payments are
 * not listened to. Rejects with the signal's reason, as when the customer closes the frame, and as
 * {@link redirect} throws.
 */
export function showInFrame(
  frame: HTMLIFrameElement,
  payment: Pick<CreatedPayment, 'id' | 'redirectUrl'>,
  options?: CallOptions,
): Promise<void>;

/** The service or the network refused. `message` is for developers, `customerMessage` fit for the customer. */
export class PaymentError extends Error {
  constructor(status: number, problem: Record<string, unknown>, retryAfterMs?: number);
  /** HTTP status; 0 when nobody answered. */
  status: number;
  /** Stable, such as `gateway.rejected`; '' when the answer was not the service's own. */
  code: string;
  customerMessage: string;
  errors: { field: string; message: string }[];
  requestId?: string | undefined;
  /** What the service asked to wait. */
  retryAfterMs?: number | undefined;
  /** Whether the same request may work a little later. */
  mayRetry: boolean;
}

export interface CallOptions {
  signal?: AbortSignal;
}

export interface WaitOptions extends CallOptions {
  /** Called with the payment at first and whenever it has changed. */
  onUpdate?: (payment: Payment) => void;
  /** What is waited for; default: a final state. With `preAuth` an AUTHORIZED payment may do. */
  isDone?: (payment: Payment) => boolean;
}

/** The order as the merchant's server signed it; without order tokens the order itself. */
export type NewPayment = (
  | { orderToken: string }
  | { referenceId: string; amount: string; currency: string }
) & {
  paymentMethod?: string;
  /** The customer sees it at the checkout. */
  description?: string;
  /** Where the checkout sends the customer; `{id}` in it becomes the payment's id. */
  returnUrl?: string;
  /** Further fields of `POST /payments`. */
  [field: string]: unknown;
};

export type PaymentState = 'CHECKOUT' | 'PENDING' | 'AUTHORIZED' | 'COMPLETED' | 'DECLINED' | 'CANCELLED';

export interface CreatedPayment {
  id: string;
  referenceId?: string;
  state: PaymentState;
  /** An order that was paid before is final at once. */
  final: boolean;
  amount: string;
  currency: string;
  /** Where the customer pays; absent on a payment that is final. */
  redirectUrl?: string;
  created: string;
}

export interface Payment {
  id: string;
  referenceId?: string;
  state: PaymentState;
  final: boolean;
  /** What was paid, once the payment is final. */
  amount: string;
  currency: string;
  /** What was asked for; absent where it is unknown, as of a payment that other systems of the shop made. */
  requestedAmount?: string;
  requestedCurrency?: string;
  /** Of a COMPLETED or AUTHORIZED payment: whether amount and currency are those that were asked for. */
  paidAsRequested?: boolean;
  /** While the customer has not paid yet. */
  redirectUrl?: string;
  /** Instructions for the customer of a host-to-host payment. */
  externalRefs?: Record<string, string>;
  errorCode?: string;
  /** Of a failed payment; fit to be shown to the customer. */
  errorMessage?: string;
  /** Of a failed payment: whether trying the order again can help. */
  retry?: 'retry' | 'retry-with-other-method' | 'do-not-retry';
  version: number;
  updated: string;
}
