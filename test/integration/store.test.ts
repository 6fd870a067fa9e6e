import { randomUUID } from 'node:crypto';
import { DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { describe, expect, it } from 'vitest';
import { clientFor } from '../../infra/local/account.ts';
import { decimal } from '../../shared/payment/money.ts';
import type { EventSource, HistoryEntry } from '../../shared/payment/payment.ts';
import { OPEN_SHARDS } from '../../shared/payment/schedule.ts';
import type { PaymentState } from '../../shared/payment/state.ts';
import { readClaim, saveClaim } from '../../shared/store/claims.ts';
import { assign } from '../../shared/store/expressions.ts';
import {
  applyAtVersion,
  applyChange,
  quarantine,
  readPayment,
  recordPayment,
  takeQuestion,
} from '../../shared/store/payments.ts';
import { openShard, openTable } from '../../shared/store/table.ts';
import { countingClient } from '../support/counting-client.ts';
import { paymentId, sharedWorld } from '../support/world.ts';

const world = await sharedWorld();

const AT = '2026-11-23T12:00:00.000Z';
const facts = { amount: decimal('10'), currency: 'EUR' };
const identity = (more: { redirectUrl?: string; parentPaymentId?: string } = {}) => ({
  id: paymentId(),
  paymentType: 'DEPOSIT' as const,
  requestedAmount: decimal('10'),
  requestedCurrency: 'EUR',
  origin: 'service' as const,
  created: AT,
  ...more,
});
const entry = (
  more: Pick<Partial<HistoryEntry>, 'key'> & { source?: EventSource; state?: PaymentState } = {},
) => {
  const { state = 'CHECKOUT', source = 'create', ...rest } = more;
  return { at: AT, source, ...rest, facts: { ...facts, state } };
};

describe('the table', () => {
  it('reads consistently and asks for the item of a failed condition', async () => {
    const inputs: Record<string, unknown>[] = [];
    const client = new DynamoDBClient(clientFor(world.dynamoDbUrl));
    client.middlewareStack.add((next) => (args) => {
      inputs.push(args.input as never);
      return next(args);
    });
    const table = openTable('payments', client);
    const pk = `test#${randomUUID()}`;
    await table.put({ pk }, ['attribute_not_exists(pk)']);
    await table.update(pk, {
      SET: assign({ version: 1 }),
      condition: ['attribute_exists(pk)'],
    });
    await table.get(pk);
    client.destroy();
    expect(inputs).toEqual([
      expect.objectContaining({ ReturnValuesOnConditionCheckFailure: 'ALL_OLD' }),
      expect.objectContaining({ ReturnValuesOnConditionCheckFailure: 'ALL_OLD' }),
      expect.objectContaining({ ConsistentRead: true }),
    ]);
  });

  it('gets the item that failed a condition in the same request, and none where there was none', async () => {
    const { client, requests } = countingClient(clientFor(world.dynamoDbUrl));
    const table = openTable('payments', client);
    const item = { pk: `test#${randomUUID()}`, amount: decimal('1e-18') };
    await table.put(item, ['attribute_not_exists(pk)']);
    requests.length = 0;

    const put = await table.put({ pk: item.pk }, ['attribute_not_exists(pk)']);
    const update = await table.update(item.pk, {
      SET: ['a = pk'],
      condition: ['attribute_exists(a)'],
    });
    const nothing = await table.update(`test#${randomUUID()}`, {
      SET: ['a = pk'],
      condition: ['attribute_exists(pk)'],
    });
    client.destroy();
    expect([put, update]).toEqual([
      { written: false, item },
      { written: false, item },
    ]);
    expect(nothing).toEqual({ written: false, item: undefined });
    expect(requests).toEqual(['PutItemCommand', 'UpdateItemCommand', 'UpdateItemCommand']);
  });

  it('throws every fault that is no failed condition', async () => {
    const client = new DynamoDBClient(clientFor(world.dynamoDbUrl));
    client.middlewareStack.add((next, { commandName }) => (args) => {
      if (commandName === 'PutItemCommand') throw new Error('throttled');
      return next(args);
    });
    const write = openTable('payments', client).put({ pk: 'a' }, ['attribute_not_exists(pk)']);
    await expect(write).rejects.toThrow('throttled');
    client.destroy();
  });

  it('spreads open items over all shards', () => {
    const shards = new Set(Array.from({ length: 500 }, () => openShard(randomUUID())));
    expect([...shards].map(Number).toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: OPEN_SHARDS }, (_, i) => i),
    );
  });

  it('writes no number whose name is in no list, and no amount that is no decimal', async () => {
    const pk = `test#${randomUUID()}`;
    const isNew = 'attribute_not_exists(pk)';
    await expect(world.table.put({ pk, points: 7 }, [isNew])).rejects.toThrow(TypeError);
    await expect(world.table.put({ pk, list: [{ amount: 11.12 }] }, [isNew])).rejects.toThrow(TypeError);
    const wrong = [{ SET: assign({ points: 7 }) }, { ADD: [{ text: 'points :p', values: { ':p': 7 } }] }];
    for (const part of wrong) {
      await expect(world.table.update(pk, { ...part, condition: [isNew] })).rejects.toThrow(TypeError);
    }
    expect(await world.table.get(pk)).toBeUndefined();
  });

  it('reads what counts as numbers and all else exactly, also of names that it does not know', async () => {
    const pk = `test#${randomUUID()}`;
    const Item = {
      pk: { S: pk },
      version: { N: '3' },
      points: { N: '12345678901234567890.000000000000000001' },
      heard: { M: { version: { N: '3' }, facts: { M: { amount: { N: '0.1' } } } } },
    };
    await world.dynamoClient.send(new PutItemCommand({ TableName: 'payments', Item }));
    const read = {
      pk,
      version: 3,
      points: decimal('12345678901234567890.000000000000000001'),
      heard: { version: 3, facts: { amount: decimal('0.1') } },
    };
    expect(await world.table.get(pk)).toEqual(read);
    const isOther = { text: 'version = :other', values: { ':other': 4 } };
    const refused = await world.table.update(pk, { REMOVE: ['heard'], condition: [isOther] });
    expect(refused).toEqual({ written: false, item: read });
    const { heard: _, ...rest } = read;
    const again = await world.table.update(pk, { REMOVE: ['heard'], condition: ['attribute_exists(pk)'] });
    expect(again).toEqual({ written: true, item: rest });
  });

  it('keeps nulls and nested amounts as they are', async () => {
    const pk = `test#${randomUUID()}`;
    const item = { pk, nothing: null, list: [{ amount: decimal('1e-18') }] };
    await world.table.put(item, ['attribute_not_exists(pk)']);
    expect(await world.table.get(pk)).toEqual(item);
  });
});

