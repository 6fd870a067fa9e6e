import type { CallResult } from '../calls/claimed-call.ts';
import { Problem } from './problem.ts';

/** paytech is asked to be left alone for this long, in seconds, when it did not accept a call. */
export const UNAVAILABLE_RETRY_SECONDS = 5;

const UNDER_WAY_RETRY_SECONDS = 5;

/** What a caller gets when no payment can be shown. `conflict` says what must be the same for one id. */
export function callProblem(
  result: Exclude<CallResult, { is: 'created' | 'existing' }>,
  conflict: string,
): Problem {
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
        'Nobody knows what became of this request, and a person has to decide. Nothing is sent until then: do not send it under another id.',
      );
    case 'unknown':
      return new Problem(
        'payment.outcome_unknown',
        'Send the same request again a little later; nothing is paid twice.',
        { retryAfter: result.seconds },
      );
    case 'rejected':
      return new Problem('gateway.rejected', result.message, { errors: result.errors });
    case 'unavailable':
      return new Problem(
        'gateway.unavailable',
        'Nothing was done. Send the same request again a little later.',
        { retryAfter: UNAVAILABLE_RETRY_SECONDS },
      );
    case 'not-reserved':
      return notReserved(result.because);
    default:
      return result satisfies never;
  }
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
    case 'too-many':
      return new Problem('refund.too_many', 'This payment has as many refunds as can be recorded.');
    default:
      return because satisfies never;
  }
}
