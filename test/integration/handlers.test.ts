import { randomUUID } from 'node:crypto';
import { describe, expect, it, vi } from 'vitest';
import { LOCAL_KEYS } from '../../infra/local/account.ts';
import { decimal } from '../../shared/payment/money.ts';
import type { PaymentState, PaymentType } from '../../shared/payment/state.ts';
import { sign } from '../../shared/paytech/signature.ts';
import type { FunctionName } from '../../shared/runtime/settings.ts';
import { MINUTE_MS, SECOND_MS } from '../../shared/runtime/time.ts';
import { saveClaim } from '../../shared/store/claims.ts';
import { takeOperation } from '../../shared/store/operation-lock.ts';
import { readPayment } from '../../shared/store/payments.ts';
import { request, sharedHandlers } from '../support/handlers.ts';
import { asRecord } from '../support/lambda-record.ts';
import { paymentId, webhookEvent } from '../support/world.ts';

/**
 * What a function's index.ts adds to its pipeline: the time that it has left, its key before anything else, and its
 * clock. Each test has a cold start, in this process.
 */

const { world, memory, secrets, start } = await sharedHandlers();

const EUR_10 = { amount: '10', currency: 'EUR' };

async function payment(state: PaymentState, paymentType: PaymentType = 'DEPOSIT'): Promise<string> {
  const id = paymentId();
  await world.apply({ ...webhookEvent({ id, state, paymentType }), source: 'refresh' });
  return id;
}

const item = async (pk: string) => (await world.scan()).find((each) => each.pk === pk);

/** What moves money: the function, its request, and what of it is in the table once it has begun. */
const CALLS: [name: FunctionName, what: string, () => Promise<[object, () => Promise<unknown>]>][] = [
  [
    'create-payment',
    'a deposit',
    async () => {
      const referenceId = randomUUID();
      const event = request('POST /payments', { referenceId, ...EUR_10 });
      return [event, () => item(`deposit#${referenceId}`)];
    },
  ],
  [
    'operations',
    'a withdrawal',
    async () => {
      const referenceId = randomUUID();
      const event = request('POST /operations/withdrawals', { referenceId, ...EUR_10 });
      return [event, () => item(`withdrawal#${referenceId}`)];
    },
  ],
  [
    'operations',
    'a refund',
    async () => {
      const refundId = randomUUID();
      const event = request('POST /operations/refunds', { refundId, paymentId: await payment('COMPLETED') });
      return [event, () => item(`refund#${refundId}`)];
    },
  ],
  [
    'operations',
    'a capture',
    async () => {
      const id = await payment('AUTHORIZED');
      const event = request('POST /operations/payments/{id}/capture', {}, { id });
      return [event, async () => (await item(`payment#${id}`))?.operations];
    },
  ],
  [
    'execute-payment',
    'an execution',
    async () => {
      const id = await payment('CHECKOUT');
      return [
        request('PATCH /payments/{id}', {}, { id }),
        async () => (await item(`payment#${id}`))?.operations,
      ];
    },
  ],
];

describe.each(CALLS)('%s', (name, what, call) => {
  it(`sends paytech ${what} only with time enough to hear the answer`, async () => {
    const handler = await start(name);
    const [tooLate] = await call();
    expect(await handler(tooLate, 10)).toMatchObject({ statusCode: 503 });
    expect(memory.requests).toEqual([]);
    const [inTime] = await call();
    await handler(inTime, 14);
    expect(memory.requests.map(({ method }) => method)).not.toEqual([]);
  });

  it(`begins ${what} only with its key at hand`, async () => {
    secrets.delete('api-key');
    const handler = await start(name);
    const [event, begun] = await call();
    expect(await handler(event)).toMatchObject({ statusCode: 500 });
    expect(await begun()).toBeUndefined();
  });
});