describe('recording a payment', () => {
  it('keeps what identifies it, and the key of the event that brought it', async () => {
    const payment = identity({ parentPaymentId: paymentId(), redirectUrl: 'https://checkout.example/' });
    expect(await recordPayment(world.table, payment, entry({ key: 'k' }))).toMatchObject({ applied: true });
    expect(await readPayment(world.table, payment.id)).toMatchObject({
      ...payment,
      version: 1,
      quarantine: [],
      quarantined: 0,
    });
    expect((await world.scan()).find(({ id }) => id === payment.id)).toMatchObject({
      eventKeys: new Set(['k']),
    });
  });

  it.each([
    ['adds the redirectUrl that the event lacked', undefined, 'https://new.example/', 'https://new.example/'],
    ['leaves a redirectUrl alone', 'https://old.example/', 'https://new.example/', 'https://old.example/'],
    ['adds nothing where there is nothing to add', undefined, undefined, undefined],
  ])('of which an event was faster %s', async (_, before, ours, after) => {
    const payment = identity(before ? { redirectUrl: before } : {});
    await recordPayment(world.table, payment, entry({ key: 'k', source: 'webhook', state: 'PENDING' }));
    const again = await recordPayment(
      world.table,
      { ...payment, ...(ours ? { redirectUrl: ours } : {}) },
      entry(),
    );
    expect(again).toMatchObject({
      applied: false,
      record: { state: 'PENDING', version: 1, history: [{ key: 'k' }] },
    });
    expect((await readPayment(world.table, payment.id))?.redirectUrl).toBe(after);
  });

  it.each(['AUTHORIZED', 'COMPLETED'] as const)('that is %s keeps no redirectUrl', async (state) => {
    const payment = identity({ redirectUrl: 'https://checkout.example/' });
    await recordPayment(world.table, payment, entry({ key: 'k', source: 'webhook', state }));
    await recordPayment(world.table, payment, entry());
    expect((await readPayment(world.table, payment.id))?.redirectUrl).toBeUndefined();
  });
});

describe('the redirectUrl', () => {
  it.each([
    ['is kept until', 'PENDING', 'https://checkout.example/'],
    ['is kept where a webhook says that it is', 'DECLINED', 'https://checkout.example/'],
    ['is gone once', 'AUTHORIZED', undefined],
    ['is gone once', 'COMPLETED', undefined],
  ] as const)('%s %s', async (_, state, left) => {
    const payment = identity({ redirectUrl: 'https://checkout.example/' });
    await recordPayment(world.table, payment, entry());
    const { record } = await applyChange(world.table, {
      paymentId: payment.id,
      paymentType: 'DEPOSIT',
      entry: { ...entry({ source: 'webhook', state }), key: 'k' },
      followUp: {},
    });
    expect(record).toMatchObject({ state });
    expect(record?.redirectUrl).toBe(left);
  });
});

