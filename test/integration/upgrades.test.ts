import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type AttributeValue, PutItemCommand } from '@aws-sdk/client-dynamodb';
import type { SQSRecord } from 'aws-lambda';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { act } from '../../shared/calls/act.ts';
import { type CallResult, claimedCall } from '../../shared/calls/claimed-call.ts';
import { fullView } from '../../shared/http/payment-view.ts';
import type { ClaimKind } from '../../shared/payment/claim.ts';
import { publicationOf } from '../../shared/payment/cloud-event.ts';
import { decimal } from '../../shared/payment/money.ts';
import { readClaim } from '../../shared/store/claims.ts';
import { applyAtVersion, readPayment } from '../../shared/store/payments.ts';
import { tableWatermarks } from '../../shared/store/watermark.ts';
import { backOffice } from '../support/back-office.ts';
import { reconciling } from '../support/reconciling.ts';
import { parsed, startWorld, type World, webhookEvent } from '../support/world.ts';

/**
 * Items and messages as they are stored, by the version of their schema. They are never written anew: what is in
 * tables and queues does not change with the code either. A new schema gets a folder and tests of its own.
 */

const folder = join(import.meta.dirname, '../fixtures/v1');
type Stored = Record<string, AttributeValue>;
const fixture = (name: string) => JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8'));
const items = readdirSync(folder)
  .map((file) => file.replace('.json', ''))
  .filter((name) => !name.startsWith('message-'));

let world: World;
beforeEach(async () => {
  world = await startWorld();
  world.clock.at += 60_000;
  for (const name of items) {
    await world.dynamoClient.send(new PutItemCommand({ TableName: 'payments', Item: fixture(name) }));
  }
});
afterEach(() => world.stop());

const idOf = (name: string) => (fixture(name) as Stored).id!.S!;
const stored = async (id: string) => (await readPayment(world.table, id))!;
const EUR = (amount: string) => ({ amount: decimal(amount), currency: 'EUR' });

/** Paytech's side of a payment that a fixture holds. */
function knownAtPaytech(name: string): string {
  const id = idOf(name);
  const { state, amount } = fixture(name) as { state: { S: 'CHECKOUT' }; amount: { N: string } };
  const facts = { state: state.S, ...EUR(amount.N) };
  world.gateway.payments.set(id, { id, paymentType: 'DEPOSIT', createdAt: world.now(), facts });
  return id;
}

function call(kind: ClaimKind, referenceId: string, amount = '10.5'): Promise<CallResult> {
  const paymentType = kind === 'deposit' ? ('DEPOSIT' as const) : ('WITHDRAWAL' as const);
  return claimedCall(world)({
    kind,
    referenceId,
    request: EUR(amount),
    body: (reference) => ({ paymentType, referenceId: reference, ...EUR(amount) }),
    owner: randomUUID(),
    deadline: world.now() + 14_000,
  });
}

it('has samples that say their schema', () => {
  for (const name of items) expect(fixture(name).schema, name).toEqual({ N: '1' });
  for (const name of ['message-webhook', 'message-reconcile'])
    expect(fixture(name).messageAttributes.schema.stringValue).toBe('1');
});

describe('a message of schema 1', () => {
  it.each(['webhook', 'reconcile'])(
    'from %s is applied to an item of schema 1, and published',
    async (source) => {
      const id = idOf('payment-checkout');
      const message = fixture(`message-${source}`) as SQSRecord;
      expect(await world.applyBatch([message])).toEqual({ batchItemFailures: [] });
      expect(await stored(id)).toMatchObject({ state: 'COMPLETED', version: 2, ...EUR('10.5') });
      const [event] = await world.drain('payment-events');
      expect(parsed(event?.Body)).toMatchObject({ id: `${id}:2`, type: 'paytech.payment.completed' });
    },
  );
});

