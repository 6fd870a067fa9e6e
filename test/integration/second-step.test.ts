import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { askPaytech } from '../../functions/apply-payment-event/ask-paytech.ts';
import { type ClaimedCall, claimedCall } from '../../shared/calls/claimed-call.ts';
import { lookUpAttempt, lookUpReferences } from '../../shared/calls/look-up.ts';
import type { EventQueue } from '../../shared/messaging/event-queue.ts';
import { type Claim, LEASE_MS } from '../../shared/payment/claim.ts';
import { decimal } from '../../shared/payment/money.ts';
import type { ListQuery } from '../../shared/paytech/client.ts';
import { DAY_MS, HOUR_MS, SECOND_MS } from '../../shared/runtime/time.ts';
import { readClaim, saveClaim } from '../../shared/store/claims.ts';
import { dropOperation, takeOperation } from '../../shared/store/operation-lock.ts';
import { readPayment } from '../../shared/store/payments.ts';
import type { Table } from '../../shared/store/table.ts';
import { paymentId, startWorld, type World, webhookEvent } from '../support/world.ts';

/** What stands when the second of two steps fails, comes late, or is taken by another process at the same moment. */

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.stop());
beforeEach(() => {
  world.gateway.endings.length = 0;
});

const EUR_10 = { amount: decimal('10'), currency: 'EUR' };

function call(kind: 'withdrawal' | 'refund', referenceId: string, more: Partial<ClaimedCall> = {}) {
  const paymentType = kind === 'refund' ? ('REFUND' as const) : ('WITHDRAWAL' as const);
  return {
    kind,
    referenceId,
    request: EUR_10,
    body: (reference: string) => ({ paymentType, referenceId: reference, ...EUR_10 }),
    owner: randomUUID(),
    deadline: world.now() + 14_000,
    ...more,
  };
}

async function payment(state: 'COMPLETED' | 'AUTHORIZED'): Promise<string> {
  const id = paymentId();
  await world.apply({ ...webhookEvent({ id, state }), source: 'refresh' });
  return id;
}

const claimOf = (more: Partial<Claim> = {}): Claim => ({
  kind: 'withdrawal',
  referenceId: randomUUID(),
  attempt: 1,
  stage: 'unknown',
  owner: 'somebody',
  sentAt: world.now(),
  leaseUntil: world.now(),
  request: EUR_10,
  earlierPaymentIds: [],
  revision: 0,
  ...more,
});

describe('a refund that paytech refused', () => {
  it('is free to be asked for again only once its money is back', async () => {
    const parentPaymentId = await payment('COMPLETED');
    const refundId = randomUUID();
    const request = { ...EUR_10, parentPaymentId };
    let isAway = false;
    let calls = 0;
    const table: Table = {
      ...world.table,
      // The table goes away after the claim is written, and before the money is given back.
      update: (pk, update) =>
        isAway ? Promise.reject(new Error('the table is away')) : world.table.update(pk, update),
    };
    const create = async () => {
      isAway = ++calls === 1;
      return { kind: 'refused' as const, message: 'No.', errors: [] };
    };
    const gateway = { ...world.gateway, create };
    const refund = claimedCall({ ...world, table, gateway });
    await expect(refund(call('refund', refundId, { request }))).rejects.toThrow('the table is away');
    expect(await readClaim(world.table, 'refund', refundId)).toMatchObject({ stage: 'reserving' });

    isAway = false;
    world.clock.at += LEASE_MS;
    expect(await refund(call('refund', refundId, { request }))).toMatchObject({ is: 'rejected' });
    expect(await readClaim(world.table, 'refund', refundId)).toMatchObject({ stage: 'released' });
    expect((await readPayment(world.table, parentPaymentId))?.refundable).toEqual(decimal('10'));
  });
});

it('a payout is brought to its end by a message that comes when its process has ended or died', async () => {
  const delays: (number | undefined)[] = [];
  const queue: EventQueue = {
    send: async (_, { delaySeconds } = {}) => void delays.push(delaySeconds),
  };
  await claimedCall({ ...world, queue })(call('withdrawal', randomUUID()));
  expect(delays).toHaveLength(1);
  expect(delays[0]! * SECOND_MS).toBeGreaterThan(LEASE_MS);
});

it('of two writes of a claim at the same moment one is saved, whoever writes', async () => {
  const claim = claimOf();
  const both = await Promise.all(
    ['a', 'b'].map((id) => saveClaim(world.table, undefined, { ...claim, otherPaymentIds: [id] })),
  );
  expect(both.filter(({ saved }) => saved)).toHaveLength(1);
});

it('an action that is dropped twice leaves the lock that another has taken since', async () => {
  const id = await payment('AUTHORIZED');
  const take = async (owner: string) => {
    const record = (await readPayment(world.table, id))!;
    const times = { startedAt: world.now(), leaseUntil: world.now() + LEASE_MS, version: record.version };
    return (await takeOperation(world.table, record, { kind: 'capture', owner, ...times })).record!;
  };
  const first = await take('first');
  await dropOperation(world.table, first);
  await take('second');
  await dropOperation(world.table, first);
  expect((await readPayment(world.table, id))?.operations).toMatchObject([{ owner: 'second' }]);
});

it('nobody asks paytech about a payment while another still may be told', async () => {
  const id = await payment('COMPLETED');
  const record = (await readPayment(world.table, id))!;
  const limits: number[] = [];
  const get = async (_: string, limitMs: number) => {
    limits.push(limitMs);
    return { kind: 'unknown' as const, reason: 'timeout' };
  };
  const ask = () => askPaytech({ ...world, gateway: { get } }, record);
  await expect(ask()).rejects.toThrow('could not be asked');
  world.clock.at += limits[0]!;
  await expect(ask()).rejects.toThrow('is being asked');
  world.clock.at += 3 * limits[0]!;
  await expect(ask()).rejects.toThrow('could not be asked');
});

describe('an attempt is looked for', () => {
  const asked = async (look: (gateway: World['gateway']) => Promise<unknown>) => {
    const queries: ListQuery[] = [];
    const list = async (query: ListQuery) => {
      queries.push(query);
      return { kind: 'answered' as const, result: { payments: [], hasMore: false } };
    };
    await look({ ...world.gateway, list });
    return queries;
  };

  it('from an hour before it was sent, since clocks differ', async () => {
    const claim = claimOf({ attempt: 2 });
    const { table } = world;
    expect(await asked((gateway) => lookUpAttempt({ table, gateway }, claim))).toEqual([
      { createdFrom: new Date(claim.sentAt - HOUR_MS), referenceId: `${claim.referenceId}~2` },
    ]);
  });

  it('with all others of its claim from a month before', async () => {
    const claim = claimOf({ attempt: 2 });
    const { table } = world;
    const createdFrom = new Date(claim.sentAt - 30 * DAY_MS);
    expect(await asked((gateway) => lookUpReferences({ table, gateway }, claim, 2_000))).toEqual([
      { createdFrom, referenceId: claim.referenceId },
      { createdFrom, referenceId: `${claim.referenceId}~2` },
    ]);
  });
});