describe('the key of an event', () => {
  const key = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
  const change = (id: string) => ({
    paymentId: id,
    paymentType: 'DEPOSIT' as const,
    entry: { ...entry({ source: 'webhook', state: 'PENDING' }), key },
    followUp: {},
  });

  it('is in the item once, and in the record whole', async () => {
    const payment = identity();
    await recordPayment(world.table, payment, entry());
    const { record } = await applyChange(world.table, change(payment.id));
    expect(record?.history[1]).toMatchObject({ key });
    expect((await readPayment(world.table, payment.id))?.history[1]).toMatchObject({ key });
    const item = (await world.scan()).find(({ id }) => id === payment.id)!;
    const inBase64Url = Buffer.from(key, 'hex').toString('base64url');
    expect(item.eventKeys).toEqual(new Set([inBase64Url]));
    expect(JSON.stringify(item.history)).not.toContain(inBase64Url);
  });

  it('keeps the event from a second version', async () => {
    const payment = identity();
    await recordPayment(world.table, payment, entry());
    const { record } = await applyChange(world.table, change(payment.id));
    const again = await applyAtVersion(world.table, change(payment.id), record!);
    expect(again).toMatchObject({ applied: false, record: { version: 2 } });
  });
});

describe('a question', () => {
  const now = Date.parse(AT);
  const event = {
    at: AT,
    source: 'webhook' as const,
    key: 'lie',
    state: 'CANCELLED' as const,
    amount: decimal('10'),
    currency: 'EUR',
  };

  it('is asked by one at a time, until its time is over', async () => {
    const { record } = await recordPayment(world.table, identity(), entry());
    expect(await takeQuestion(world.table, record!, now, now + 1_000)).toBe('taken');
    expect(await takeQuestion(world.table, record!, now + 999, now + 2_000)).toBe('busy');
    expect(await takeQuestion(world.table, record!, now + 1_000, now + 2_000)).toBe('taken');
  });

  it('is not asked about a record that has changed, and ends with the quarantine', async () => {
    const { record } = await recordPayment(world.table, identity(), entry());
    await takeQuestion(world.table, record!, now, now + 1_000);
    expect(await quarantine(world.table, record!, event)).toBe(true);
    expect(await quarantine(world.table, record!, event)).toBe(false);
    expect(await takeQuestion(world.table, record!, now, now + 1_000)).toBe('changed');
    const changed = (await readPayment(world.table, record!.id))!;
    expect(changed).toMatchObject({ quarantined: 1, quarantine: [event] });
    expect(await takeQuestion(world.table, changed, now, now + 1_000)).toBe('taken');
  });

  it('has the payment checked again for a day', async () => {
    const { record } = await recordPayment(world.table, identity(), entry({ state: 'COMPLETED' }));
    await quarantine(world.table, record!, event);
    const item = (await world.scan()).find(({ id }) => id === record!.id);
    expect(item).toMatchObject({
      recheckUntil: String(now + 24 * 60 * 60_000),
      openShard: openShard(`payment#${record!.id}`, world.table),
    });
  });
});

describe('a claim', () => {
  const claim = {
    kind: 'deposit' as const,
    attempt: 2,
    stage: 'unknown' as const,
    owner: 'me',
    leaseUntil: 4,
    sentAt: 1,
    request: { amount: decimal('1'), currency: 'EUR', paymentMethod: 'PIX', preAuth: true },
    earlierPaymentIds: ['p1'],
  };

  it.each([{}, { firstLookUpAt: 2 }, { firstLookUpAt: 2, lastLookUpAt: 3 }])(
    'reads as it was written, with %o',
    async (more) => {
      const written = { ...claim, ...more, referenceId: randomUUID() };
      await saveClaim(world.table, undefined, written);
      expect(await readClaim(world.table, 'deposit', written.referenceId)).toEqual({
        ...written,
        revision: 1,
      });
    },
  );

  it('counts its writes, and only the next one may follow', async () => {
    const first = await saveClaim(world.table, undefined, { ...claim, referenceId: randomUUID() });
    const second = await saveClaim(world.table, first.claim, { ...first.claim!, owner: 'you' });
    expect(second.claim?.revision).toBe(2);
    expect((await saveClaim(world.table, first.claim, { ...first.claim!, owner: 'they' })).saved).toBe(false);
    // The same owner at another revision is another write, not a lost answer.
    expect((await saveClaim(world.table, undefined, { ...first.claim!, owner: 'you' })).saved).toBe(false);
  });

  it('that vanished is nobody’s', async () => {
    const gone = { ...claim, referenceId: randomUUID(), revision: 3 };
    expect(await saveClaim(world.table, gone, gone)).toEqual({ saved: false, claim: undefined });
  });
});
