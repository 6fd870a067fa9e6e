import type { ActResult } from '../calls/act.ts';
import { type Action, requirementOf } from '../payment/action.ts';
import { gatewayProblem } from './call-reply.ts';
import { Problem } from './problem.ts';
import { invalid } from './validate.ts';

/** What a caller gets for an action that was not done. The route writes the text of `unknown`. */
export function actionProblem(result: Exclude<ActResult, { is: 'done' | 'unknown' }>, kind: Action): Problem {
  switch (result.is) {
    case 'not-found':
      return unknownPayment();
    case 'wrong-state':
      return new Problem('payment.state_conflict', wrongState(result, kind));
    case 'paid-beside':
      return new Problem(
        'payment.state_conflict',
        'Another payment of this order is paid: POST /payments of the order answers it.',
      );
    case 'too-much':
      return invalid({ field: 'amount', message: 'must be at most the authorized amount' });
    case 'conflict':
      return new Problem(
        'operation.conflict',
        'An operation of another kind or amount was begun before. Ask for the payment to see what became of it.',
      );
    case 'in-progress':
      return new Problem('operation.in_progress', 'Send the same request again a little later.', {
        retryAfter: result.seconds,
      });
    case 'rejected':
    case 'unavailable':
      return gatewayProblem(result);
    default:
      return result satisfies never;
  }
}

export function unknownPayment(): Problem {
  return new Problem('payment.not_found', 'Ask with the id of a payment that this service knows.');
}

function wrongState({ record, state }: Extract<ActResult, { is: 'wrong-state' }>, kind: Action): string {
  const { paymentType, from } = requirementOf(kind);
  return `Nothing was done: the payment is a ${record.paymentType}, ${state}. Only a ${paymentType} that is ${from} can be ${DONE[kind]}.`;
}

const DONE: Record<Action, string> = {
  execute: 'executed',
  capture: 'captured',
  void: 'voided',
  approve: 'approved',
  reject: 'rejected',
};
