import { describe, expect, it } from 'vitest';
import { applyBatch } from '../../functions/apply-payment-event/batch.ts';
import { decimal } from '../../shared/payment/money.ts';
import { asRecord } from '../support/lambda-record.ts';
import { reconciling } from '../support/reconciling.ts';
import { paymentId, sharedWorld, webhookEvent } from '../support/world.ts';

/** Who can send to the webhook queue and is none of the service's functions: what such a message says is not believed. */

const world = await sharedWorld();
const { created, record, run, pass, dueIn } = reconciling(() => world);

const OWN = 'AROAEXAMPLEOWNROLE000';
const OTHER = 'AROAEXAMPLEOTHERROLE0:mallory';
const MINUTE = 60_000;

const { apply, publisher, deadLetters, logger } = world;
const batch = applyBatch({ apply, publisher, deadLetters, logger, ownSenders: [OWN, '000000000000'] });

type Said = Parameters<typeof webhookEvent>;

/** Puts it on the queue and applies it, as sent by `sender`; how many messages come again. */
async function sent(sender: string, ...[fields, more]: Said): Promise<number> {
  const receivedAt = new Date(world.now()).toISOString();
  await world.queue.send(webhookEvent(fields, { receivedAt, ...more }));
  const messages = await world.drain('webhooks');
  const attributes = { SenderId: sender, ApproximateReceiveCount: '1' };
  const { batchItemFailures } = await batch(messages.map((message) => asRecord(message, attributes)));
  return batchItemFailures.length;
}

const asked = () => world.gateway.calls.get;

async function completed(): Promise<string> {
  const id = await created();
  world.gateway.set(id, { state: 'COMPLETED' });
  await sent(`${OWN}:apply`, { id, state: 'COMPLETED' }, { source: 'reconcile' });
  return id;
}

describe.each(['reconcile', 'refresh', 'create', 'operation'] as const)('said to be of %s', (source) => {
  it('money is applied, and reconcile raises the alarm where paytech does not say so', async () => {
    const id = await created();
    await sent(
      OTHER,
      { id, state: 'COMPLETED' },
      { source, readVersion: 1, caller: 'arn:aws:iam::1:user/eve' },
    );
    expect(await record(id)).toMatchObject({ state: 'COMPLETED', unconfirmed: true });
    expect((await record(id))?.history.at(-1)).toMatchObject({ source: 'webhook', caller: OTHER });
    expect(await dueIn(`payment#${id}`)).toBe(5 * MINUTE);
    pass(6 * MINUTE);
    await run();
    expect(logger.metrics()).toContain('WebhookNotConfirmed');
    expect(logger.lines).toContainEqual(
      expect.objectContaining({
        message: 'message of another sender',
        more: expect.objectContaining({ sender: OTHER, said: source }),
      }),
    );
  });

  it('from one of our functions it is believed, and costs nothing', async () => {
    const id = await created();
    world.gateway.set(id, { state: 'COMPLETED' });
    const before = asked();
    await sent(`${OWN}:paytech-payments-reconcile`, { id, state: 'COMPLETED' }, { source, readVersion: 1 });
    expect(await record(id)).toMatchObject({ state: 'COMPLETED' });
    expect((await record(id))?.unconfirmed).toBeUndefined();
    expect((await record(id))?.history.at(-1)?.source).toBe(source);
    expect(asked()).toBe(before);
  });

  it('nothing final is changed without paytech, whatever version it says that it has read', async () => {
    const id = await completed();
    const { version = 0 } = (await record(id)) ?? {};
    await sent(OTHER, { id, state: 'DECLINED' }, { source, readVersion: version });
    expect(await record(id)).toMatchObject({ state: 'COMPLETED', quarantined: 1 });
    // The same of ours is paytech's word.
    await sent(`${OWN}:get-payment`, { id, state: 'DECLINED' }, { source: 'refresh', readVersion: version });
    expect(await record(id)).toMatchObject({ state: 'DECLINED' });
  });

  it('nobody is sent anywhere to pay, and no payment is invented', async () => {
    const id = await created();
    const redirectUrl = 'https://mallory.example/';
    await sent(OTHER, { id, state: 'PENDING', redirectUrl, externalRefs: { iban: 'X' } }, { source });
    expect(await record(id)).toMatchObject({
      state: 'PENDING',
      redirectUrl: `https://checkout.example/${id}`,
    });
    const invented = paymentId();
    await sent(
      OTHER,
      { id: invented, state: 'COMPLETED', referenceId: 'order-x' },
      { source, readVersion: 1 },
    );
    expect(await record(invented)).toBeUndefined();
    // Set aside by one of our own, it must not be believed once it is put back.
    const [parked, ...more] = await world.drain('webhooks-dlq');
    expect(more).toEqual([]);
    expect(parked?.MessageAttributes).toMatchObject({ source: { StringValue: 'webhook' } });
    expect(parked?.MessageAttributes).not.toHaveProperty('readVersion');
  });
});

it('what an operator has redriven is applied, by asking paytech', async () => {
  const id = await completed();
  world.gateway.set(id, { amount: decimal('9') });
  const { version = 0 } = (await record(id)) ?? {};
  expect(
    await sent(OTHER, { id, state: 'COMPLETED', amount: '9' }, { source: 'refresh', readVersion: version }),
  ).toBe(0);
  expect((await record(id))?.amount.toFixed()).toBe('9');
});

it('the root of the account is believed: it may change everything here', async () => {
  const id = await created();
  await sent('000000000000', { id, state: 'COMPLETED' }, { source: 'reconcile' });
  expect((await record(id))?.unconfirmed).toBeUndefined();
});
