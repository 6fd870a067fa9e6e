/** Charges by the token of an earlier payment, and what paytech charges by itself. */
import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { LEASE_MS, LOOK_UP_GAP_MS } from '../../shared/payment/claim.ts';
import { writePayment } from '../../shared/paytech/wire.ts';
import { DAY_MS } from '../../shared/runtime/time.ts';
import { readClaim } from '../../shared/store/claims.ts';
import { readPayment } from '../../shared/store/payments.ts';
import { backOffice, RETENTION_MS } from '../support/back-office.ts';
import { firstPayments } from '../support/first-payments.ts';
import { orderRoute } from '../support/order-route.ts';
import { reconciling } from '../support/reconciling.ts';
import { sharedWorld, webhookEvent } from '../support/world.ts';

const world = await sharedWorld();
const office = backOffice(world);
const { run, pass } = reconciling(() => world);

const { firstPayment, pay, cycleOf, dataOf } = firstPayments(world);

const chargeOf = (parentPaymentId: string, more: object = {}) => ({
  referenceId: `renewal-${randomUUID()}`,
  amount: '10',
  currency: 'EUR',
  parentPaymentId,
  ...more,
});
const made = (referenceId: string) =>
  [...world.gateway.payments.values()].filter((each) => each.referenceId?.split('~')[0] === referenceId);

