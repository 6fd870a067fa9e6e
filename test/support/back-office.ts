import { randomUUID } from 'node:crypto';
import { chargebackRoute } from '../../functions/operations/chargebacks.ts';
import { resolveRoute } from '../../functions/operations/claims.ts';
import { recurring } from '../../functions/operations/deposits.ts';
import { showPayment } from '../../functions/operations/look-ups.ts';
import { refunds } from '../../functions/operations/refunds.ts';
import type { OperationRoute } from '../../functions/operations/router.ts';
import { withdrawals } from '../../functions/operations/withdrawals.ts';
import { LOCAL_KEYS } from '../../infra/local/account.ts';
import { chargeBack } from '../../shared/calls/charge-back.ts';
import { claimedCall } from '../../shared/calls/claimed-call.ts';
import { releaseAction } from '../../shared/calls/release.ts';
import { resolveClaim } from '../../shared/calls/resolve.ts';
import type { HttpEvent } from '../../shared/http/api.ts';
import { PROBLEMS, Problem } from '../../shared/http/problem.ts';
import { stringifyJson } from '../../shared/payment/json.ts';
import { type Decimal, decimal } from '../../shared/payment/money.ts';
import { DAY_MS } from '../../shared/runtime/time.ts';
import type { World } from './world.ts';

export const CALLER = 'arn:aws:iam::123456789012:user/back-office';
/** Which parameters this deployment keeps. */
export const EVENT_PARAMETERS = ['shop', 'campaign'];
/** How long it keeps a payment. */
export const RETENTION_MS = 400 * DAY_MS;
const WEBHOOK_URL = 'https://shop.example/webhooks/paytech';

// biome-ignore lint/suspicious/noExplicitAny: the body of an answer, of any route
export type Answer = { status: number; body: any; code?: string; retryAfter?: number };

export type Outside = Pick<World, 'table' | 'gateway' | 'queue' | 'now' | 'logger'>;

/** The routes of the back office, as API Gateway would call them; amounts are given as texts. */
export function backOffice(outside: Outside) {
  const create = claimedCall(outside);
  const refund = refunds({ ...outside, create, webhookUrl: WEBHOOK_URL });
  const fingerprintKey = { get: async () => LOCAL_KEYS.fingerprintKey };
  const withdraw = withdrawals({
    create,
    webhookUrl: WEBHOOK_URL,
    eventParameters: EVENT_PARAMETERS,
    fingerprintKey,
  });
  const charge = recurring({
    ...outside,
    create,
    webhookUrl: WEBHOOK_URL,
    eventParameters: EVENT_PARAMETERS,
    retentionMs: RETENTION_MS,
  });
  const dispute = chargebackRoute({
    chargeBack: chargeBack({ ...outside, ready: async () => {} }),
    webhookUrl: WEBHOOK_URL,
  });
  const resolve = resolveRoute({ resolve: resolveClaim(outside), release: releaseAction(outside) });

  const call = (route: OperationRoute, request: Partial<HttpEvent>) =>
    answerOf(() =>
      route({ headers: {}, requestContext: {}, ...request } as HttpEvent, {
        caller: CALLER,
        owner: randomUUID(),
        deadline: outside.now() + 14_000,
      }),
    );

  return {
    refund: (body: { refundId: string; paymentId: string; amount?: string; currency?: string }) =>
      call(refund, { body: json(body) }),
    withdraw: (body: Record<string, unknown>) => call(withdraw, { body: json(body) }),
    dispute: (id: string, body: Record<string, unknown> = {}) =>
      call(dispute, { pathParameters: { id }, body: json(body) }),
    charge: (body: Record<string, unknown>) => call(charge, { body: json(body) }),
    resolve: (kind: string, id: string, body: Record<string, unknown>) =>
      call(resolve, { body: json({ kind, id, ...body }) }),
    show: (id: string) => call(showPayment(outside), { pathParameters: { id } }),
  };
}

export function json({ amount, ...rest }: Record<string, unknown>): string {
  return stringifyJson({ ...rest, ...(typeof amount === 'string' ? { amount: decimal(amount) } : {}) });
}

export async function answerOf(route: () => Promise<{ status: number; body: unknown }>): Promise<Answer> {
  try {
    return await route();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    const { code, retryAfter, errors } = error;
    return {
      status: PROBLEMS[code].status,
      body: { errors },
      code,
      ...(retryAfter === undefined ? {} : { retryAfter }),
    };
  }
}

/** The process dies at one of its steps outside: before it is done, or before its answer is read. */
export class Died extends Error {
  override name = 'Died';
}

/** `outside` for a process that dies at step `atStep`; `steps` counts what it came to. */
export function dying(outside: Outside, atStep: number, when: 'before' | 'after') {
  const process = { steps: 0, dead: false };
  const mortal = <O extends object>(target: O): O =>
    new Proxy(target, {
      get(object, name) {
        const member = Reflect.get(object, name);
        if (typeof member !== 'function') return member;
        return async (...args: unknown[]) => {
          const dies = process.dead || process.steps++ === atStep;
          if (process.dead || (dies && when === 'before')) throw die();
          const answer = await member.apply(object, args);
          if (dies) throw die();
          return answer;
        };
      },
    });
  function die(): Died {
    process.dead = true;
    return new Died();
  }
  return {
    process,
    outside: {
      ...outside,
      table: mortal(outside.table),
      gateway: mortal(outside.gateway),
      queue: mortal(outside.queue),
    },
  };
}

/** The sum of decimals, as a text. */
export function sumOf(amounts: readonly (Decimal | undefined)[]): string {
  return amounts.reduce<Decimal>((sum, each) => sum.plus(each ?? decimal('0')), decimal('0')).toFixed();
}
