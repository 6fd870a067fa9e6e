/** Chargebacks: registered once, told by webhooks of their own, and in the way of refunds while they stand. */

import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { CHARGEBACK_ROUTE, receiveWebhook } from '../../functions/receive-webhook/pipeline.ts';
import { chargebackUrl } from '../../shared/http/webhook-paths.ts';
import { RELEASE_AFTER_MS } from '../../shared/payment/action.ts';
import { decimal } from '../../shared/payment/money.ts';
import { sign } from '../../shared/paytech/signature.ts';
import { readPayment } from '../../shared/store/payments.ts';
import { backOffice, CALLER } from '../support/back-office.ts';
import { orderRoute } from '../support/order-route.ts';
import { reconciling } from '../support/reconciling.ts';
import { chargebackEvent, sharedWorld, webhookEvent } from '../support/world.ts';

const world = await sharedWorld();
const office = backOffice(world);
const { run } = reconciling(() => world);

async function paid(): Promise<string> {
  const { body } = await orderRoute(world).send();
  world.gateway.set(body.id, { state: 'COMPLETED' });
  await world.apply(webhookEvent({ id: body.id, state: 'COMPLETED' }, { source: 'refresh' }));
  return body.id;
}

/** What paytech says of a chargeback, on the queue. */
const said = (id: string, state?: string) => chargebackEvent(world, id, state);
const eventOf = (outcome: Awaited<ReturnType<typeof world.apply>>) =>
  JSON.parse(outcome.publication!.body) as object;
const refund = (paymentId: string) => office.refund({ refundId: `r-${randomUUID()}`, paymentId });
const recordOf = async (id: string) => (await readPayment(world.table, id))!;

describe('a chargeback', () => {
  it('is registered once, kept with who registered it, and published', async () => {
    const id = await paid();
    const answer = await office.dispute(id, { description: 'never arrived' });
    expect(answer).toMatchObject({
      status: 200,
      body: { id, state: 'COMPLETED', chargeback: { state: 'OPEN' } },
    });
    expect(world.gateway.chargebacks.get(id)).toEqual({
      description: 'never arrived',
      webhookUrl: 'https://shop.example/webhooks/paytech/chargebacks',
    });
    const { version } = await recordOf(id);
    await world.applyQueued();
    const record = await recordOf(id);
    expect(record).toMatchObject({
      state: 'COMPLETED',
      version: version + 1,
      refundable: decimal('10'),
      chargeback: { state: 'OPEN', description: 'never arrived' },
    });
    expect(record.history.at(-1)).toMatchObject({ caller: CALLER, chargeback: { state: 'OPEN' } });
    const calls = world.gateway.calls.chargeback;
    expect(await office.dispute(id, { description: 'never arrived' })).toMatchObject({ status: 200 });
    expect(world.gateway.calls.chargeback).toBe(calls);
    expect((await office.show(id)).body).toMatchObject({
      chargeback: { state: 'OPEN', description: 'never arrived' },
    });
  });

  it('is told by events of its own type, whose payment is as before', async () => {
    const id = await paid();
    const event = eventOf(await world.apply(said(id)));
    expect(event).toMatchObject({
      type: 'paytech.payment.chargeback',
      data: {
        version: 3,
        previousState: 'COMPLETED',
        chargeback: { state: 'OPEN' },
        payment: { state: 'COMPLETED', amount: '10', paidAsRequested: true },
      },
    });
    expect(eventOf(await world.apply(said(id, 'COMPLETED')))).toMatchObject({
      data: { version: 4, chargeback: { state: 'COMPLETED' } },
    });
    expect(eventOf(await world.apply(said(id)))).toMatchObject(event);
    expect(JSON.stringify(event)).not.toContain('description');
  });

  it('may come before our own answer is applied, and does not open again', async () => {
    const id = await paid();
    await office.dispute(id);
    await world.apply(said(id, 'DECLINED'));
    await world.applyQueued();
    expect(await recordOf(id)).toMatchObject({ chargeback: { state: 'DECLINED' } });
    expect(await refund(id)).toMatchObject({ status: 201 });
  });
});

