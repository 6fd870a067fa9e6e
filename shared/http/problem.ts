/** Every error that a caller of our API may see; the code is stable, see docs/api.md. */
export const PROBLEMS = {
  'request.invalid': { status: 400, title: 'The request is not valid' },
  'order.token_required': { status: 401, title: 'The order token is missing' },
  'order.token_invalid': { status: 401, title: 'The order token is not valid' },
  'order.token_conflict': { status: 409, title: 'The order token is for another order or price' },
  'cloudfront.required': { status: 403, title: 'The request did not come through CloudFront' },
  'payment.not_found': { status: 404, title: 'There is no such payment' },
  'subscription.not_found': { status: 404, title: 'There is no such subscription' },
  'payment.reference_conflict': {
    status: 409,
    title: 'The referenceId or refundId belongs to a request with other content',
  },
  'payment.in_progress': { status: 409, title: 'The payment is being created by another request' },
  'payment.under_way': { status: 409, title: 'A payment of this order is under way by another method' },
  'payment.outcome_unknown': { status: 503, title: 'The outcome of the payment is not known yet' },
  'payment.state_conflict': { status: 409, title: 'The state of the payment does not allow this' },
  'operation.in_progress': { status: 409, title: 'The same operation is in progress' },
  'operation.conflict': { status: 409, title: 'Another operation on the payment is in progress' },
  'operation.outcome_unknown': {
    status: 503,
    title: 'It is not known yet whether the operation took effect',
  },
  'refund.exceeds_remainder': { status: 409, title: 'More than what is left to refund' },
  'refund.too_many': { status: 409, title: 'The payment has too many refunds' },
  'refund.chargeback': { status: 409, title: 'The payment is charged back' },
  'claim.flagged': { status: 409, title: 'A person has to decide what became of the request' },
  'claim.not_found': { status: 404, title: 'There is no such claim' },
  'claim.not_flagged': { status: 409, title: 'The claim is not waiting for a decision' },
  'claim.mismatch': { status: 409, title: 'The decision does not fit what the gateway has' },
  'alarm.not_found': { status: 404, title: 'There is no such open alarm' },
  'alarm.not_acknowledgeable': { status: 409, title: 'Only a decision on the claim ends this alarm' },
  'alarm.changed': { status: 409, title: 'More was found than you have seen' },
  'gateway.rejected': { status: 422, title: 'The payment gateway refused the payment' },
  'gateway.unavailable': { status: 503, title: 'The payment gateway cannot take payments now' },
  'webhook.signature_invalid': { status: 401, title: 'The signature is missing or does not match' },
  'webhook.too_large': { status: 413, title: 'The webhook is too large' },
  internal: { status: 500, title: 'Something went wrong on our side' },
} as const;

export type ProblemCode = keyof typeof PROBLEMS;

export interface FieldProblem {
  field: string;
  message: string;
}

/** An error for the caller, with what to do about it. Anything else that is thrown is logged and `internal`. */
export class Problem extends Error {
  override name = 'Problem';
  readonly code: ProblemCode;
  readonly errors: FieldProblem[];
  /** Seconds after which the same request may be sent again. */
  readonly retryAfter: number | undefined;

  constructor(
    code: ProblemCode,
    detail: string,
    more: { errors?: FieldProblem[]; retryAfter?: number } = {},
  ) {
    super(detail);
    this.code = code;
    this.errors = more.errors ?? [];
    this.retryAfter = more.retryAfter;
  }
}
