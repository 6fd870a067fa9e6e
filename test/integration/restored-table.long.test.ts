import { randomUUID } from 'node:crypto';
import { DeleteItemCommand, PutItemCommand, ScanCommand } from '@aws-sdk/client-dynamodb';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { believer } from '../../functions/apply-payment-event/sender.ts';
import { readMessage } from '../../shared/messaging/event-queue.ts';
import { MINUTE_MS, SECOND_MS } from '../../shared/runtime/time.ts';
import { backOffice } from '../support/back-office.ts';
import { FAIR } from '../support/memory-gateway.ts';
import { reconciling } from '../support/reconciling.ts';
import { idOf, orderIn } from '../support/shop.ts';
import { sharedWorld, webhookEvent } from '../support/world.ts';

/** docs/runbook.md, "Restoring the table": what was made after the backup goes out no second time. */

const world = await sharedWorld();
const { run, pass, record, created } = reconciling(() => world);
const office = backOffice(world);

afterEach(() => void Object.assign(world.gateway.weather, FAIR));

const TableName = 'payments';

async function backup(): Promise<() => Promise<void>> {
  const all = async () => (await world.dynamoClient.send(new ScanCommand({ TableName }))).Items ?? [];
  const kept = await all();
  return async () => {
    for (const { pk } of await all())
      await world.dynamoClient.send(new DeleteItemCommand({ TableName, Key: { pk: pk! } }));
    for (const Item of kept) await world.dynamoClient.send(new PutItemCommand({ TableName, Item }));
  };
}

/** Who brings back what is missing: the function, or `paytech-ops reconcile`, which is believed no more than a webhook. */
let sender: string;
const OWN = 'AROAEXAMPLEOWNROLE000';
const believed = believer([OWN]);

async function applyAll(): Promise<number> {
  const messages = await world.drain('webhooks');
  for (const { MessageId = '', Body = '', MessageAttributes = {} } of messages) {
    const attributes = Object.entries(MessageAttributes).map(([name, { StringValue }]) => [
      name,
      { stringValue: StringValue },
    ]);
    const messageAttributes = Object.fromEntries(attributes);
    await world.apply(believed(readMessage({ messageId: MessageId, body: Body, messageAttributes }), sender));
  }
  return messages.length;
}

/** As the runbook has it: nothing is made until a run of reconcile finds nothing more. */
async function catchUp(): Promise<void> {
  for (;;) {
    pass(2 * MINUTE_MS);
    const { changed, unknownToUs, failed } = await run({ graceMs: 60 * SECOND_MS });
    expect(failed).toBe(0);
    if ((await applyAll()) + changed + unknownToUs === 0) return;
  }
}

const payout = () => ({
  referenceId: `payout-${randomUUID()}`,
  amount: '10',
  currency: 'EUR',
  customer: { accountNumber: 'DE89370400440532013000' },
});

async function completed(): Promise<string> {
  const id = await created();
  world.gateway.set(id, { state: 'COMPLETED' });
  await world.apply(webhookEvent({ id, state: 'COMPLETED' }));
  return id;
}

const sent = () => world.gateway.bodies.length;

