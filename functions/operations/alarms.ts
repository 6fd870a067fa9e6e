import * as z from 'zod/mini';
import type { AcknowledgeResult, Acknowledging } from '../../shared/calls/acknowledge.ts';
import { type HttpEvent, jsonBody, type Reply } from '../../shared/http/api.ts';
import { Problem } from '../../shared/http/problem.ts';
import { matching, object, text, validated } from '../../shared/http/validate.ts';
import { optional } from '../../shared/payment/payment.ts';
import { STANDING_ALARMS } from '../../shared/payment/standing.ts';
import type { Call } from './router.ts';

/*
 * `POST /operations/alarms/acknowledge`: a person's word on an alarm that stands. The kind is the alarm's name, the id
 * what it is of. What happens when is in shared/calls/acknowledge.ts.
 */

export interface AcknowledgeRouteDependencies {
  acknowledge: (acknowledging: Acknowledging) => Promise<AcknowledgeResult>;
}

/** `reason` is kept with the alarm: it says why, and names no customer. `found` is what the person has seen. */
export const acknowledgeBody = object({
  kind: z.enum(STANDING_ALARMS, { error: `must be one of ${STANDING_ALARMS.join(', ')}` }),
  id: matching(/^[A-Za-z0-9._:/-]{1,256}$/, 'must be the id of an alarm'),
  found: z.optional(z.array(text(256), { error: 'must be a list of texts' })),
  reason: text(500),
});

export function acknowledgeRoute({ acknowledge }: AcknowledgeRouteDependencies) {
  return async (event: HttpEvent, { caller }: Pick<Call, 'caller'>): Promise<Reply> => {
    const { kind, id, found, reason } = validated(acknowledgeBody, jsonBody(event));
    const result = await acknowledge({ kind, id, reason, caller, ...optional('found', found) });
    switch (result.is) {
      case 'acknowledged':
        return { status: 200, body: { kind, id, result: 'acknowledged', found: result.found } };
      case 'resolve-only':
        throw new Problem(
          'alarm.not_acknowledgeable',
          'Only a decision on the claim ends this alarm: POST /operations/claims/resolve.',
        );
      case 'not-found':
        throw new Problem(
          'alarm.not_found',
          'There is no such open alarm: it has ended by itself, has been acknowledged, or has another id.',
        );
      case 'changed':
        throw new Problem(
          'alarm.changed',
          `More is found than you have seen. Look at it again: ${result.found.join(', ')}.`,
        );
      default:
        return result satisfies never;
    }
  };
}
