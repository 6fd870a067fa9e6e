/** The merchant's own parameters: what `eventParameters` names is kept and told, the rest goes to paytech alone. */
import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { createPayment } from '../../functions/create-payment/pipeline.ts';
import { readerWithoutTokens } from '../../functions/create-payment/request.ts';
import { claimedCall } from '../../shared/calls/claimed-call.ts';
import { LEASE_MS } from '../../shared/payment/claim.ts';
import { decimal } from '../../shared/payment/money.ts';
import { MAX_PARAMETERS_BYTES } from '../../shared/payment/parameters.ts';
import { DAY_MS } from '../../shared/runtime/time.ts';
import { readPayment } from '../../shared/store/payments.ts';
import { answerOf, backOffice, EVENT_PARAMETERS } from '../support/back-office.ts';
import { FAIR } from '../support/memory-gateway.ts';
import { parsed, sharedWorld, webhookEvent } from '../support/world.ts';

const world = await sharedWorld();
const office = backOffice(world);

const GIVEN = { shop: 'north', campaign: 'spring', note: 'Planted Quackenbush' };
const KEPT = { campaign: 'spring', shop: 'north' };

function order(outside: Partial<typeof world> = {}) {
  const referenceId = `order-${randomUUID()}`;
  const route = createPayment({
    requestOf: readerWithoutTokens([]),
    create: claimedCall({ ...world, ...outside }),
    webhookUrl: 'https://shop.example/webhooks/paytech',
    eventParameters: EVENT_PARAMETERS,
  });
  return {
    referenceId,
    send: (additionalParameters: object = GIVEN, more: object = {}) => {
      const order = { referenceId, amount: '10', currency: 'EUR', additionalParameters, ...more };
      const body = JSON.stringify(order);
      const event = { body, headers: {}, requestContext: { http: { sourceIp: '192.0.2.1' } } };
      return answerOf(() => route(event as never, randomUUID(), world.now() + 14_000));
    },
  };
}

const said = (outcome: Awaited<ReturnType<typeof world.apply>>) =>
  [outcome.publication, ...(outcome.alsoPublications ?? [])].map(
    (each) => (parsed(each?.body) as unknown as { data: { payment: object } }).data.payment,
  );

it('are in the events of a deposit and in what the back office sees, as far as the setting names them', async () => {
  const shop = order();
  const { body } = await shop.send();
  expect(world.gateway.bodies.at(-1)).toMatchObject({ additionalParameters: GIVEN });
  const [payment] = said(await world.apply(webhookEvent({ id: body.id, state: 'COMPLETED' })));
  expect(payment).toMatchObject({ additionalParameters: KEPT });
  expect((await office.show(body.id)).body).toMatchObject({ additionalParameters: KEPT });
  expect(JSON.stringify(body)).not.toContain('north');
  expect(JSON.stringify(await world.scan())).not.toContain('Planted');
  expect(JSON.stringify(world.logger.lines)).not.toMatch(/Planted|north/);
});

it('are in those of a withdrawal', async () => {
  const { body } = await office.withdraw({
    referenceId: `payout-${randomUUID()}`,
    amount: '10',
    currency: 'EUR',
    additionalParameters: GIVEN,
  });
  const webhook = webhookEvent({ id: body.id, state: 'COMPLETED', paymentType: 'WITHDRAWAL' });
  expect(said(await world.apply(webhook))).toEqual([expect.objectContaining({ additionalParameters: KEPT })]);
  expect(JSON.stringify(await world.scan())).not.toContain('Planted');
});

it('come with the claim where a webhook is faster than the answer, and are learned where it names no order', async () => {
  const create: typeof world.gateway.create = async (...args) => {
    const answer = await world.gateway.create(...args);
    if (answer.kind !== 'answered') throw new Error('no answer');
    const { id } = answer.result;
    const atPaytech = world.gateway.set(id, { state: 'COMPLETED' });
    delete atPaytech.referenceId;
    world.clock.at += 60_000;
    await world.apply(webhookEvent({ id, state: 'COMPLETED' }));
    world.clock.at -= 60_000;
    return answer;
  };
  const { body } = await order({ gateway: { ...world.gateway, create } }).send();
  expect(await readPayment(world.table, body.id)).not.toHaveProperty('additionalParameters');
  await world.applyQueued();
  const { body: shown } = await office.show(body.id);
  expect(shown).toMatchObject({ version: 2, additionalParameters: KEPT });
});