describe('while paytech cannot be reached', () => {
  const decision = { outcome: 'not-sent', reason: 'a test' };

  async function flaggedWithdrawal(): Promise<string> {
    const referenceId = randomUUID();
    const claim = {
      kind: 'withdrawal',
      referenceId,
      attempt: 1,
      stage: 'flagged',
      owner: 'somebody',
    } as const;
    const times = { sentAt: world.now(), leaseUntil: world.now() };
    const request = { amount: decimal('10'), currency: 'EUR' };
    await saveClaim(world.table, undefined, { ...claim, ...times, request, earlierPaymentIds: [] });
    return referenceId;
  }
  async function openCapture(): Promise<string> {
    const id = await payment('AUTHORIZED');
    const record = (await readPayment(world.table, id))!;
    const times = { startedAt: 0, leaseUntil: 0, version: record.version };
    await takeOperation(world.table, record, { kind: 'capture', owner: 'somebody', ...times });
    return id;
  }
  async function unconfirmed(): Promise<string> {
    const id = await payment('PENDING');
    await world.apply(webhookEvent({ id, state: 'COMPLETED' }));
    return id;
  }

  it.each<[FunctionName, string, string, () => Promise<[body: object, id?: string]>]>([
    ['create-payment', 'POST /payments', '', async () => [{ referenceId: randomUUID(), ...EUR_10 }]],
    ['execute-payment', 'PATCH /payments/{id}', '', async () => [{}, await payment('CHECKOUT')]],
    [
      'operations',
      'POST /operations/withdrawals',
      '',
      async () => [{ referenceId: randomUUID(), ...EUR_10 }],
    ],
    [
      'operations',
      'POST /operations/refunds',
      '',
      async () => [{ refundId: randomUUID(), paymentId: await payment('COMPLETED') }],
    ],
    [
      'operations',
      'POST /operations/refunds',
      ' of a payment that nobody has confirmed',
      async () => [{ refundId: randomUUID(), paymentId: await unconfirmed() }],
    ],
    ['operations', 'POST /operations/payments/{id}/void', '', async () => [{}, await payment('AUTHORIZED')]],
    [
      'operations',
      'POST /operations/claims/resolve',
      ' of a withdrawal',
      async () => [{ kind: 'withdrawal', id: await flaggedWithdrawal(), ...decision }],
    ],
    [
      'operations',
      'POST /operations/claims/resolve',
      ' of an operation',
      async () => [{ kind: 'operation', id: await openCapture(), ...decision }],
    ],
    ['operations', 'GET /operations/payments', '', async () => [{}]],
    [
      'operations',
      'GET /operations/payments/{id}/gateway-operations',
      '',
      async () => [{}, await payment('COMPLETED')],
    ],
    ['operations', 'GET /operations/balances', '', async () => [{}]],
  ])('%s answers %s%s with 503, and when to come again', async (name, routeKey, _what, call) => {
    const handler = await start(name, { paytechUrl: 'http://127.0.0.1:9' });
    const [body, id = ''] = await call();
    const { statusCode, headers, body: answer } = await handler(request(routeKey, body, { id }));
    expect([statusCode, JSON.parse(answer).code]).toEqual([503, 'gateway.unavailable']);
    expect(headers).toMatchObject({
      'retry-after': expect.stringMatching(/^[1-9]\d?$/),
      'cache-control': 'no-store',
    });
  });
});

/** Before the start: `Date.now` is handed on. */
const stopClock = () => vi.useFakeTimers({ toFake: ['Date'] });

it('get-payment asks paytech about what is over five seconds old', async () => {
  stopClock();
  const id = await payment('PENDING');
  const handler = await start('get-payment');
  const event = request('GET /payments/{id}', {}, { id });
  vi.setSystemTime(world.now() + 4 * SECOND_MS);
  expect(await handler(event)).toMatchObject({ statusCode: 200 });
  expect(memory.requests).toEqual([]);
  vi.setSystemTime(world.now() + 6 * SECOND_MS);
  expect(await handler(event)).toMatchObject({ statusCode: 200 });
  expect(memory.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
    `GET /api/v1/payments/${id}`,
  ]);
});

it('receive-webhook says of each webhook when it came', async () => {
  stopClock();
  await world.drain('webhooks');
  const handler = await start('receive-webhook');
  for (const at of ['2026-11-23T12:00:00.000Z', '2026-11-23T13:00:00.000Z']) {
    vi.setSystemTime(Date.parse(at));
    const event = request('POST /webhooks/paytech', {});
    const headers = { signature: sign(Buffer.from(event.body), LOCAL_KEYS.signingKey) };
    expect(await handler({ ...event, headers })).toMatchObject({ statusCode: 200 });
    const [message] = await world.drain('webhooks');
    expect(message?.MessageAttributes?.receivedAt?.StringValue).toBe(at);
  }
});

it('apply-payment-event has a webhook’s word confirmed after five minutes', async () => {
  stopClock();
  const id = await payment('PENDING');
  await world.drain('webhooks');
  await world.queue.send(webhookEvent({ id, state: 'COMPLETED' }));
  const Records = (await world.drain('webhooks')).map((message) => asRecord(message));
  const handler = await start('apply-payment-event');
  const at = world.now() + MINUTE_MS;
  vi.setSystemTime(at);
  expect(await handler({ Records })).toEqual({ batchItemFailures: [] });
  expect(await item(`payment#${id}`)).toMatchObject({
    state: 'COMPLETED',
    unconfirmed: true,
    dueAt: String(at + 5 * MINUTE_MS),
  });
});