describe('two requests at once', () => {
  it('register it once, and neither is told of another operation', async () => {
    const id = await paid();
    const calls = world.gateway.calls.chargeback;
    const answers = await Promise.all([office.dispute(id), office.dispute(id)]);
    expect(world.gateway.calls.chargeback - calls).toBe(1);
    const codes = answers.map(({ status, code }) => (status === 200 ? 'done' : code));
    expect(codes).toContain('done');
    expect(codes).not.toContain('operation.conflict');
  });
});

describe('its webhook', () => {
  const signingKey = 'signing-key-of-the-shop';
  const route = receiveWebhook({
    signingKeys: { get: async () => [signingKey], refreshed: async () => undefined },
    queue: world.queue,
    now: () => new Date(world.now()),
    logger: world.logger,
  });
  const receive = (routeKey: string, body: string) =>
    route({
      body,
      headers: { signature: sign(Buffer.from(body), signingKey) },
      requestContext: { requestId: 'r', routeKey },
    } as never);

  it('is never judged as the payment’s state, though its bytes are the same', async () => {
    const id = await paid();
    const body = JSON.stringify({ id, state: 'DECLINED' });
    world.gateway.chargebacks.set(id, {});
    await receive(CHARGEBACK_ROUTE, body);
    await world.applyQueued();
    expect(await recordOf(id)).toMatchObject({
      state: 'COMPLETED',
      quarantined: 0,
      chargeback: { state: 'DECLINED' },
    });
    await receive('POST /webhooks/paytech', body);
    await world.applyQueued();
    expect(await recordOf(id)).toMatchObject({ state: 'COMPLETED', quarantined: 1 });
  });

  it('with a state that nobody knows changes nothing, and is counted', async () => {
    const id = await paid();
    expect(await world.apply(said(id, 'ARBITRATION'))).toMatchObject({ outcome: 'ignored' });
    expect(await recordOf(id)).not.toHaveProperty('chargeback');
    expect((await recordOf(id)).unknownWord).toMatchObject({ word: 'CHARGEBACK_ARBITRATION' });
    expect(world.logger.metrics()).toContain('UnknownState');
  });

  it('of a payment that is not recorded comes again', async () => {
    await expect(world.apply(said('0'.repeat(32)))).rejects.toThrow('not recorded here');
  });

  it.each([
    ['https://a.example/webhooks/paytech', 'https://a.example/webhooks/paytech/chargebacks'],
    ['https://a.example/x/webhooks/paytech/k3y', 'https://a.example/x/webhooks/paytech/chargebacks'],
  ])('comes for payments at %s to %s', (url, expected) => expect(chargebackUrl(url)).toBe(expected));
});

