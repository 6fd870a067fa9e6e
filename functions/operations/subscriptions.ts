import { type HttpEvent, optionalJsonBody, type Reply } from '../../shared/http/api.ts';
import { gatewayProblem, UNAVAILABLE_RETRY_SECONDS } from '../../shared/http/call-reply.ts';
import { Problem } from '../../shared/http/problem.ts';
import { validated } from '../../shared/http/validate.ts';
import type { GatewayClient } from '../../shared/paytech/client.ts';
import { readSubscription } from '../../shared/paytech/subscription.ts';
import { READ_LIMIT_MS, SHORT_ASK_LIMIT_MS } from '../../shared/paytech/time-limits.ts';
import { PAYMENT_ID } from '../../shared/paytech/wire.ts';
import { emptyBody } from './actions.ts';

/*
 * The subscriptions that paytech runs. Nothing of them is kept here: their cycles are payments of their own, and
 * cancelling twice is cancelling once, so that it needs no claim.
 */

export interface SubscriptionDependencies {
  gateway: Pick<GatewayClient, 'subscription' | 'cancelSubscription'>;
}

const CANCELLED = 'CANCELLED';

/** `GET /operations/subscriptions/{id}`. */
export function showSubscription({ gateway }: SubscriptionDependencies) {
  return async (event: HttpEvent): Promise<Reply> => {
    const id = idOf(event);
    const answer = await gateway.subscription(id, READ_LIMIT_MS);
    if (answer.kind === 'answered') return shown(id, answer.result);
    throw problemOf(answer);
  };
}

/** `POST /operations/subscriptions/{id}/cancel`. */
export function cancelSubscription({ gateway }: SubscriptionDependencies) {
  return async (event: HttpEvent): Promise<Reply> => {
    validated(emptyBody, optionalJsonBody(event));
    const id = idOf(event);
    const answer = await gateway.cancelSubscription(id, READ_LIMIT_MS);
    // It may be cancelled although paytech refuses to cancel it, or was not heard.
    const looked = await gateway.subscription(id, SHORT_ASK_LIMIT_MS);
    const said = [looked, answer].flatMap((each) =>
      each.kind === 'answered' ? [readSubscription(id, each.result)] : [],
    );
    const told = said.find(({ state }) => state !== undefined);
    if (told?.state === CANCELLED) return { status: 200, body: told };
    // Neither answer need say the state, and paytech has answered that it did what was asked.
    if (answer.kind === 'answered' && !told) return { status: 200, body: { ...said[0], state: CANCELLED } };
    if (answer.kind === 'answered' || answer.kind === 'unknown') {
      throw new Problem(
        'operation.outcome_unknown',
        'paytech does not show it as cancelled. Send the same request again: cancelling twice does no harm.',
        { retryAfter: UNAVAILABLE_RETRY_SECONDS },
      );
    }
    throw problemOf(answer);
  };
}

function idOf(event: HttpEvent): string {
  const id = event.pathParameters?.id ?? '';
  if (!PAYMENT_ID.test(id)) throw notFound();
  return id;
}

function shown(id: string, result: unknown): Reply {
  return { status: 200, body: readSubscription(id, result) };
}

type Failed = Exclude<Awaited<ReturnType<GatewayClient['subscription']>>, { kind: 'answered' }>;

function problemOf(answer: Failed): Problem {
  if (answer.kind === 'refused') return gatewayProblem({ ...answer, is: 'rejected' });
  const isNotThere = answer.kind === 'not-accepted' && answer.status === 404;
  return isNotThere ? notFound() : gatewayProblem({ is: 'unavailable' });
}

function notFound(): Problem {
  return new Problem('subscription.not_found', 'Ask with the id that paytech gave the subscription.');
}
