import * as z from 'zod/mini';
import type { ReleaseResult } from '../../shared/actions/release.ts';
import { actionProblem } from '../../shared/http/action-problem.ts';
import { type HttpEvent, jsonBody, type Reply } from '../../shared/http/api.ts';
import { actedView } from '../../shared/http/payment-view.ts';
import { Problem } from '../../shared/http/problem.ts';
import { object, text, validated } from '../../shared/http/validate.ts';
import { PAYMENT_ID } from '../../shared/paytech/wire.ts';
import type { Call } from './router.ts';

/*
 * `POST /operations/claims/operation/{paymentId}/resolve`: the exit of an action (capture, void, …) that nobody
 * heard the end of. paytech is asked once more; where the payment has not moved, the operator's word that it was
 * not carried out ends the operation, and another may begin.
 */

export interface Dependencies {
  release: (id: string, who: string, why: string) => Promise<ReleaseResult>;
}

/** `reason` is kept with the operation: it says why, and names no customer. */
export const releaseBody = object({
  outcome: z.literal('not-sent', { error: 'must be not-sent: what was sent shows in the state by itself' }),
  reason: text(500),
});

export function releaseRoute({ release }: Dependencies) {
  return async (event: HttpEvent, { caller }: Call): Promise<Reply> => {
    const id = event.pathParameters?.id ?? '';
    const { reason } = validated(releaseBody, jsonBody(event));
    if (!PAYMENT_ID.test(id)) throw actionProblem({ is: 'not-found' });
    const result = await release(id, caller, reason);
    switch (result.is) {
      case 'released':
        return { status: 200, body: { kind: 'operation', id, result: 'released' } };
      case 'moved':
        return {
          status: 200,
          body: { kind: 'operation', id, result: 'adopted', payment: actedView(result.record) },
        };
      case 'not-open':
        if (!result.record) throw actionProblem({ is: 'not-found' });
        throw new Problem('claim.not_flagged', 'No operation on this payment is open.');
      case 'too-early':
        throw new Problem('operation.in_progress', 'It may still be carried out.', {
          retryAfter: result.seconds,
        });
      case 'unavailable':
        throw actionProblem({ is: 'unavailable' });
      default:
        return result satisfies never;
    }
  };
}