describe('a refund', () => {
  it.each([
    ['OPEN', undefined],
    ['COMPLETED', 'COMPLETED'],
  ])('is refused while a chargeback is %s, and nothing is set aside', async (_, state) => {
    const id = await paid();
    await world.apply(said(id, state));
    expect(await refund(id)).toMatchObject({ status: 409, code: 'refund.chargeback' });
    expect(await recordOf(id)).toMatchObject({ refundable: decimal('10') });
  });

  it.each(['CANCELLED', 'DECLINED'])('goes on once it is %s', async (state) => {
    const id = await paid();
    await world.apply(said(id));
    await world.apply(said(id, state));
    expect(await refund(id)).toMatchObject({ status: 201 });
  });

  it('is refused from the moment in which one is being registered', async () => {
    const id = await paid();
    const chargeback = world.gateway.chargeback;
    let meanwhile: unknown;
    world.gateway.chargeback = async (...args) => {
      meanwhile = await refund(id);
      return chargeback(...args);
    };
    await office.dispute(id).finally(() => {
      world.gateway.chargeback = chargeback;
    });
    expect(meanwhile).toMatchObject({ code: 'refund.chargeback' });
  });

  it('is refused where the chargeback comes between its look at the payment and its write', async () => {
    const id = await paid();
    let came: Promise<unknown> | undefined;
    const update: typeof world.table.update = async (pk, change) => {
      came ??= world.apply(said(id));
      await came;
      return world.table.update(pk, change);
    };
    const slow = backOffice({ ...world, table: { ...world.table, update } });
    expect(await slow.refund({ refundId: `r-${randomUUID()}`, paymentId: id })).toMatchObject({
      code: 'refund.chargeback',
    });
    expect(await recordOf(id)).toMatchObject({ refundable: decimal('10') });
  });

  it('is free again where paytech did not take it', async () => {
    const id = await paid();
    world.gateway.endings.push({ on: 'chargeback', ends: 'refused' });
    expect(await office.dispute(id)).toMatchObject({ status: 422, code: 'gateway.rejected' });
    expect(await refund(id)).toMatchObject({ status: 201 });
  });
});

describe('a registration of which nobody heard the end', () => {
  it('is never sent again, and is found in paytech’s audit trail', async () => {
    const id = await paid();
    world.gateway.endings.push({ on: 'chargeback', ends: 'lost' }, { on: 'operations', ends: 'unknown' });
    expect(await office.dispute(id)).toMatchObject({ status: 503, code: 'operation.outcome_unknown' });
    const calls = world.gateway.calls.chargeback;
    expect(await refund(id)).toMatchObject({ code: 'refund.chargeback' });
    expect(await office.dispute(id)).toMatchObject({ status: 200, body: { chargeback: { state: 'OPEN' } } });
    await world.applyQueued();
    expect(world.gateway.calls.chargeback).toBe(calls);
    expect(await recordOf(id)).toMatchObject({ chargeback: { state: 'OPEN' } });
  });

  it.each(['unknown', 429] as const)('ends by a person where it is not there: %s', async (ends) => {
    const id = await paid();
    world.gateway.endings.push({ on: 'chargeback', ends });
    expect(await office.dispute(id)).toMatchObject({ code: 'operation.outcome_unknown' });
    expect(await office.dispute(id)).toMatchObject({ code: 'operation.outcome_unknown' });
    expect(await refund(id)).toMatchObject({ code: 'refund.chargeback' });
    world.clock.at += RELEASE_AFTER_MS;
    const decision = { outcome: 'not-sent', reason: 'paytech denies it' };
    world.gateway.endings.push({ on: 'operations', ends: 'unknown' });
    expect(await office.resolve('operation', id, decision)).toMatchObject({ code: 'gateway.unavailable' });
    expect(await office.resolve('operation', id, decision)).toMatchObject({ body: { result: 'released' } });
    expect(await refund(id)).toMatchObject({ status: 201 });
  });

  it('is found by reconcile where nobody asks again, and alarms where it is not there', async () => {
    const [made, lost] = [await paid(), await paid()];
    world.gateway.endings.push({ on: 'chargeback', ends: 'lost' }, { on: 'operations', ends: 'unknown' });
    await office.dispute(made);
    world.gateway.endings.push({ on: 'chargeback', ends: 'unknown' });
    await office.dispute(lost);
    world.clock.at += 16 * 60_000;
    await run();
    await world.applyQueued();
    expect(await recordOf(made)).toMatchObject({ chargeback: { state: 'OPEN' } });
    expect(await recordOf(lost)).not.toHaveProperty('chargeback');
    const alarmed = world.logger.lines.filter(({ more }) => more.metric === 'OutcomeUnknownForLong');
    expect(alarmed.map(({ more }) => more.id)).toContain(`operation/${lost}`);
    expect(alarmed.map(({ more }) => more.id)).not.toContain(`operation/${made}`);
  });

  it('was made where paytech says that there is one already', async () => {
    const id = await paid();
    world.gateway.chargebacks.set(id, {});
    expect(await office.dispute(id)).toMatchObject({ status: 200, body: { chargeback: { state: 'OPEN' } } });
  });

  it('may have been made where paytech refuses it and its audit trail does not answer', async () => {
    const id = await paid();
    world.gateway.chargebacks.set(id, {});
    world.gateway.endings.push({ on: 'operations', ends: 'unknown' });
    expect(await office.dispute(id)).toMatchObject({ code: 'operation.outcome_unknown' });
    expect(await refund(id)).toMatchObject({ code: 'refund.chargeback' });
    expect(await office.dispute(id)).toMatchObject({ status: 200, body: { chargeback: { state: 'OPEN' } } });
  });

  it.each(['let go of', 'refused'])(
    'does not free refunds where its webhook comes as it is %s',
    async (how) => {
      const id = await paid();
      world.gateway.endings.push({ on: 'chargeback', ends: how === 'refused' ? how : 'unknown' });
      if (how === 'let go of') {
        await office.dispute(id);
        world.clock.at += RELEASE_AFTER_MS;
      }
      const update: typeof world.table.update = async (pk, change) => {
        if (change.REMOVE?.includes('disputed')) await world.apply(said(id));
        return world.table.update(pk, change);
      };
      const slow = backOffice({ ...world, table: { ...world.table, update } });
      const decision = { outcome: 'not-sent', reason: 'paytech denies it' };
      await (how === 'refused' ? slow.dispute(id) : slow.resolve('operation', id, decision));
      expect(await recordOf(id)).toMatchObject({ chargeback: { state: 'OPEN' }, disputed: true });
      expect(await refund(id)).toMatchObject({ code: 'refund.chargeback' });
    },
  );
});