describe('a recurring charge', () => {
  it('goes out with the token of its parent, once, and counts for itself', async () => {
    const { id, token, order } = await firstPayment();
    const body = chargeOf(id);
    const first = await office.charge(body);
    expect(first).toMatchObject({ status: 201, body: { paymentType: 'DEPOSIT', state: 'PENDING' } });
    expect(world.gateway.bodies.at(-1)).toMatchObject({ recurringToken: token, parentPaymentId: id });
    expect(await office.charge(body)).toMatchObject({ status: 200, body: { id: first.body.id } });
    expect(made(body.referenceId)).toHaveLength(1);
    const webhook = webhookEvent({ id: first.body.id, state: 'COMPLETED', parentPaymentId: id });
    expect(dataOf(await world.apply(webhook))).toMatchObject({
      origin: 'service',
      payment: { referenceId: body.referenceId, parentPaymentId: id, paidAsRequested: true },
    });
    expect(await readClaim(world.table, 'deposit', order.referenceId)).toMatchObject({
      paymentId: id,
      earlierPaymentIds: [],
    });
    expect(world.logger.metrics()).not.toContain('OrderPaidTwice');
  });

  it('is another with another amount or parent, and no order is asked for under its id', async () => {
    const [{ id }, other] = [await firstPayment(), await firstPayment()];
    const body = chargeOf(id);
    await office.charge(body);
    const conflict = { code: 'payment.reference_conflict' };
    expect(await office.charge({ ...body, amount: '11' })).toMatchObject(conflict);
    expect(await office.charge({ ...body, parentPaymentId: other.id })).toMatchObject(conflict);
    expect(await orderRoute(world, { referenceId: body.referenceId }).send()).toMatchObject(conflict);
  });

  it('that was declined stays declined under its id', async () => {
    const { id } = await firstPayment();
    const body = chargeOf(id);
    const { body: charged } = await office.charge(body);
    world.gateway.set(charged.id, { state: 'DECLINED' });
    await world.apply(webhookEvent({ id: charged.id, state: 'DECLINED' }));
    const calls = world.gateway.calls.create;
    expect(await office.charge(body)).toMatchObject({
      status: 200,
      body: { id: charged.id, state: 'DECLINED' },
    });
    expect(world.gateway.calls.create).toBe(calls);
  });

  it('that only a webhook has declined is asked about, by who asks for it again and by reconcile', async () => {
    const { id } = await firstPayment();
    const body = chargeOf(id);
    for (const named of [{ parentPaymentId: id }, {}]) {
      const { body: charged } = await office.charge({ ...body, referenceId: `renewal-${randomUUID()}` });
      await world.apply(webhookEvent({ id: charged.id, state: 'DECLINED', ...named }));
      expect(await readPayment(world.table, charged.id)).toMatchObject({ unconfirmed: true });
      // Its own webhook is lost.
      world.gateway.set(charged.id, { state: 'COMPLETED' });
      const { referenceId } = charged;
      expect(await office.charge({ ...body, referenceId })).toMatchObject({
        status: 200,
        body: { id: charged.id, state: 'COMPLETED' },
      });
      await world.drain('webhooks');
      pass(DAY_MS / 24);
      const listReadable = async () => ({ kind: 'unknown', reason: 'timeout' });
      await run({ gateway: { ...world.gateway, listReadable } as never });
      await world.applyQueued();
      expect(await readPayment(world.table, charged.id)).toMatchObject({ state: 'COMPLETED' });
    }
  });

  it.each(['told by its webhook', 'seen in the look-up alone'])(
    'goes on in the cascade of it: %s',
    async (how) => {
      const { id } = await firstPayment();
      const body = chargeOf(id);
      const create = world.gateway.create;
      let cascade = '';
      // Declined by one provider, it goes on with another, before or after the answer is lost.
      world.gateway.create = async (...args) => {
        const answer = await create(...args);
        const [first] = made(body.referenceId);
        world.gateway.set(first!.id, { state: 'DECLINED' });
        cascade = world.gateway.cascade(first!.id, { repeatsReference: true }).id;
        world.gateway.set(cascade, { state: 'PENDING' });
        return how === 'told by its webhook' ? answer : { kind: 'unknown', reason: 'timeout' };
      };
      const charged = await office.charge(body).finally(() => {
        world.gateway.create = create;
      });
      expect(charged).toMatchObject({ status: 201, body: { final: false } });
      if (how === 'told by its webhook') {
        await world.apply(webhookEvent({ id: charged.body.id, state: 'DECLINED' }));
        const webhook = world.gateway.webhook(world.gateway.payments.get(cascade)!);
        await world.apply({ ...webhookEvent({ id: cascade, state: 'PENDING' }), bytes: webhook });
      }
      await world.applyQueued();
      expect(await office.charge(body)).toMatchObject({ status: 200, body: { id: cascade, final: false } });
      world.gateway.set(cascade, { state: 'DECLINED' });
      await world.apply(webhookEvent({ id: cascade, state: 'DECLINED' }));
      expect(await office.charge(body)).toMatchObject({ body: { id: charged.body.id, state: 'DECLINED' } });
    },
  );

  it('of which nobody heard the end is never sent again by the machine', async () => {
    const { id } = await firstPayment();
    const body = chargeOf(id);
    world.gateway.endings.push({ on: 'create', ends: 'unknown' });
    expect(await office.charge(body)).toMatchObject({ code: 'payment.outcome_unknown' });
    const calls = world.gateway.calls.create;
    world.clock.at += LEASE_MS;
    await office.charge(body);
    world.clock.at += LOOK_UP_GAP_MS;
    expect(await office.charge(body)).toMatchObject({ code: 'claim.flagged' });
    expect(world.gateway.calls.create).toBe(calls);
  });

  it('is found again by its reference where its answer was lost', async () => {
    const { id } = await firstPayment();
    const body = chargeOf(id);
    world.gateway.endings.push({ on: 'create', ends: 'lost' });
    expect(await office.charge(body)).toMatchObject({ status: 201 });
    expect(made(body.referenceId)).toHaveLength(1);
  });

  /** Its webhook names the parent alone, and comes before the answer; GET does not tell its reference either. */
  async function chargedBehindItsWebhook(body: ReturnType<typeof chargeOf>): Promise<string> {
    const create = world.gateway.create;
    let charged = '';
    world.gateway.create = async (...args) => {
      const answer = await create(...args);
      if (answer.kind !== 'answered') throw new Error('no answer');
      charged = answer.result.id;
      const atPaytech = world.gateway.set(charged, { state: 'COMPLETED' });
      const { referenceId } = atPaytech;
      delete atPaytech.referenceId;
      const { parentPaymentId } = body;
      await world.apply(webhookEvent({ id: charged, state: 'COMPLETED', parentPaymentId }));
      if (referenceId !== undefined) atPaytech.referenceId = referenceId;
      return answer;
    };
    await office.charge(body).finally(() => {
      world.gateway.create = create;
    });
    await world.applyQueued();
    expect(await readPayment(world.table, charged)).toMatchObject({ referenceId: body.referenceId });
    return charged;
  }

  it.each(['was asked for with startRecurring', 'has a token all the same'])(
    'learns whose it is where its webhook was faster, and is no payment of its parent’s order, which %s',
    async (how) => {
      const startRecurring = how === 'was asked for with startRecurring';
      const order = orderRoute(world, { startRecurring });
      const { id } = (await order.send()).body;
      world.gateway.payments.get(id)!.recurringToken ??= `token-of-${id}`;
      await pay(id);
      await chargedBehindItsWebhook(chargeOf(id));
      const claim = await readClaim(world.table, 'deposit', order.referenceId);
      expect(claim).toMatchObject({ paymentId: id, earlierPaymentIds: [] });
      expect(claim).not.toHaveProperty('otherPaymentIds');
      expect(world.logger.metrics()).not.toContain('OrderPaidTwice');
    },
  );

  it('leaves the order of a parent that was not paid yet, for a cascade of which it was taken', async () => {
    const { id, order } = await firstPayment({ isPaid: false });
    const charged = await chargedBehindItsWebhook(chargeOf(id));
    const [learned] = (await readPayment(world.table, charged))!.history.slice(-1);
    expect(learned?.learned?.before.referenceId).toBe(order.referenceId);
    expect(await order.claim()).toMatchObject({ paymentId: id, earlierPaymentIds: [] });
    expect(await order.send()).toMatchObject({ status: 200, body: { id, state: 'CHECKOUT' } });
    await pay(id);
    expect(world.logger.metrics()).not.toContain('OrderPaidTwice');
  });
});