describe('a payment of schema 1', () => {
  it('is read with its history, contradictions and refunds', async () => {
    const record = await stored(idOf('payment-completed'));
    expect(record).toMatchObject({
      state: 'COMPLETED',
      version: 3,
      requestedAmount: decimal('10.5'),
      history: [{ source: 'create' }, { source: 'webhook' }, { corrected: true }],
      quarantined: 1,
      quarantine: [{ state: 'CANCELLED' }],
      refundable: decimal('5.5'),
    });
    expect(record.refunds?.get('refund-known')).toMatchObject({ stage: 'settled', amount: decimal('3') });
    expect(record.refunds?.get('refund-reserving')).toMatchObject({ stage: 'reserved', turn: 1 });
  });

  it('has paytech’s own words, which were stored as errorMessage, as gatewayMessage', async () => {
    const item = fixture('payment-completed') as { history: { L: { M: { facts: { M: Stored } } }[] } };
    item.history.L[1]!.M.facts.M.errorMessage = { S: 'Do not honor' };
    await world.dynamoClient.send(new PutItemCommand({ TableName: 'payments', Item: item as never }));
    const record = await stored(idOf('payment-completed'));
    const { facts } = fullView(record, undefined, [], world.now()).history[1]!;
    expect(facts).toMatchObject({ errorCode: '6.01', gatewayMessage: 'Do not honor' });
    expect(facts).not.toHaveProperty('errorMessage');
    const event = JSON.parse(publicationOf(record, 2, 'urn:shop').body);
    expect(event.data.payment).toMatchObject({ gatewayMessage: 'Do not honor' });
  });

  it('republishes the very event of a message that comes again', async () => {
    const id = knownAtPaytech('payment-completed');
    const declined = webhookEvent({ id, state: 'DECLINED', amount: '10.5', errorCode: '6.01' });
    const { outcome, publication } = await world.apply(declined);
    expect([outcome, publication?.id]).toEqual(['duplicate', `${id}:2`]);
  });

  it('has the events of its history by their keys, and takes none of them again', async () => {
    const record = await stored(idOf('payment-completed'));
    const [, declined] = record.history;
    expect(declined?.key).toMatch(/^07dc090b[0-9a-f]{56}$/);
    const change = { paymentId: record.id, paymentType: 'DEPOSIT', followUp: {} } as const;
    const entry = { ...declined!, key: declined!.key! };
    expect(await applyAtVersion(world.table, { ...change, entry }, record)).toMatchObject({ applied: false });
  });

  it('is refunded up to what is left', async () => {
    const paymentId = knownAtPaytech('payment-completed');
    const office = backOffice(world);
    expect(await office.refund({ refundId: 'new-1', paymentId, amount: '5.51' })).toMatchObject({
      code: 'refund.exceeds_remainder',
    });
    expect(await office.refund({ refundId: 'new-2', paymentId, amount: '5.5' })).toMatchObject({
      status: 201,
    });
    expect((await stored(paymentId)).refundable?.toFixed()).toBe('0');
  });

  it('as a refund is booked with its deposit', async () => {
    const refund = await stored(idOf('payment-refund'));
    expect(refund).toMatchObject({ paymentType: 'REFUND', state: 'COMPLETED', ...EUR('3') });
    expect(refund.parentPaymentId).toBe(idOf('payment-completed'));
  });

  it('keeps the lock of a capture whose outcome is unknown', async () => {
    const paymentId = knownAtPaytech('payment-authorized');
    const ask = (kind: 'capture' | 'void') =>
      act({ ...world, ready: async () => {} })({
        kind,
        paymentId,
        owner: randomUUID(),
        deadline: world.now() + 14_000,
      });
    expect(await ask('capture')).toMatchObject({ is: 'unknown' });
    expect(await ask('void')).toMatchObject({ is: 'conflict' });
    expect(world.gateway.calls).toMatchObject({ capture: 0, void: 0 });
    await world.apply(webhookEvent({ id: paymentId, state: 'COMPLETED', amount: '10.5' }));
    expect(await stored(paymentId)).toMatchObject({ state: 'COMPLETED', refundable: decimal('10.5') });
  });
});

