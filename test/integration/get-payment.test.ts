import { describe, expect, it } from 'vitest';
import { getPayment } from '../../functions/get-payment/pipeline.ts';
import { CHECK_INTERVAL_MS, refresh } from '../../functions/get-payment/refresh.ts';
import type { HttpEvent } from '../../shared/http/api.ts';
import type { publicView } from '../../shared/http/public-view.ts';
import { decimal } from '../../shared/payment/money.ts';
import type { PaymentState, PaymentType } from '../../shared/payment/state.ts';
import { readPayment } from '../../shared/store/payments.ts';
import { recorded } from '../support/recorded.ts';
import { sharedWorld, type World, webhookEvent } from '../support/world.ts';

/** `GET /payments/{id}` on the embedded DynamoDB and SQS, with paytech in memory and a clock of the test's. */

const world = await sharedWorld();

/** A payment of 10 EUR that was created long enough ago to be asked for. */
async function payment(
  fields: { state?: PaymentState; paymentType?: PaymentType; fresh?: boolean } = {},
): Promise<string> {
  const { state = 'CHECKOUT', paymentType = 'DEPOSIT' } = fields;
  const id = await recorded(world, { paymentType, state, redirectUrl: 'https://checkout.example' });
  if (!fields.fresh) world.clock.at += CHECK_INTERVAL_MS;
  return id;
}

async function get(id: string, deps: object = {}): Promise<ReturnType<typeof publicView>> {
  const route = getPayment({
    readPayment: (each) => readPayment(world.table, each),
    refresh: refresh({ ...world, ...deps }),
  });
  const requestContext = { requestId: 'request-1' } as HttpEvent['requestContext'];
  const { body } = await route({
    isBase64Encoded: false,
    headers: {},
    pathParameters: { id },
    requestContext,
  });
  return body as ReturnType<typeof publicView>;
}

async function asked(work: () => Promise<unknown>): Promise<number> {
  const before = world.gateway.calls.get;
  await work();
  return world.gateway.calls.get - before;
}

const { queued, stored } = world;

describe('a payment that moved at paytech without a webhook', () => {
  it('is shown as it is there at once, and the queue carries it to the record', async () => {
    const id = await payment();
    world.gateway.set(id, { state: 'COMPLETED', amount: decimal('9.5'), externalRefs: { reference: 'R-1' } });
    expect(await get(id)).toMatchObject({
      state: 'COMPLETED',
      final: true,
      amount: decimal('9.5'),
      requestedAmount: decimal('10'),
      paidAsRequested: false,
      externalRefs: { reference: 'R-1' },
      version: 1,
    });
    expect(await stored(id)).toMatchObject({ state: 'CHECKOUT', version: 1 });

    const [event, ...others] = await queued();
    expect(others).toEqual([]);
    expect(event).toMatchObject({ source: 'refresh', readVersion: 1, requestId: 'request-1' });
    const { outcome, publication } = await world.apply(event!);
    expect([outcome, publication?.id]).toEqual(['applied', `${id}:2`]);
    expect(await stored(id)).toMatchObject({ state: 'COMPLETED', version: 2 });
    expect(await get(id)).toMatchObject({ state: 'COMPLETED', version: 2 });
  });

  it('is not shown as it was while the queue is still carrying it', async () => {
    const id = await payment();
    world.gateway.set(id, { state: 'PENDING', externalRefs: { reference: 'R-1' } });
    await get(id);
    const calls = await asked(async () => {
      expect(await get(id)).toMatchObject({ state: 'PENDING', externalRefs: { reference: 'R-1' } });
    });
    expect(calls).toBe(0);
  });

  it('is shown by the record once that has moved, whatever was said before', async () => {
    const id = await payment();
    world.gateway.set(id, { state: 'PENDING' });
    await get(id);
    await world.apply(webhookEvent({ id, state: 'AUTHORIZED' }));
    expect(await get(id)).toMatchObject({ state: 'AUTHORIZED', version: 2 });
    expect(await stored(id)).not.toHaveProperty('heard');
  });

  it('is shown as it is there where the record has come half the way meanwhile', async () => {
    const id = await payment();
    world.gateway.set(id, { state: 'COMPLETED' });
    const overtaken = {
      queue: {
        send: async (...args: Parameters<World['queue']['send']>) => {
          await world.queue.send(...args);
          await world.apply(webhookEvent({ id, state: 'PENDING' }));
        },
      },
    };
    expect(await get(id, overtaken)).toMatchObject({ state: 'COMPLETED', version: 2 });
    expect(await stored(id)).not.toHaveProperty('heard');
  });

  it('also where the provider ended what it had authorized', async () => {
    const id = await payment({ state: 'AUTHORIZED' });
    world.gateway.set(id, { state: 'DECLINED', errorCode: '4.02' });
    expect(await get(id)).toMatchObject({ state: 'DECLINED', errorCode: '4.02' });
    const [event] = await queued();
    expect(await world.apply(event!)).toMatchObject({ outcome: 'applied' });
  });

  it('also where its amount moves', async () => {
    const id = await payment({ state: 'AUTHORIZED' });
    world.gateway.set(id, { amount: decimal('11') });
    expect(await get(id)).toMatchObject({ state: 'AUTHORIZED', amount: decimal('11') });
    const [event] = await queued();
    expect(await world.apply(event!)).toMatchObject({ outcome: 'applied' });
    expect(await stored(id)).toMatchObject({ amount: decimal('11'), version: 2 });
  });
});