describe.each([
  ['whole', 'the function', `${OWN}:reconcile`],
  ['whole', 'paytech-ops', 'AROAEXAMPLEOPERATOR00:alice'],
  ['terse', 'the function', `${OWN}:reconcile`],
  ['terse', 'paytech-ops', 'AROAEXAMPLEOPERATOR00:alice'],
] as const)('with answers that are %s, by %s', (form, _, by) => {
  beforeEach(() => {
    sender = by;
  });

  const begin = async () => {
    world.gateway.weather.form = form;
    await catchUp();
    return backup();
  };
  const restore = async (back: () => Promise<void>) => {
    // What the queue carries reaches the table that is thrown away.
    await applyAll();
    await back();
    await catchUp();
  };

  it.each(['CHECKOUT', 'PENDING', 'COMPLETED', 'AUTHORIZED'] as const)(
    'an order whose payment was made after the backup and is %s is answered with it',
    async (state) => {
      const back = await begin();
      const shop = orderIn(world);
      const id = idOf(await shop.send())!;
      if (state !== 'CHECKOUT') world.gateway.set(id, { state });
      await restore(back);
      const before = sent();
      expect(await shop.send()).toMatchObject({ is: 'existing', record: { id } });
      expect(sent()).toBe(before);
    },
  );

  it('an order whose payment failed after the backup may be tried again, and its other attempt is not', async () => {
    const back = await begin();
    const shop = orderIn(world);
    const first = idOf(await shop.send())!;
    world.gateway.set(first, { state: 'DECLINED' });
    await world.apply(webhookEvent({ id: first, state: 'DECLINED' }));
    const second = idOf(await shop.send())!;
    expect(second).not.toBe(first);
    await restore(back);
    const before = sent();
    expect(await shop.send()).toMatchObject({ is: 'existing', record: { id: second } });
    expect(sent()).toBe(before);
  });

  it('an order that was known before, and whose second attempt was made after the backup, is answered with that', async () => {
    world.gateway.weather.form = form;
    const shop = orderIn(world);
    const first = idOf(await shop.send())!;
    const back = await begin();
    world.gateway.set(first, { state: 'DECLINED' });
    await world.apply(webhookEvent({ id: first, state: 'DECLINED' }));
    const second = idOf(await shop.send())!;
    world.gateway.set(second, { state: 'COMPLETED' });
    await restore(back);
    const before = sent();
    expect(await shop.send()).toMatchObject({ is: 'existing', record: { id: second } });
    expect(sent()).toBe(before);
  });

  it.each(['PENDING', 'COMPLETED'] as const)(
    'a payout that was made after the backup and is %s is not paid out again',
    async (state) => {
      const back = await begin();
      const body = payout();
      const { id } = (await office.withdraw(body)).body;
      if (state !== 'PENDING') world.gateway.set(id, { state });
      await restore(back);
      const before = sent();
      expect(await office.withdraw(body)).toMatchObject({ status: 200, body: { id } });
      expect(sent()).toBe(before);
    },
  );

  it.each([
    ['payout', 'reserving'],
    ['payout', 'sent'],
    ['payout', 'unknown'],
    ['refund', 'reserving'],
    ['refund', 'sent'],
    ['refund', 'unknown'],
  ] as const)('a %s whose claim was %s in the backup does not go out again', async (kind, stage) => {
    world.gateway.weather.form = form;
    const paid = await completed();
    await catchUp();
    const body = payout();
    const refund = { refundId: body.referenceId, paymentId: paid, amount: '3' };
    const ask = (by: typeof office) => (kind === 'payout' ? by.withdraw(body) : by.refund(refund));
    let back: (() => Promise<void>) | undefined;
    const table = {
      ...world.table,
      async put(...args: Parameters<typeof world.table.put>) {
        const answer = await world.table.put(...args);
        if (stage === 'reserving') back ??= await backup();
        return answer;
      },
    };
    const gateway = {
      ...world.gateway,
      async create(...args: Parameters<typeof world.gateway.create>) {
        if (stage === 'sent') back = await backup();
        return world.gateway.create(...args);
      },
    };
    if (stage === 'unknown') world.gateway.endings.push({ on: 'create', ends: 'lost' });
    if (stage === 'unknown') world.gateway.endings.push({ on: 'list', ends: 'unknown' });
    await ask(backOffice({ ...world, table, gateway }));
    back ??= await backup();
    await restore(back);
    expect(await ask(office)).toMatchObject({ status: 200 });
    expect(world.gateway.bodies.filter((each) => each.referenceId === body.referenceId)).toHaveLength(1);
  });

  it.each(['PENDING', 'COMPLETED', 'DECLINED'] as const)(
    'a refund that was made after the backup and is %s is booked, and not paid back again',
    async (state) => {
      world.gateway.weather.form = form;
      const paid = await completed();
      const back = await begin();
      const body = { refundId: `refund-${randomUUID()}`, paymentId: paid, amount: '3' };
      const { id } = (await office.refund(body)).body;
      if (state !== 'PENDING') world.gateway.set(id, { state });
      await restore(back);
      const before = sent();
      expect(await office.refund(body)).toMatchObject({ status: 200, body: { id, state } });
      expect(await office.refund({ refundId: body.refundId, paymentId: paid })).toMatchObject({
        status: 200,
        body: { id },
      });
      expect(await office.refund({ ...body, amount: '4' })).toMatchObject({
        status: 409,
        code: 'payment.reference_conflict',
      });
      expect(sent()).toBe(before);
      const left = state === 'DECLINED' ? '10' : '7';
      expect((await record(paid))?.refundable?.toFixed()).toBe(left);
    },
  );

  it('what became final after the backup is final again', async () => {
    world.gateway.weather.form = form;
    const [paid, failed] = [await created(), await created()];
    const back = await begin();
    world.gateway.set(paid, { state: 'COMPLETED' });
    world.gateway.set(failed, { state: 'CANCELLED' });
    await world.apply(webhookEvent({ id: paid, state: 'COMPLETED' }));
    await restore(back);
    expect(await record(paid)).toMatchObject({ state: 'COMPLETED' });
    expect(await record(failed)).toMatchObject({ state: 'CANCELLED' });
  });
});
