import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, expect } from 'vitest';
import { applyBatch } from '../../functions/apply-payment-event/batch.ts';
import { noteWebhooks } from '../../functions/apply-payment-event/webhook-heard.ts';
import { receiveWebhook } from '../../functions/receive-webhook/pipeline.ts';
import { reconcile } from '../../functions/reconcile/pipeline.ts';
import { act } from '../../shared/calls/act.ts';
import { claimedCall } from '../../shared/calls/claimed-call.ts';
import type { HttpEvent } from '../../shared/http/api.ts';
import { httpHandler } from '../../shared/http/api.ts';
import { OPEN_INTERVAL_MS } from '../../shared/payment/schedule.ts';
import { sign } from '../../shared/paytech/signature.ts';
import { countMetrics } from './counted.ts';
import { asRecord } from './lambda-record.ts';
import { EUR_10, objectBytes, startWorld, type World } from './world.ts';

const SIGNING_KEY = 'signing-key-of-the-shop';
const MINUTE = 60_000;

/** What no line of a log may hold. */
export const CUSTOMER = { email: 'anna@planted.example' };
export const ORDER_TOKEN = 'planted.order.token';

export type CountedWorld = ReturnType<typeof countedWorld>;

/**
 * A world for each test of a file, with the functions in it, whose log lines are read as CloudWatch reads them. At the
 * end of each test none of them may hold what no log may.
 */
export function countedWorld() {
  let world: World;
  let counted: ReturnType<typeof countMetrics>;
  beforeEach(async () => {
    world = await startWorld();
    counted = countMetrics(world.now);
  });
  afterEach(async () => {
    counted.stop();
    await world.stop();
    // Whatever was caused, and however it ended.
    const log = counted.lines.join('');
    for (const kept of [CUSTOMER.email, SIGNING_KEY, ORDER_TOKEN, ...bodies]) expect(log).not.toContain(kept);
  });

  /** In base64, as the queue has them. */
  const bodies = new Set<string>();
  const pass = (milliseconds: number) => {
    world.clock.at += milliseconds;
  };

  const functions = {
    create: (kind: 'deposit' | 'withdrawal' = 'deposit', referenceId: string = randomUUID()) => {
      const service = kind === 'deposit' ? 'create-payment' : 'operations';
      const paymentType = kind === 'deposit' ? ('DEPOSIT' as const) : ('WITHDRAWAL' as const);
      return claimedCall({ ...world, logger: counted.logger(service) })({
        kind,
        referenceId,
        request: EUR_10,
        body: (reference) => ({ paymentType, referenceId: reference, ...EUR_10 }),
        owner: randomUUID(),
        deadline: world.now() + 14_000,
      });
    },
    receive: async (bytes: Buffer, signature: string, routeKey = 'POST /webhooks/paytech') => {
      const logger = counted.logger('receive-webhook');
      const signingKeys = { get: async () => [SIGNING_KEY], refreshed: async () => undefined };
      const now = () => new Date(world.now());
      const handler = httpHandler(logger, receiveWebhook({ signingKeys, queue: world.queue, now, logger }));
      bodies.add(bytes.toString('base64'));
      const event = {
        body: bytes.toString(),
        headers: { signature },
        requestContext: { requestId: 'r', routeKey },
      };
      return (await handler(event as unknown as HttpEvent, {} as never)).statusCode;
    },
    /** Works off the queue, as often as messages come back. */
    apply: async (publisher: World['publisher'] = world.publisher, receives = 1) => {
      const logger = counted.logger('apply-payment-event');
      const { deadLetters, applyWith } = world;
      const messages = (await world.drain('webhooks')).map((message) =>
        asRecord(message, { ApproximateReceiveCount: String(receives) }),
      );
      const apply = applyWith({ logger });
      const response = await applyBatch({ apply, publisher, deadLetters, logger })(messages);
      await noteWebhooks({ ...world, logger })(messages);
      return response;
    },
    act: (kind: 'execute' | 'capture', paymentId: string) => {
      const logger = counted.logger(kind === 'execute' ? 'execute-payment' : 'operations');
      const deadline = world.now() + 14_000;
      return act({ ...world, ready: async () => {}, logger })({
        kind,
        paymentId,
        owner: randomUUID(),
        deadline,
      });
    },
    reconcile: (queue: World['queue'] = world.queue) => {
      const { table, index, gateway, now } = world;
      const logger = counted.logger('reconcile');
      const maxAgeMs = 400 * 24 * 60 * MINUTE;
      const overdueLimits = { AUTHORIZED: 72 * 60 * MINUTE, AWAITING_APPROVAL: 24 * 60 * MINUTE };
      const run = reconcile({
        table,
        index,
        gateway,
        queue,
        now,
        logger,
        graceMs: 0,
        maxAgeMs,
        overdueLimits,
      });
      return run({ deadline: now() + 55_000 });
    },
  };

  async function created(): Promise<string> {
    const result = await functions.create();
    if (!('record' in result)) throw new Error(result.is);
    return result.record.id;
  }

  /** paytech's webhook, through the queue to the table. */
  async function webhook(
    fields: Record<string, unknown> & { id: string; state: string },
    routeKey?: string,
  ): Promise<void> {
    const bytes = objectBytes({
      paymentType: 'DEPOSIT',
      amount: '10',
      currency: 'EUR',
      customer: CUSTOMER,
      ...fields,
    });
    expect(await functions.receive(bytes, sign(bytes, SIGNING_KEY), routeKey)).toBe(200);
    await functions.apply();
  }

  async function paid(fields: { referenceId?: string } = {}): Promise<string> {
    const id = await created();
    world.gateway.set(id, { state: 'COMPLETED' });
    await webhook({ id, state: 'COMPLETED', ...fields });
    return id;
  }

  const times = async (count: number, cause: () => Promise<unknown>) => {
    for (let time = 0; time < count; time++) await cause();
  };

  const failing = (on: 'create' | 'execute' | 'capture' | 'list' | 'get', ends: 'unknown' | 401 | 429) =>
    world.gateway.endings.push({ on, ends } as never);
  const authorized = async () => {
    const id = await created();
    world.gateway.set(id, { state: 'AUTHORIZED' });
    await webhook({ id, state: 'AUTHORIZED' });
    return id;
  };

  /** With enough that is due to be asked about. */
  const withDue = async () => {
    await times(5, created);
    pass(OPEN_INTERVAL_MS);
  };

  /** A run in which paytech refuses every question. */
  const givesUp = async () => {
    for (let count = 0; count < 5; count++) failing('get', 401);
    await functions.reconcile();
  };

  /** Ends of payments of ours, an hour apart, of which nobody but paytech itself tells. */
  const untold = (count: number) =>
    times(count, async () => {
      world.gateway.set(await created(), { state: 'COMPLETED' });
      pass(MINUTE);
      await functions.reconcile();
      await functions.apply();
      // The list is read once more after a quarter of an hour.
      pass(20 * MINUTE);
      await functions.reconcile();
      pass(39 * MINUTE);
    });

  return {
    get world() {
      return world;
    },
    get counted() {
      return counted;
    },
    signed: (bytes: Buffer) => functions.receive(bytes, sign(bytes, SIGNING_KEY)),
    functions,
    pass,
    times,
    failing,
    created,
    webhook,
    paid,
    authorized,
    withDue,
    givesUp,
    untold,
  };
}
