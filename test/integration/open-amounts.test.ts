/** Orders whose amount the customer chooses at paytech. */
import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { createPayment } from '../../functions/create-payment/pipeline.ts';
import { readerWithoutTokens } from '../../functions/create-payment/request.ts';
import { act } from '../../shared/calls/act.ts';
import { claimedCall } from '../../shared/calls/claimed-call.ts';
import { LEASE_MS } from '../../shared/payment/claim.ts';
import { decimal } from '../../shared/payment/money.ts';
import { readPayment } from '../../shared/store/payments.ts';
import { answerOf, backOffice } from '../support/back-office.ts';
import { reconciling } from '../support/reconciling.ts';
import { objectBytes, parsed, sharedWorld, webhookEvent } from '../support/world.ts';

const world = await sharedWorld();
const office = backOffice(world);
const { run } = reconciling(() => world);

function topUp(openAmounts = true) {
  const referenceId = `top-up-${randomUUID()}`;
  const route = createPayment({
    requestOf: readerWithoutTokens([], openAmounts),
    create: claimedCall(world),
    webhookUrl: 'https://shop.example/webhooks/paytech',
    eventParameters: [],
  });
  return {
    referenceId,
    send: (more: object = {}) => {
      const body = JSON.stringify({ referenceId, currency: 'EUR', ...more });
      const event = { body, headers: {}, requestContext: { http: { sourceIp: '192.0.2.1' } } };
      return answerOf(() => route(event as never, randomUUID(), world.now() + 14_000));
    },
    made: () => [...world.gateway.payments.values()].filter((each) => each.referenceId === referenceId),
  };
}

const paymentIn = (outcome: Awaited<ReturnType<typeof world.apply>>) =>
  (parsed(outcome.publication?.body) as unknown as { data: { payment: object } }).data.payment;

it('go to paytech without one, and what is paid is what can be refunded', async () => {
  const { send } = topUp();
  const { status, body } = await send();
  expect({ status, body }).toMatchObject({ status: 201, body: { state: 'CHECKOUT', amount: decimal('0') } });
  expect(world.gateway.bodies.at(-1)).not.toHaveProperty('amount');
  world.gateway.set(body.id, { state: 'COMPLETED', amount: decimal('25.5') });
  const payment = paymentIn(await world.apply(webhookEvent({ ...body, state: 'COMPLETED', amount: '25.5' })));
  expect(payment).toMatchObject({ state: 'COMPLETED', amount: '25.5', currency: 'EUR' });
  expect(payment).not.toHaveProperty('requestedAmount');
  expect(payment).not.toHaveProperty('paidAsRequested');
  expect(
    await office.refund({ refundId: `r-${body.id}`, paymentId: body.id, amount: '25.51' }),
  ).toMatchObject({
    code: 'refund.exceeds_remainder',
  });
  expect(await office.refund({ refundId: `r-${body.id}`, paymentId: body.id })).toMatchObject({
    status: 201,
    body: { amount: decimal('25.5') },
  });
});

it('are refused where the stack takes none', async () => {
  const { send, made } = topUp(false);
  const { status, body } = await send();
  expect({ status, fields: body.errors.map(({ field }: { field: string }) => field) }).toEqual({
    status: 400,
    fields: ['amount'],
  });
  expect(made()).toEqual([]);
});

it('are one order, and another than one of a fixed amount', async () => {
  const open = topUp();
  const first = await open.send();
  expect(await open.send()).toMatchObject({ status: 200, body: { id: first.body.id } });
  expect(await open.send({ amount: '10' })).toMatchObject({ code: 'payment.reference_conflict' });
  const fixed = topUp();
  await fixed.send({ amount: '10' });
  expect(await fixed.send()).toMatchObject({ code: 'payment.reference_conflict' });
});

it('are not sold again beside a payment made elsewhere under their reference, whatever was paid', async () => {
  const { send, referenceId, made } = topUp();
  const elsewhere = world.gateway.make({
    paymentType: 'DEPOSIT',
    referenceId,
    amount: decimal('7'),
    currency: 'EUR',
  });
  world.gateway.set(elsewhere.id, { state: 'COMPLETED' });
  await world.apply(webhookEvent({ id: elsewhere.id, state: 'COMPLETED', referenceId, amount: '7' }));
  expect(await send()).toMatchObject({ status: 200, body: { id: elsewhere.id, state: 'COMPLETED' } });
  expect(made()).toHaveLength(1);
});

