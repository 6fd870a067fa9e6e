import type { CallResult } from '../calls/claimed-call.ts';
import type { PaymentRecord } from '../payment/payment.ts';
import type { Reply } from './api.ts';
import { Problem } from './problem.ts';

/** paytech is asked to be left alone for this long, in seconds, when it did not accept a call. */
export const UNAVAILABLE_RETRY_SECONDS = 5;

const UNDER_WAY_RETRY_SECONDS = 5;

/**
 * The answer to a request that creates a payment: 201 with a new one, 200 with one that exists. Throws a Problem where
 * none can be shown; `conflict` says what must be the same for one id.
 */
export function callReply(
  result: CallResult,
  view: (record: PaymentRecord) => unknown,
  conflict: string,
): Reply {
  switch (result.is) {
    case 'created':
      return { status: 201, body: view(result.record) };
    case 'existing':
      return { status: 200, body: view(result.record) };
    default:
      throw callProblem(result, conflict);
  }
}

function callProblem(result: Exclude<CallResult, { is: 'created' | 'existing' }>, conflict: string): Problem {
  switch (result.is) {
    case 'conflict':
      return new Problem('payment.reference_conflict', conflict);
    case 'in-progress':
      return new Problem('payment.in_progress', 'Send the same request again a little later.', {
        retryAfter: result.seconds,
      });
    case 'under-way':
      return new Problem(
        'payment.under_way',
        'The customer is paying by another method. Ask for the payment until it is final; nothing else is charged meanwhile.',
        { retryAfter: UNDER_WAY_RETRY_SECONDS },
      );
    case 'flagged':
      return new Problem(
        'claim.flagged',
        'The outcome of this request is unknown, and a person has to decide. Nothing is sent until then: do not send it under another id.',
      );
    case 'unknown':
      return new Problem(
        'payment.outcome_unknown',
        'Send the same request again a little later; nothing is paid twice.',
        { retryAfter: result.seconds },
      );
    case 'rejected':
    case 'unavailable':
      return gatewayProblem(result);
    case 'not-reserved':
      return notReserved(result.because);
    default:
      return result satisfies never;
  }
}

/** What paytech refused, or could not be asked for. */
export function gatewayProblem(result: Extract<CallResult, { is: 'rejected' | 'unavailable' }>): Problem {
  if (result.is === 'rejected') {
    return new Problem('gateway.rejected', result.message, { errors: result.errors });
  }
  return new Problem('gateway.unavailable', 'Nothing was done. Send the same request again a little later.', {
    retryAfter: UNAVAILABLE_RETRY_SECONDS,
  });
}

function notReserved(because: Extract<CallResult, { is: 'not-reserved' }>['because']): Problem {
  switch (because) {
    case 'not-refundable':
      return new Problem('payment.state_conflict', 'Only a COMPLETED deposit can be refunded.');
    case 'exceeds-remainder':
      return new Problem(
        'refund.exceeds_remainder',
        'Ask for the payment: `refundable` is what can still be refunded.',
      );
    case 'chargeback':
      return new Problem(
        'refund.chargeback',
        'Nothing was refunded: the customer has charged the payment back. Once the chargeback is closed as CANCELLED or DECLINED it can be refunded.',
      );
    case 'too-many':
      return new Problem('refund.too_many', 'This payment has as many refunds as can be recorded.');
    default:
      return because satisfies never;
  }
}