describe('a chargeback that is closed by hand', () => {
  it('is closed in the record here only, once', async () => {
    const id = await paid();
    await office.dispute(id);
    await world.applyQueued();
    const calls = world.gateway.calls.chargeback;
    expect(await office.dispute(id, { state: 'DECLINED' })).toMatchObject({
      body: { chargeback: { state: 'DECLINED' } },
    });
    await world.applyQueued();
    expect(await recordOf(id)).toMatchObject({ chargeback: { state: 'DECLINED' } });
    expect((await recordOf(id)).history.at(-1)).toMatchObject({ caller: CALLER, source: 'operation' });
    expect(world.gateway.calls.chargeback).toBe(calls);
    expect(await office.dispute(id, { state: 'DECLINED' })).toMatchObject({ status: 200 });
    expect(await office.dispute(id, { state: 'COMPLETED' })).toMatchObject({
      code: 'payment.state_conflict',
    });
  });
});

it('what is closed by hand does not overtake what paytech has said meanwhile', async () => {
  const id = await paid();
  await office.dispute(id);
  await world.applyQueued();
  expect(await office.dispute(id, { state: 'DECLINED' })).toMatchObject({ status: 200 });
  await world.apply(said(id, 'COMPLETED'));
  await world.applyQueued();
  expect(await recordOf(id)).toMatchObject({ chargeback: { state: 'COMPLETED' } });
  expect(await refund(id)).toMatchObject({ code: 'refund.chargeback' });
});

describe('is refused', () => {
  it('for what is no paid deposit', async () => {
    const { body } = await orderRoute(world).send();
    expect(await office.dispute(body.id)).toMatchObject({ code: 'payment.state_conflict' });
    expect(await office.dispute('0'.repeat(32))).toMatchObject({ code: 'payment.not_found' });
  });

  it.each([
    { state: 'OPEN' },
    { state: 'LOST' },
    { description: 'x'.repeat(513) },
    { webhookUrl: 'https://x' },
  ])('with %j', async (body) => {
    expect(await office.dispute(await paid(), body)).toMatchObject({ status: 400 });
  });
});