it.each([undefined, '12'])('are found again where the answer was lost, with %s chosen', async (chosen) => {
  const { send, made } = topUp();
  world.gateway.endings.push({ on: 'create', ends: 'lost' }, { on: 'list', ends: 'unknown' });
  expect((await send()).status).toBe(503);
  const [lost] = made();
  if (chosen) world.gateway.set(lost!.id, { amount: decimal(chosen) });
  world.clock.at += LEASE_MS;
  const found = await send();
  expect(found).toMatchObject({ body: { id: lost!.id } });
  expect(made()).toHaveLength(1);
});

it('are abandoned without one', async () => {
  const { body } = await topUp().send();
  const cancelled = webhookEvent({ id: body.id, state: 'CANCELLED', amount: null, currency: null });
  expect(paymentIn(await world.apply(cancelled))).toMatchObject({ state: 'CANCELLED', amount: '0' });
});

it('are known where a webhook is faster than the answer, also of one that was abandoned', async () => {
  const { send } = topUp();
  const create = world.gateway.create;
  let id = '';
  world.gateway.create = async (...args) => {
    const answer = await create(...args);
    if (answer.kind !== 'answered') throw new Error('no answer');
    id = answer.result.id;
    world.gateway.set(id, { state: 'CANCELLED' });
    await world.apply(webhookEvent({ id, state: 'CANCELLED', amount: null, currency: null }));
    return answer;
  };
  await send().finally(() => {
    world.gateway.create = create;
  });
  await world.applyQueued();
  const record = await readPayment(world.table, id);
  expect(record).toMatchObject({ state: 'CANCELLED', origin: 'service', amount: decimal('0') });
  expect(record).not.toHaveProperty('requestedAmount');
});

it('never tell a payment as paid of which nobody says how much', async () => {
  const { body } = await topUp().send();
  world.gateway.set(body.id, { state: 'COMPLETED', amount: decimal('9') });
  const told = paymentIn(await world.apply(webhookEvent({ id: body.id, state: 'COMPLETED', amount: null })));
  expect(told).toMatchObject({ state: 'COMPLETED', amount: '9' });
});

it('are asked about until they are told, also once all that is held has been captured', async () => {
  const { body } = await topUp().send({ preAuth: true });
  const { id } = body;
  // Whatever paytech answers names no amount yet.
  Object.assign(world.gateway.payments.get(id)!, { facts: { state: 'AUTHORIZED', currency: 'EUR' } });
  await world.apply({
    ...webhookEvent({ id, state: 'AUTHORIZED' }),
    bytes: objectBytes({ id, state: 'AUTHORIZED' }),
  });
  const capture = act({ ...world, ready: async () => {} });
  const ask = (amount?: string) =>
    capture({
      kind: 'capture',
      paymentId: id,
      ...(amount ? { amount: decimal(amount) } : {}),
      owner: randomUUID(),
      deadline: world.now() + 14_000,
    });
  expect(await ask('5')).toMatchObject({ is: 'too-much' });
  expect(await ask()).toMatchObject({ is: 'done' });
  expect(await ask('5')).not.toMatchObject({ is: 'done' });
  await world.applyQueued();
  const captured = await readPayment(world.table, id);
  expect(captured).toMatchObject({ state: 'COMPLETED', unconfirmed: true });
  expect(captured?.operations).toEqual([expect.not.objectContaining({ amount: expect.anything() })]);
  world.gateway.set(id, { amount: decimal('25') });
  world.clock.at += 6 * 60_000;
  const listReadable = async () => ({ kind: 'unknown' as const, reason: 'down' });
  await run({ gateway: { ...world.gateway, listReadable } });
  await world.applyQueued();
  expect(await readPayment(world.table, id)).toMatchObject({
    amount: decimal('25'),
    refundable: decimal('25'),
  });
});
