import * as z from 'zod/mini';
import type { ReleaseResult } from '../../shared/calls/release.ts';
import type { Decision, ResolveResult } from '../../shared/calls/resolve.ts';
import { unknownPayment } from '../../shared/http/action-problem.ts';
import { type HttpEvent, jsonBody, type Reply } from '../../shared/http/api.ts';
import { UNAVAILABLE_RETRY_SECONDS } from '../../shared/http/call-reply.ts';
import { referenceId } from '../../shared/http/payment-fields.ts';
import { createdView } from '../../shared/http/payment-view.ts';
import { Problem } from '../../shared/http/problem.ts';
import { matching, object, text, validated } from '../../shared/http/validate.ts';
import { CLAIM_KINDS } from '../../shared/payment/claim.ts';
import { optional } from '../../shared/payment/payment.ts';
import { PAYMENT_ID } from '../../shared/paytech/wire.ts';
import type { Call } from './router.ts';

/*
 * `POST /operations/claims/resolve`: a person's decision on what has an unknown outcome. Of a flagged claim the id
 * is that of its request, and what happens when is in shared/calls/resolve.ts. Of an action (execute, capture,
 * void, …) the kind is `operation` and the id that of its payment: paytech is asked once more, and where the payment
 * has not moved, the decision ends the action and another may begin.
 */

export interface ResolveRouteDependencies {
  resolve: (decision: Decision) => Promise<ResolveResult>;
  release: (id: string, who: string, why: string) => Promise<ReleaseResult>;
}

/** What `claims/resolve` takes: the kinds of claims, and `operation` for an action on a payment. */
export const RESOLVED_KINDS = [...CLAIM_KINDS, 'operation'] as const;

const paymentId = matching(PAYMENT_ID, 'must be the id of a payment');

const decisionFields = object({
  kind: z.enum(RESOLVED_KINDS, { error: `must be one of ${RESOLVED_KINDS.join(', ')}` }),
  id: referenceId,
  outcome: z.enum(['sent', 'not-sent'], { error: 'must be sent or not-sent' }),
  paymentId: z.optional(paymentId),
  notPaymentIds: z.optional(z.array(paymentId, { error: 'must be a list of ids of payments' })),
  reason: text(500),
});
type DecisionFields = z.output<typeof decisionFields>;

/** `reason` is kept in the history: it says why, and names no customer. */
export const resolveBody = decisionFields.check((context) => {
  for (const [field, message] of misfits(context.value)) {
    context.issues.push({ code: 'custom', input: undefined, path: [field], message });
  }
});

/** The fields that do not go with the others, and why. */
function* misfits(body: DecisionFields): Generator<[field: keyof DecisionFields, message: string]> {
  const { kind, id, outcome, paymentId, notPaymentIds } = body;
  if (kind === 'operation') {
    const onlyClaims = 'goes with the kinds deposit, withdrawal and refund only';
    if (!PAYMENT_ID.test(id)) yield ['id', 'must be the id of a payment'];
    if (outcome === 'sent') yield ['outcome', 'must be not-sent: what was sent shows in the payment itself'];
    if (paymentId !== undefined) yield ['paymentId', onlyClaims];
    if (notPaymentIds !== undefined) yield ['notPaymentIds', onlyClaims];
    return;
  }
  if (outcome === 'not-sent' && paymentId !== undefined) {
    yield ['paymentId', 'goes only with the outcome sent'];
  }
  if (outcome === 'sent' && notPaymentIds !== undefined) {
    yield ['notPaymentIds', 'goes only with the outcome not-sent'];
  }
}

export function resolveRoute({ resolve, release }: ResolveRouteDependencies) {
  return async (event: HttpEvent, { caller, owner }: Call): Promise<Reply> => {
    const { kind, id, outcome, reason, ...named } = validated(resolveBody, jsonBody(event));
    if (kind === 'operation') return releaseReply(id, await release(id, caller, reason));
    const { paymentId, notPaymentIds = [] } = named;
    const decision = {
      kind,
      referenceId: id,
      outcome,
      notPaymentIds,
      reason,
      caller,
      owner,
      ...optional('paymentId', paymentId),
    };
    return resolveReply(decision, await resolve(decision));
  };
}

function resolveReply({ kind, referenceId: id }: Decision, result: ResolveResult): Reply {
  switch (result.is) {
    case 'adopted':
      return { status: 200, body: { kind, id, result: 'adopted', payment: createdView(result.record) } };
    case 'released':
      return { status: 200, body: { kind, id, result: 'released' } };
    case 'not-found':
      throw new Problem('claim.not_found', 'Nothing was asked for here under this kind and id.');
    case 'not-flagged':
      throw new Problem(
        'claim.not_flagged',
        'Only a flagged claim can be resolved. Send its own request again.',
      );
    case 'must-name':
      throw new Problem(
        'claim.mismatch',
        `Nothing was changed: paytech has payments under this id. Look at each, and where none is what was asked for, name all as notPaymentIds: ${result.paymentIds.join(', ')}.`,
      );
    case 'mismatch':
      throw new Problem('claim.mismatch', `Nothing was changed: ${result.because}.`);
    case 'unavailable':
      throw unavailable();
    default:
      return result satisfies never;
  }
}

function releaseReply(id: string, result: ReleaseResult): Reply {
  const kind = 'operation';
  switch (result.is) {
    case 'released':
      return { status: 200, body: { kind, id, result: 'released' } };
    case 'moved':
      return { status: 200, body: { kind, id, result: 'adopted', payment: createdView(result.record) } };
    case 'not-open':
      if (!result.record) throw unknownPayment();
      throw new Problem('claim.not_flagged', 'No operation on this payment is open.');
    case 'too-early':
      throw new Problem('operation.in_progress', 'It may still be carried out.', {
        retryAfter: result.seconds,
      });
    case 'unavailable':
      throw unavailable();
    default:
      return result satisfies never;
  }
}

function unavailable(): Problem {
  return new Problem(
    'gateway.unavailable',
    'Nothing was changed. Send the same request again a little later.',
    { retryAfter: UNAVAILABLE_RETRY_SECONDS },
  );
}