describe('nothing new', () => {
  it.each<[PaymentState, PaymentState]>([
    ['CHECKOUT', 'CHECKOUT'],
    ['PENDING', 'CHECKOUT'],
    ['AUTHORIZED', 'PENDING'],
  ])('for a payment that is %s here and %s there makes no message', async (here, there) => {
    const id = await payment({ state: here });
    world.gateway.set(id, { state: there });
    expect(await get(id)).toMatchObject({ state: here });
    expect(await queued()).toEqual([]);
  });

  it('does not show what the record will not become', async () => {
    const id = await payment({ state: 'AUTHORIZED' });
    world.gateway.set(id, { state: 'AWAITING_APPROVAL' });
    expect(await get(id)).toMatchObject({ state: 'AUTHORIZED', amount: decimal('10') });
    expect(await queued()).toEqual([]);
  });
});

describe('paytech is asked', () => {
  it('once in five seconds', async () => {
    const id = await payment({ fresh: true });
    expect(await asked(() => get(id))).toBe(0);
    world.clock.at += CHECK_INTERVAL_MS - 1;
    expect(await asked(() => get(id))).toBe(0);
    world.clock.at += 1;
    expect(await asked(() => get(id))).toBe(1);
    expect(await asked(() => get(id))).toBe(0);
    world.clock.at += CHECK_INTERVAL_MS - 1;
    expect(await asked(() => get(id))).toBe(0);
    world.clock.at += 1;
    expect(await asked(() => get(id))).toBe(1);
  });

  it('once for twenty readers at once, and all are answered', async () => {
    const id = await payment();
    world.gateway.set(id, { state: 'COMPLETED' });
    let views: Awaited<ReturnType<typeof get>>[] = [];
    const calls = await asked(async () => {
      views = await Promise.all(Array.from({ length: 20 }, () => get(id)));
    });
    expect(calls).toBe(1);
    expect(views.filter(({ state }) => state === 'COMPLETED').length).toBeGreaterThan(0);
    expect(await queued()).toHaveLength(1);
  });

  it.each<PaymentState>(['COMPLETED', 'DECLINED', 'CANCELLED'])(
    'never about one that is %s',
    async (state) => {
      const id = await payment({ state });
      expect(await asked(() => get(id))).toBe(0);
    },
  );

  it('never about unknown ids and other payment types', async () => {
    const others = await Promise.all([
      payment({ state: 'PENDING', paymentType: 'WITHDRAWAL' }),
      payment({ state: 'PENDING', paymentType: 'REFUND' }),
    ]);
    const calls = await asked(async () => {
      for (const id of [...others, 'a'.repeat(32), 'payment#x', '']) {
        await expect(get(id)).rejects.toMatchObject({ code: 'payment.not_found' });
      }
    });
    expect(calls).toBe(0);
  });
});

describe('the stored state is the answer', () => {
  const shown = { state: 'CHECKOUT', redirectUrl: 'https://checkout.example' };

  it.each(['unknown', 429] as const)(
    'when paytech answers %s, and is not asked again at once',
    async (ends) => {
      const id = await payment();
      world.gateway.set(id, { state: 'COMPLETED' });
      world.gateway.endings.push({ on: 'get', ends });
      expect(await get(id)).toMatchObject(shown);
      expect(world.logger.metrics()).toEqual(['RefreshFailed']);
      expect(await asked(() => get(id))).toBe(0);
    },
  );

  it.each([
    ['the table does not take the question', { table: { update: fails } }],
    ['the queue does not take the discrepancy', { queue: { send: fails } }],
    ['the key cannot be had', { gateway: { get: fails } }],
    ['paytech answers another payment', { gateway: { get: async () => anotherPayment() } }],
  ])('when %s', async (_, broken) => {
    const id = await payment();
    world.gateway.set(id, { state: 'COMPLETED' });
    expect(await get(id, broken)).toMatchObject(shown);
    expect(await stored(id)).not.toHaveProperty('heard');
  });

  it('when paytech, the key or the queue takes too long', async () => {
    for (const broken of [{ gateway: { get: hangs } }, { queue: { send: hangs } }]) {
      const id = await payment();
      world.gateway.set(id, { state: 'COMPLETED' });
      expect(await get(id, { ...broken, limitMs: 20 })).toMatchObject(shown);
    }
  });
});

async function fails(): Promise<never> {
  throw new Error('down');
}

function hangs(): Promise<never> {
  return new Promise(() => {});
}

function anotherPayment() {
  const other = world.gateway.make({ paymentType: 'DEPOSIT', referenceId: 'x', currency: 'EUR' });
  return { kind: 'answered' as const, result: { ...other, facts: { state: 'COMPLETED' as const } } };
}