describe('a claim of schema 1', () => {
  it('known shows its payment', async () => {
    const result = await call('deposit', 'order-checkout');
    expect(result).toMatchObject({ is: 'existing', record: { id: idOf('payment-checkout') } });
    expect(await call('deposit', 'order-checkout', '11')).toEqual({ is: 'conflict' });
  });

  it('released is sent', async () => {
    expect(await call('deposit', 'order-released')).toMatchObject({ is: 'created' });
  });

  it('sent, its owner dead, is looked for before anything is sent', async () => {
    expect(await call('deposit', 'order-sent')).toMatchObject({ is: 'unknown' });
    expect(world.gateway.calls).toMatchObject({ list: 1, create: 0 });
  });

  it('unknown, of money going out, is flagged and not sent again', async () => {
    expect(await call('withdrawal', 'payout-unknown')).toMatchObject({ is: 'flagged' });
    expect(world.gateway.calls.create).toBe(0);
    expect(await readClaim(world.table, 'withdrawal', 'payout-unknown')).toMatchObject({ stage: 'flagged' });
  });

  it('flagged waits for a person, who may release it', async () => {
    expect(await call('withdrawal', 'payout-flagged')).toMatchObject({ is: 'flagged' });
    const decision = { outcome: 'not-sent', reason: 'asked paytech' };
    expect(await backOffice(world).resolve('withdrawal', 'payout-flagged', decision)).toMatchObject({
      status: 200,
      body: { result: 'released' },
    });
  });

  it('reserving is carried on with what was set aside for it', async () => {
    const paymentId = knownAtPaytech('payment-completed');
    const refund = { refundId: 'refund-reserving', paymentId, amount: '2' };
    expect(await backOffice(world).refund(refund)).toMatchObject({ status: 201 });
    expect((await stored(paymentId)).refundable?.toFixed()).toBe('5.5');
  });
});

describe('how far the list was compared, of schema 1', () => {
  const MARK = Date.parse('2026-11-23T12:00:00Z');
  const TEN_MINUTES = 10 * 60_000;
  const put = (name: string) =>
    world.dynamoClient.send(new PutItemCommand({ TableName: 'payments', Item: fixture(name) }));
  const read = () => tableWatermarks(world.table, world.now).read();
  const marks = async () => (await read()).passes.map(({ mark }) => mark);

  it('is gone on from, with what was left to the next sweep', async () => {
    await put('sweep-mark');
    expect(await marks()).toEqual([MARK, MARK, MARK].map((at) => at - TEN_MINUTES));
    expect((await read()).aside).toEqual([]);
  });

  it('is gone on from where a sweep was not through, whatever its offset, and single payments were put aside', async () => {
    await put('sweep-mark-unfinished');
    expect(await marks()).toEqual([MARK, MARK, MARK].map((at) => at - TEN_MINUTES));
    const putAsideFrom = Date.parse('2026-11-23T11:00:00Z');
    expect((await read()).aside).toEqual([
      { from: putAsideFrom - 2 * TEN_MINUTES, to: MARK - TEN_MINUTES, failures: 0, tryAt: world.now() },
    ]);
  });

  it.each(['sweep-mark', 'sweep-mark-unfinished'])(
    'loses nothing of what changed since, nor what could not be compared (%s)',
    async (name) => {
      world.clock.at = MARK - 30 * 60_000;
      const made = [Date.parse('2026-11-23T10:59:00Z'), MARK - 9 * 60_000, MARK + 60_000].map((at) => {
        world.clock.at = at;
        const { id } = world.gateway.make({
          paymentType: 'DEPOSIT',
          referenceId: `lost-${at}`,
          ...EUR('10'),
        });
        return id;
      });
      await put(name);
      world.clock.at = MARK + 60 * 60_000;
      const { run, applyAll, record } = reconciling(() => world);
      await run({ graceMs: 120_000 });
      await applyAll();
      const found = name === 'sweep-mark' ? made.slice(1) : made;
      for (const id of found) expect(await record(id)).toBeDefined();
    },
  );

  it('is kept in step for a version before, should it come back', async () => {
    await put('sweep-mark');
    world.clock.at = MARK + 60 * 60_000;
    await reconciling(() => world).run({ graceMs: 120_000 });
    const stored = (await world.scan()).find(({ pk }) => pk === 'sweep#mark');
    expect(stored).toMatchObject({ schema: '2', at: String(MARK + 58 * 60_000) });
  });
});

it('the watermarks of schema 2 are read', async () => {
  const v2 = join(import.meta.dirname, '../fixtures/v2/watermarks.json');
  const Item = JSON.parse(readFileSync(v2, 'utf8'));
  await world.dynamoClient.send(new PutItemCommand({ TableName: 'payments', Item }));
  expect(await tableWatermarks(world.table, world.now).read()).toEqual({
    passes: [
      {
        mark: 1795435140000,
        widthMs: 60000,
        slices: [{ from: 1795435140000, to: 1795435200000, owner: 'worker-1', leaseUntil: 1795435255000 }],
      },
      { mark: 1795434300000, widthMs: 120000, slices: [] },
      { mark: 1795348800000, widthMs: 3600000, slices: [] },
    ],
    aside: [{ from: 1795430000000, to: 1795430001000, failures: 2, tryAt: 1795435300000 }],
    filterCheckedAt: 1795435000000,
  });
});