describe('the token of a payment to go on from', () => {
  it('is in its record and nowhere else', async () => {
    const { id, token } = await firstPayment();
    expect(await readPayment(world.table, id)).toMatchObject({ recurringToken: token });
    const charged = await office.charge(chargeOf(id));
    const again = await world.apply(webhookEvent({ id, state: 'COMPLETED', recurringToken: token }));
    const shown = [charged, (await office.show(id)).body, again.publication, world.logger.lines];
    expect(JSON.stringify(shown)).not.toContain(token);
    const items = (await world.scan()).filter((item) => JSON.stringify(item).includes(token));
    expect(items.map(({ pk }) => pk)).toEqual([`payment#${id}`]);
    const messages = (await world.drain('webhooks')).map(({ Body = '' }) => Buffer.from(Body, 'base64'));
    expect(messages.filter((each) => each.includes(token))).toEqual([]);
    const written = writePayment({ id, recurringToken: token, facts: { state: 'COMPLETED' } });
    expect(written.toString()).not.toContain(token);
  });

  it('is asked of paytech where the record lacks it, and no webhook is believed', async () => {
    const { id, token } = await firstPayment({ isPaid: false });
    await world.table.update(`payment#${id}`, {
      REMOVE: ['recurringToken'],
      condition: ['attribute_exists(pk)'],
    });
    world.gateway.set(id, { state: 'COMPLETED' });
    await world.apply(webhookEvent({ id, state: 'COMPLETED', recurringToken: 'of-somebody-else' }));
    expect(await readPayment(world.table, id)).not.toHaveProperty('recurringToken');
    world.gateway.endings.push({ on: 'get', ends: 'unknown' });
    expect(await office.charge(chargeOf(id))).toMatchObject({ status: 503, code: 'gateway.unavailable' });
    expect(await office.charge(chargeOf(id))).toMatchObject({ status: 201 });
    expect(world.gateway.bodies.at(-1)).toMatchObject({ recurringToken: token });
    expect(await readPayment(world.table, id)).toMatchObject({ recurringToken: token });
  });

  it('must be there, or nothing is claimed', async () => {
    const { body: plain } = await orderRoute(world).send();
    const body = chargeOf(plain.id);
    expect(await office.charge(body)).toMatchObject({ status: 409, code: 'payment.state_conflict' });
    expect(await office.charge(chargeOf('0'.repeat(32)))).toMatchObject({ code: 'payment.not_found' });
    expect(await readClaim(world.table, 'deposit', body.referenceId)).toBeUndefined();
  });

  it.each([
    [{ recurringToken: 'x' }, 'recurringToken'],
    [{ card: { cardToken: 'x' } }, 'card'],
    [{ cardToken: 'x' }, 'cardToken'],
    [{ webhookUrl: 'https://evil.example' }, 'webhookUrl'],
    [{ parentPaymentId: undefined }, 'parentPaymentId'],
    [{ amount: '0' }, 'amount'],
  ])('is not given by the caller: %j', async (more, field) => {
    const { status, body } = await office.charge(chargeOf('a'.repeat(32), more));
    expect({ status, fields: body.errors.map((each: { field: string }) => each.field) }).toEqual({
      status: 400,
      fields: [field],
    });
  });

  it('is kept as long as it is used', async () => {
    const { id } = await firstPayment();
    const soon = Math.ceil(world.clock.at / 1000) + 600;
    await world.table.update(`payment#${id}`, {
      SET: [{ text: 'expiresAt = :soon', values: { ':soon': soon } }],
      condition: ['attribute_exists(pk)'],
    });
    const expiryOf = async () =>
      Number((await world.scan()).find(({ pk }) => pk === `payment#${id}`)?.expiresAt) * 1000;
    await office.charge(chargeOf(id));
    expect(await expiryOf()).toBe(world.clock.at + RETENTION_MS);
    world.clock.at += DAY_MS;
    const apply = world.applyWith({ policy: { retentionMs: RETENTION_MS } });
    const cycle = cycleOf(id);
    await apply(webhookEvent({ id: cycle.id, state: 'COMPLETED', parentPaymentId: id }));
    expect(await expiryOf()).toBe(world.clock.at + RETENTION_MS);
  });
});

it('a first payment that starts recurring is another order than one that does not', async () => {
  const { order } = await firstPayment({ isPaid: false });
  expect(await order.send()).toMatchObject({ status: 200 });
  expect(await order.send({ startRecurring: false })).toMatchObject({ code: 'payment.reference_conflict' });
});