it('are those of its order for what paytech makes of an attempt by cascading', async () => {
  const { body } = await order().send();
  const cascade = world.gateway.cascade(body.id, { repeatsReference: false });
  world.gateway.set(cascade.id, { state: 'COMPLETED' });
  const webhook = webhookEvent({ id: cascade.id, state: 'COMPLETED', parentPaymentId: body.id });
  expect(said(await world.apply(webhook))).toEqual([expect.objectContaining({ additionalParameters: KEPT })]);
});

it('are those of its attempt for each payment of an order, however late it is recorded', async () => {
  const shop = order();
  world.gateway.endings.push({ on: 'create', ends: 'lost' }, { on: 'list', ends: 'unknown' });
  await shop.send({ shop: 'north' });
  const [first] = [...world.gateway.payments.values()].slice(-1);
  // The list does not have it yet.
  Object.assign(world.gateway.weather, { list: 'lags', lagMs: DAY_MS });
  for (let round = 0; round < 3; round++) {
    world.clock.at += LEASE_MS;
    await shop.send({ shop: 'south' });
  }
  Object.assign(world.gateway.weather, FAIR);
  const [second] = [...world.gateway.payments.values()].slice(-1);
  expect(second?.referenceId).toBe(`${shop.referenceId}~2`);
  const cascade = world.gateway.cascade(first!.id, { repeatsReference: true });
  const apply = (id: string) => {
    world.gateway.set(id, { state: 'DECLINED' });
    const { parentPaymentId } = world.gateway.payments.get(id)!;
    const receivedAt = new Date(world.now() - DAY_MS).toISOString();
    return world.apply(webhookEvent({ id, state: 'DECLINED', parentPaymentId }, { receivedAt }));
  };
  for (const [{ id } = { id: '' }, name] of [
    [first, 'north'],
    [cascade, 'north'],
    [second, 'south'],
  ] as const) {
    expect(said(await apply(id))).toEqual([
      expect.objectContaining({ additionalParameters: { shop: name } }),
    ]);
  }
});

it('are those of the attempt of which a person says that it made the payment', async () => {
  const shop = order();
  const card = { cardToken: 'tok-1', customer: { referenceId: 'ada' } };
  const unheard = async (name: string) => {
    world.gateway.endings.push({ on: 'create', ends: 'unknown' });
    for (let round = 0; round < 3; round++) {
      await shop.send({ shop: name }, card);
      world.clock.at += LEASE_MS;
    }
  };
  await unheard('north');
  const denied = { outcome: 'not-sent', reason: 'paytech denies it' };
  expect(await office.resolve('deposit', shop.referenceId, denied)).toMatchObject({ status: 200 });
  await unheard('south');
  const money = { amount: decimal('10'), currency: 'EUR' };
  const late = world.gateway.make({ paymentType: 'DEPOSIT', referenceId: shop.referenceId, ...money });
  const sent = { outcome: 'sent', paymentId: late.id, reason: 'it came late' };
  expect(await office.resolve('deposit', shop.referenceId, sent)).toMatchObject({ status: 200 });
  expect(await readPayment(world.table, late.id)).toMatchObject({
    attempt: 1,
    additionalParameters: { shop: 'north' },
  });
  expect(await shop.send({}, card)).toMatchObject({ status: 200, body: { id: late.id } });
});

it('are refused where what is named has more than 1 KB, before anything is claimed, and nothing else counts', async () => {
  const shop = order();
  const space = MAX_PARAMETERS_BYTES - '{"shop":""}'.length;
  const tooMuch = await shop.send({ shop: 'x'.repeat(space + 1) });
  expect(tooMuch).toMatchObject({ status: 400, code: 'request.invalid' });
  expect(tooMuch.body.errors).toMatchObject([{ field: 'additionalParameters' }]);
  const most = { shop: 'x'.repeat(space), note: 'y'.repeat(5000) };
  expect(await shop.send(most)).toMatchObject({ status: 201 });
});

it('say nothing of whether a request is the same', async () => {
  const shop = order();
  await shop.send();
  expect(await shop.send({ shop: 'south' })).toMatchObject({ status: 200 });
});
