import * as z from 'zod/mini';
import type { Decision, ResolveResult } from '../../shared/claims/resolve.ts';
import { type HttpEvent, jsonBody, type Reply } from '../../shared/http/api.ts';
import { UNAVAILABLE_RETRY_SECONDS } from '../../shared/http/call-problem.ts';
import { createdView } from '../../shared/http/payment-view.ts';
import { Problem } from '../../shared/http/problem.ts';
import { matching, object, text, validated } from '../../shared/http/validate.ts';
import { CLAIM_KINDS } from '../../shared/payment/claim.ts';
import { optional } from '../../shared/payment/payment.ts';
import { REFERENCE_ID } from '../../shared/payment/reference.ts';
import { PAYMENT_ID } from '../../shared/paytech/wire.ts';
import type { Call } from './router.ts';

/*
 * `POST /operations/claims/{kind}/{id}/resolve`: the exit of a flagged claim. What happens when is in
 * shared/claims/resolve.ts.
 *
 * API Gateway decodes the path before it finds the route, so that an id with a slash in it arrives as several
 * segments. The route `/operations/claims/{kind}/{id+}` takes those, with `/resolve` at their end.
 */

export interface Dependencies {
  resolve: (decision: Decision) => Promise<ResolveResult>;
}

/** `reason` is kept in the history: it says why, and names no customer. */
export const resolveBody = object({
  outcome: z.enum(['sent', 'not-sent'], { error: 'must be sent or not-sent' }),
  paymentId: z.optional(matching(PAYMENT_ID, 'must be the id of a payment')),
  notPaymentIds: z.optional(
    z.array(matching(PAYMENT_ID, 'must be the id of a payment'), {
      error: 'must be a list of ids of payments',
    }),
  ),
  reason: text(500),
}).check((context) => {
  const { outcome, paymentId, notPaymentIds } = context.value;
  if (outcome === 'not-sent' && paymentId !== undefined) {
    const message = 'goes with the outcome sent only';
    context.issues.push({ code: 'custom', input: undefined, path: ['paymentId'], message });
  }
  if (outcome === 'sent' && notPaymentIds !== undefined) {
    const message = 'goes with the outcome not-sent only';
    context.issues.push({ code: 'custom', input: undefined, path: ['notPaymentIds'], message });
  }
});

export function resolveRoute({ resolve }: Dependencies) {
  return async (event: HttpEvent, { caller, owner }: Call): Promise<Reply> => {
    const { kind, referenceId } = addressed(event);
    const { outcome, reason, paymentId, notPaymentIds = [] } = validated(resolveBody, jsonBody(event));
    const decision = {
      kind,
      referenceId,
      outcome,
      notPaymentIds,
      reason,
      caller,
      owner,
      ...optional('paymentId', paymentId),
    };
    return toReply(decision, await resolve(decision));
  };
}

/** Encoded once more than the path is decoded, an id cannot be mistaken either: it never has a `%` of its own. */
function addressed(event: HttpEvent): Pick<Decision, 'kind' | 'referenceId'> {
  const { kind: kindText, id = '' } = event.pathParameters ?? {};
  const isWhole = event.requestContext.routeKey.endsWith('{id+}');
  if (isWhole && !id.endsWith(ACTION)) throw notFound();
  const referenceId = decoded(isWhole ? id.slice(0, -ACTION.length) : id);
  const kind = CLAIM_KINDS.find((each) => each === kindText);
  if (!kind || !REFERENCE_ID.test(referenceId)) throw notFound();
  return { kind, referenceId };
}

const ACTION = '/resolve';

/** However often it was encoded, and whichever of that API Gateway has undone: no id has a % of its own. */
function decoded(text: string): string {
  try {
    const once = decodeURIComponent(text);
    return once === text ? text : decoded(once);
  } catch {
    return text;
  }
}

function toReply({ kind, referenceId }: Decision, result: ResolveResult): Reply {
  switch (result.is) {
    case 'adopted':
      return {
        status: 200,
        body: { kind, id: referenceId, result: 'adopted', payment: createdView(result.record) },
      };
    case 'released':
      return { status: 200, body: { kind, id: referenceId, result: 'released' } };
    case 'not-found':
      throw notFound();
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
      throw new Problem(
        'gateway.unavailable',
        'Nothing was changed. Send the same request again a little later.',
        {
          retryAfter: UNAVAILABLE_RETRY_SECONDS,
        },
      );
    default:
      return result satisfies never;
  }
}

function notFound(): Problem {
  return new Problem(
    'claim.not_found',
    'Claims are named by deposit, withdrawal or refund, and the id of their request.',
  );
}
