import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { LEASE_MS, LOOK_UP_GAP_MS } from '../../shared/payment/claim.ts';
import { decimal } from '../../shared/payment/money.ts';
import { heldBy, paidIn } from '../../shared/payment/refund.ts';
import type { CreatePaymentBody } from '../../shared/paytech/client.ts';
import type { GatewayPayment } from '../../shared/paytech/wire.ts';
import { readClaim, saveClaim } from '../../shared/store/claims.ts';
import { joined } from '../../shared/store/expressions.ts';
import { readPayment } from '../../shared/store/payments.ts';
import { type Answer, backOffice, CALLER, Died, dying, sumOf } from '../support/back-office.ts';
import { reconciling } from '../support/reconciling.ts';
import { paymentId, sharedWorld, type World, webhookEvent } from '../support/world.ts';

const world = await sharedWorld();
const office = backOffice(world);
const { applyAll } = reconciling(() => world);

/** A deposit that was paid, here and at paytech. */
async function deposit(amount = '100', state = 'COMPLETED'): Promise<string> {
  const { id } = world.gateway.make({
    paymentType: 'DEPOSIT',
    referenceId: `order-${paymentId()}`,
    amount: decimal(amount),
    currency: 'EUR',
  });
  world.gateway.set(id, { state: state as 'COMPLETED' });
  await world.apply(webhookEvent({ id, state, amount }));
  return id;
}

const newId = () => `refund/${randomUUID()}`;
const stored = async (id: string) => (await readPayment(world.table, id))!;
const refundable = async (id: string) => (await stored(id)).refundable?.toFixed();
const claimOf = (refundId: string) => readClaim(world.table, 'refund', refundId);

function atPaytech(parentId: string): GatewayPayment[] {
  return [...world.gateway.payments.values()].filter((each) => each.parentPaymentId === parentId);
}

/** What paytech pays out, or has not said that it will not. */
function paidOut(parentId: string): string {
  const alive = atPaytech(parentId).filter(({ facts }) => !['DECLINED', 'CANCELLED'].includes(facts.state));
  return sumOf(alive.map(({ facts }) => facts.amount));
}

/** What a refund's webhook would say. */
function refundEvent(payment: GatewayPayment, state: string, more: Record<string, unknown> = {}) {
  return webhookEvent({
    id: payment.id,
    paymentType: 'REFUND',
    referenceId: payment.referenceId,
    parentPaymentId: payment.parentPaymentId,
    amount: payment.facts.amount!.toFixed(),
    state,
    ...more,
  });
}

async function end(payment: GatewayPayment, state: 'COMPLETED' | 'DECLINED' | 'CANCELLED') {
  world.gateway.set(payment.id, { state });
  return world.apply(refundEvent(payment, state, { note: randomUUID() }));
}

/** The book of a deposit adds up, and paytech never pays out more than was paid. */
async function expectInOrder(id: string): Promise<void> {
  const record = await stored(id);
  const held = [...(record.refunds ?? new Map()).values()].map(heldBy);
  expect(record.refundable?.toFixed()).toBe(
    paidIn(record)
      .minus(decimal(sumOf(held)))
      .toFixed(),
  );
  expect(decimal(paidOut(id)).lte(paidIn(record)), `${paidOut(id)} paid out`).toBe(true);
}

describe('POST /operations/refunds', () => {
  it('pays back a part, another part, and then all that is left', async () => {
    const paymentId = await deposit('100');
    const [first, second] = [newId(), newId()];
    const answer = await office.refund({ refundId: first, paymentId, amount: '30.01' });
    expect(answer).toEqual({
      status: 201,
      body: {
        id: expect.any(String),
        refundId: first,
        referenceId: first,
        paymentType: 'REFUND',
        state: 'PENDING',
        final: false,
        amount: decimal('30.01'),
        currency: 'EUR',
        parentPaymentId: paymentId,
      },
    });
    expect(world.gateway.bodies.at(-1)).toEqual({
      paymentType: 'REFUND',
      referenceId: first,
      parentPaymentId: paymentId,
      amount: decimal('30.01'),
      currency: 'EUR',
      webhookUrl: expect.stringContaining('/webhooks/paytech'),
    });
    await office.refund({ refundId: newId(), paymentId, amount: '0.1' });
    expect(await office.refund({ refundId: second, paymentId })).toMatchObject({
      status: 201,
      body: { amount: decimal('69.89') },
    });
    expect(await refundable(paymentId)).toBe('0');
    await expectInOrder(paymentId);
  });

  it('answers the same refundId again with the same refund, whatever became of it', async () => {
    const paymentId = await deposit();
    const refundId = newId();
    const { body } = await office.refund({ refundId, paymentId });
    expect(await office.refund({ refundId, paymentId })).toMatchObject({
      status: 200,
      body: { id: body.id },
    });
    expect(await office.refund({ refundId, paymentId, amount: '100.00' })).toMatchObject({ status: 200 });
    await end(world.gateway.payments.get(body.id)!, 'DECLINED');
    expect(await office.refund({ refundId, paymentId })).toMatchObject({
      status: 200,
      body: { id: body.id, state: 'DECLINED', final: true },
    });
    expect(atPaytech(paymentId)).toHaveLength(1);
  });

  it('takes the currency of the deposit, and refuses any other without setting anything aside', async () => {
    const paymentId = await deposit('100');
    const refundId = newId();
    const ask = (currency: string) => office.refund({ refundId, paymentId, amount: '10', currency });
    expect(await ask('USD')).toMatchObject({ status: 409, code: 'payment.reference_conflict' });
    expect(await claimOf(refundId)).toBeUndefined();
    expect(await refundable(paymentId)).toBe('100');
    expect(await ask('EUR')).toMatchObject({ status: 201, body: { currency: 'EUR' } });
    expect(await ask('EUR')).toMatchObject({ status: 200 });
    expect(await ask('USD')).toMatchObject({ status: 409, code: 'payment.reference_conflict' });
    expect(await ask('euro')).toMatchObject({ status: 400, code: 'request.invalid' });
    expect(atPaytech(paymentId)).toHaveLength(1);
  });

  describe('of a deposit that only a webhook says was paid', () => {
    /** It was made for 100, whatever the webhook says. */
    async function said(amount: string): Promise<string> {
      const id = await deposit('100', 'CHECKOUT');
      await world.apply(webhookEvent({ id, state: 'COMPLETED', amount, note: randomUUID() }));
      expect(await stored(id)).toMatchObject({ state: 'COMPLETED', unconfirmed: true });
      return id;
    }
    const nothingSent = (paymentId: string) => expect(atPaytech(paymentId)).toEqual([]);

    it('is sent once paytech has said the same', async () => {
      const paymentId = await said('100');
      world.gateway.set(paymentId, { state: 'COMPLETED' });
      const before = world.gateway.calls.get;
      expect(await office.refund({ refundId: newId(), paymentId, amount: '10' })).toMatchObject({
        status: 201,
      });
      expect(await stored(paymentId)).not.toHaveProperty('unconfirmed');
      expect(await office.refund({ refundId: newId(), paymentId })).toMatchObject({
        status: 201,
        body: { amount: decimal('90') },
      });
      expect(world.gateway.calls.get - before).toBe(1);
      await expectInOrder(paymentId);
    });

    it('is refused where paytech says otherwise, and its answer goes to the record', async () => {
      const paymentId = await said('1000');
      world.gateway.set(paymentId, { state: 'COMPLETED' });
      const refundId = newId();
      expect(await office.refund({ refundId, paymentId })).toMatchObject({
        status: 409,
        code: 'payment.state_conflict',
      });
      nothingSent(paymentId);
      expect(await claimOf(refundId)).toBeUndefined();
      await applyAll();
      expect(await stored(paymentId)).toMatchObject({ amount: decimal('100') });
      expect(await office.refund({ refundId, paymentId })).toMatchObject({
        status: 201,
        body: { amount: decimal('100') },
      });
      await expectInOrder(paymentId);
    });

    it('is refused while paytech still has it open, or does not know it', async () => {
      const paymentId = await said('100');
      const ask = () => office.refund({ refundId: newId(), paymentId });
      expect(await ask()).toMatchObject({ status: 409, code: 'payment.state_conflict' });
      world.gateway.payments.delete(paymentId);
      expect(await ask()).toMatchObject({ status: 409, code: 'payment.state_conflict' });
      nothingSent(paymentId);
      expect(await stored(paymentId)).toMatchObject({ state: 'COMPLETED', unconfirmed: true });
    });

    it('waits while paytech does not answer, also where a process died before it was sent', async () => {
      const paymentId = await said('100');
      const refundId = newId();
      world.gateway.endings.push({ on: 'get', ends: 'unknown' });
      const unavailable = { status: 503, code: 'gateway.unavailable', retryAfter: 5 };
      expect(await office.refund({ refundId, paymentId })).toMatchObject(unavailable);
      expect(await claimOf(refundId)).toBeUndefined();

      const request = { amount: decimal('100'), currency: 'EUR', parentPaymentId: paymentId };
      await saveClaim(world.table, undefined, {
        kind: 'refund',
        referenceId: refundId,
        attempt: 1,
        stage: 'reserving',
        owner: randomUUID(),
        leaseUntil: world.now(),
        sentAt: world.now(),
        request,
        earlierPaymentIds: [],
        turn: 1,
      });
      world.gateway.endings.push({ on: 'get', ends: 'unknown' });
      expect(await office.refund({ refundId, paymentId })).toMatchObject(unavailable);
      nothingSent(paymentId);
      world.gateway.set(paymentId, { state: 'COMPLETED' });
      expect(await office.refund({ refundId, paymentId })).toMatchObject({ status: 201 });
    });
  });

  it('refuses another payment or amount under the same refundId', async () => {
    const [paymentId, other] = [await deposit(), await deposit()];
    const refundId = newId();
    await office.refund({ refundId, paymentId, amount: '10' });
    for (const changed of [
      { refundId, paymentId, amount: '11' },
      { refundId, paymentId: other, amount: '10' },
    ]) {
      expect(await office.refund(changed)).toMatchObject({ status: 409, code: 'payment.reference_conflict' });
    }
    expect(atPaytech(paymentId)).toHaveLength(1);
    expect(atPaytech(other)).toHaveLength(0);
    expect(await refundable(other)).toBe('100');
  });

  it('refuses what is not there or cannot be refunded, without a call', async () => {
    const { create } = world.gateway.calls;
    const [declined, pending, whole] = [
      await deposit('100', 'DECLINED'),
      await deposit('100', 'PENDING'),
      await deposit('100'),
    ];
    const payout = { paymentType: 'WITHDRAWAL' as const, referenceId: newId(), amount: decimal('10') };
    const { id: withdrawal } = world.gateway.make({ ...payout, currency: 'EUR' });
    await world.apply(webhookEvent({ id: withdrawal, paymentType: 'WITHDRAWAL', state: 'COMPLETED' }));
    const refused = async (id: string, amount: string, status: number, code: string) =>
      expect(await office.refund({ refundId: newId(), paymentId: id, amount })).toMatchObject({
        status,
        code,
      });
    await refused(paymentId(), '1', 404, 'payment.not_found');
    await refused(declined, '1', 409, 'payment.state_conflict');
    await refused(pending, '1', 409, 'payment.state_conflict');
    await refused(withdrawal, '1', 409, 'payment.state_conflict');
    await refused(whole, '100.000000000000000001', 409, 'refund.exceeds_remainder');
    await refused(whole, '0', 400, 'request.invalid');
    expect(world.gateway.calls.create).toBe(create);
  });

  it('names who asked in the history and in the claim', async () => {
    const paymentId = await deposit();
    const refundId = newId();
    const { body } = await office.refund({ refundId, paymentId });
    expect((await stored(body.id)).history[0]).toMatchObject({ source: 'create', caller: CALLER });
    expect(await claimOf(refundId)).toMatchObject({ stage: 'known', caller: CALLER });
  });

  it('raises neither the version of the deposit nor says anything of it', async () => {
    const paymentId = await deposit();
    const { version } = await stored(paymentId);
    const { body } = await office.refund({ refundId: newId(), paymentId });
    const outcome = await end(world.gateway.payments.get(body.id)!, 'COMPLETED');
    expect(outcome.parentPublication).toBeUndefined();
    expect((await stored(paymentId)).version).toBe(version);
  });

  it('takes what is left, whoever was faster, when no amount is given', async () => {
    const paymentId = await deposit('100');
    const answers = await Promise.all([
      office.refund({ refundId: newId(), paymentId, amount: '30' }),
      office.refund({ refundId: newId(), paymentId }),
      office.refund({ refundId: newId(), paymentId, amount: '20' }),
    ]);
    expect(answers[1]?.status).toBe(201);
    expect(await refundable(paymentId)).toBe('0');
    await expectInOrder(paymentId);
  });
});

describe('fifty refunds of 10.00 at once on a payment of 100.00', () => {
  const requests = (paymentId: string) =>
    Array.from({ length: 50 }, () => ({ refundId: newId(), paymentId, amount: '10.00' }));

  it('pay out exactly 100.00', async () => {
    const paymentId = await deposit('100.00');
    const answers = await Promise.all(requests(paymentId).map(office.refund));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(10);
    expect(answers.filter(({ code }) => code === 'refund.exceeds_remainder')).toHaveLength(40);
    expect(paidOut(paymentId)).toBe('100');
    await expectInOrder(paymentId);
  });

  it('pay out exactly 100.00 when calls are refused, lost and limited', async () => {
    const paymentId = await deposit('100.00');
    const ends = ['lost', 'unknown', 'refused', 429, 'lost', 401, 'unknown', 'refused'] as const;
    world.gateway.endings.push(...ends.map((each) => ({ on: 'create', ends: each }) as const));
    const all = requests(paymentId);
    await Promise.all(all.map(office.refund));
    await expectInOrder(paymentId);
    await bookAll(all);
    expect(paidOut(paymentId)).toBe('100');
    expect(await refundable(paymentId)).toBe('0');
  });

  it.each([0, 1])('pay out exactly 100.00 when processes die, with luck %i', async (luck) => {
    const paymentId = await deposit('100.00');
    const all = requests(paymentId);
    const processes = all.map((request, index) => {
      // Each of the 14 steps, before it with one luck and after it with the other.
      const atStep = (index * 5) % 14;
      const { outside } = dying(world, atStep, (index + luck) % 2 === 0 ? 'before' : 'after');
      return backOffice(outside).refund(request);
    });
    const ended = await Promise.allSettled(processes);
    expect(ended.some((each) => each.status === 'rejected' && each.reason instanceof Died)).toBe(true);
    await expectInOrder(paymentId);
    await bookAll(all);
    expect(paidOut(paymentId)).toBe('100');
    expect(await refundable(paymentId)).toBe('0');
  });
});

/** Everybody asks again until everything has an end, and a person decides what was flagged. */
async function bookAll(requests: { refundId: string; paymentId: string; amount: string }[]): Promise<void> {
  for (let round = 0; round < 8; round++) {
    world.clock.at += LEASE_MS;
    let hasEnded = true;
    for (const request of requests) {
      const { status, code } = await office.refund(request);
      hasEnded &&= status === 200 || code === 'refund.exceeds_remainder';
      if ((await claimOf(request.refundId))?.stage !== 'flagged') continue;
      const decision = { outcome: 'not-sent', reason: 'not in the list of the provider' };
      expect((await office.resolve('refund', request.refundId, decision)).status).toBe(200);
    }
    await expectInOrder(requests[0]!.paymentId);
    if (hasEnded) return;
  }
}

describe('a process that dies', () => {
  const STEPS = 12;
  const deaths = Array.from({ length: STEPS }, (_, atStep) => atStep).flatMap((atStep) => [
    { atStep, when: 'before' as const },
    { atStep, when: 'after' as const },
  ]);

  it(`has ${STEPS} steps`, async () => {
    const paymentId = await deposit();
    const { outside, process } = dying(world, Number.POSITIVE_INFINITY, 'before');
    await backOffice(outside).refund({ refundId: newId(), paymentId });
    expect(process.steps).toBe(STEPS);
  });

  it.each(deaths)('$when step $atStep loses nothing and pays once', async ({ atStep, when }) => {
    const paymentId = await deposit();
    const request = { refundId: newId(), paymentId, amount: '40' };
    await expect(backOffice(dying(world, atStep, when).outside).refund(request)).rejects.toThrow(Died);
    await expectInOrder(paymentId);
    await bookAll([request]);
    expect(await office.refund(request)).toMatchObject({ status: 200 });
    expect(paidOut(paymentId)).toBe('40');
    expect(await refundable(paymentId)).toBe('60');
  });

  it.each(deaths)(
    '$when step $atStep of a refund that is refused gives back once',
    async ({ atStep, when }) => {
      const paymentId = await deposit();
      const request = { refundId: newId(), paymentId, amount: '40' };
      world.gateway.endings.push({ on: 'create', ends: 'refused' });
      await backOffice(dying(world, atStep, when).outside)
        .refund(request)
        .catch((error) => {
          if (!(error instanceof Died)) throw error;
        });
      await expectInOrder(paymentId);
      world.gateway.endings.length = 0;
      await bookAll([request]);
      expect(paidOut(paymentId)).toBe('40');
      expect(await refundable(paymentId)).toBe('60');
    },
  );
});

describe('what was set aside', () => {
  const asked = async (amount = '40') => {
    const paymentId = await deposit();
    const { body } = await office.refund({ refundId: newId(), paymentId, amount });
    return { paymentId, refund: world.gateway.payments.get(body.id)! };
  };

  it.each(['DECLINED', 'CANCELLED'] as const)(
    'is given back once, however often %s is said',
    async (state) => {
      const { paymentId, refund } = await asked();
      world.gateway.set(refund.id, { state });
      const events = Array.from({ length: 20 }, (_, index) =>
        refundEvent(refund, state, { note: index % 3 }),
      );
      // Those that find paytech being asked come again.
      const first = await Promise.allSettled(events.map((event) => world.apply(event)));
      const again = events.filter((_, index) => first[index]?.status === 'rejected');
      for (const event of again) await world.apply(event);
      expect(again.length).toBeLessThan(events.length);
      expect(await refundable(paymentId)).toBe('100');
      expect(await office.refund({ refundId: newId(), paymentId })).toMatchObject({ status: 201 });
      await expectInOrder(paymentId);
    },
  );

  it.each(['refused', 401] as const)('is given back when a call ends with %s', async (ends) => {
    const paymentId = await deposit();
    const refundId = newId();
    world.gateway.endings.push({ on: 'create', ends });
    const answer = await office.refund({ refundId, paymentId });
    expect(answer.status).toBe(ends === 'refused' ? 422 : 503);
    expect(await refundable(paymentId)).toBe('100');
    expect(await office.refund({ refundId, paymentId, amount: '60' })).toMatchObject({ status: 201 });
    expect(await refundable(paymentId)).toBe('40');
  });

  it('stays set aside after a 429 until two look-ups have confirmed that it was not taken', async () => {
    const paymentId = await deposit();
    const request = { refundId: newId(), paymentId, amount: '60' };
    world.gateway.endings.push({ on: 'create', ends: 429 });
    expect(await office.refund(request)).toMatchObject({ status: 503, code: 'payment.outcome_unknown' });
    expect(await refundable(paymentId)).toBe('40');
    world.clock.at += 119_000;
    expect(await office.refund(request)).toMatchObject({ status: 503 });
    world.clock.at += 3_000;
    expect(await office.refund(request)).toMatchObject({ status: 201 });
    expect(await refundable(paymentId)).toBe('40');
    expect(atPaytech(paymentId)).toHaveLength(1);
  });

  it('stays set aside for as long as the outcome is unknown, and is never sent again', async () => {
    const paymentId = await deposit();
    const request = { refundId: newId(), paymentId, amount: '60' };
    world.gateway.endings.push({ on: 'create', ends: 'unknown' });
    expect(await office.refund(request)).toMatchObject({ status: 503, code: 'payment.outcome_unknown' });
    const { create } = world.gateway.calls;
    for (const passed of [LOOK_UP_GAP_MS, LEASE_MS, 60_000, 3_600_000]) {
      world.clock.at += passed;
      expect([409, 503]).toContain((await office.refund(request)).status);
    }
    expect(await office.refund(request)).toMatchObject({ status: 409, code: 'claim.flagged' });
    expect(world.gateway.calls.create).toBe(create);
    expect(await claimOf(request.refundId)).toMatchObject({ stage: 'flagged' });
    expect(world.logger.metrics()).toContain('ClaimFlagged');
    expect(await refundable(paymentId)).toBe('40');
    expect(await office.refund({ ...request, refundId: newId() })).toMatchObject({
      status: 409,
      code: 'refund.exceeds_remainder',
    });
  });

  it('goes with the payment that a look-up finds, or an event that is faster', async () => {
    const paymentId = await deposit();
    for (const isFaster of [false, true]) {
      const request = { refundId: newId(), paymentId, amount: '40' };
      world.gateway.endings.push({ on: 'create', ends: 'lost' }, { on: 'list', ends: 'unknown' });
      expect((await office.refund(request)).status).toBe(503);
      const made = atPaytech(paymentId).find(({ referenceId }) => referenceId === request.refundId)!;
      if (isFaster) await end(made, 'COMPLETED');
      expect(await office.refund(request)).toMatchObject({
        status: isFaster ? 200 : 201,
        body: { id: made.id },
      });
      expect((await stored(paymentId)).refunds?.get(request.refundId)).toMatchObject({
        paymentId: made.id,
        stage: isFaster ? 'settled' : 'reserved',
      });
      await expectInOrder(paymentId);
    }
    expect(await refundable(paymentId)).toBe('20');
  });

  it.each([
    ['another amount', { amount: '41' }],
    ['another currency', { currency: 'USD' }],
    ['another parent', { parentPaymentId: 'a'.repeat(32) }],
  ])('is not taken for %s under its reference', async (_, changed) => {
    const paymentId = await deposit();
    const request = { refundId: newId(), paymentId, amount: '40' };
    world.gateway.endings.push({ on: 'create', ends: 'unknown' }, { on: 'list', ends: 'unknown' });
    await office.refund(request);
    const { amount, ...rest } = { amount: '40', ...changed };
    const lookAlike = {
      paymentType: 'REFUND',
      referenceId: request.refundId,
      parentPaymentId: paymentId,
      currency: 'EUR',
      ...rest,
      amount: decimal(amount),
    };
    world.gateway.make(lookAlike as CreatePaymentBody);
    expect(await office.refund(request)).toMatchObject({ status: 409, code: 'claim.flagged' });
    expect(await claimOf(request.refundId)).toMatchObject({ stage: 'flagged' });
    expect(await refundable(paymentId)).toBe('60');
  });

  it('follows a refund that paytech corrects, in state and in amount', async () => {
    const { paymentId, refund } = await asked('40');
    await end(refund, 'COMPLETED');
    expect((await end(refund, 'DECLINED')).outcome).toBe('corrected');
    expect(await refundable(paymentId)).toBe('100');
    expect((await end(refund, 'COMPLETED')).outcome).toBe('corrected');
    expect(await refundable(paymentId)).toBe('60');
    world.gateway.set(refund.id, { amount: decimal('35') });
    expect((await world.apply(refundEvent(refund, 'COMPLETED', { amount: '35' }))).outcome).toBe('corrected');
    expect(await refundable(paymentId)).toBe('65');
    await expectInOrder(paymentId);
  });

  it('is left alone by a webhook that paytech does not stand by', async () => {
    const { paymentId, refund } = await asked('40');
    await end(refund, 'COMPLETED');
    expect((await world.apply(refundEvent(refund, 'DECLINED'))).outcome).toBe('quarantined');
    expect(await refundable(paymentId)).toBe('60');
  });

  it.each([
    ['DECLINED', '40'],
    ['CANCELLED', '40'],
    ['COMPLETED', '0.01'],
    ['COMPLETED', '-1000'],
  ])('is not given back because a webhook says %s, %s', async (state, amount) => {
    const { paymentId, refund } = await asked('40');
    for (const more of [{}, { paymentType: undefined }]) {
      const said = { amount, note: randomUUID(), ...more };
      expect((await world.apply(refundEvent(refund, state, said))).outcome).toBe('quarantined');
    }
    expect(await refundable(paymentId)).toBe('60');
    expect(await office.refund({ refundId: newId(), paymentId, amount: '60.01' })).toMatchObject({
      code: 'refund.exceeds_remainder',
    });
    world.gateway.endings.push({ on: 'get', ends: 'unknown' });
    const unanswered = refundEvent(refund, state, { amount, note: randomUUID() });
    await expect(world.apply(unanswered)).rejects.toThrow('could not be asked');
    expect(world.logger.metrics()).toEqual(['EventQuarantined', 'EventQuarantined']);

    world.clock.at += 15_000;
    // What paytech itself says is taken, whatever the webhook says.
    world.gateway.set(refund.id, { state: 'COMPLETED' });
    expect((await world.apply(unanswered)).outcome).toBe('applied');
    expect(await stored(refund.id)).toMatchObject({ state: 'COMPLETED', amount: decimal('40') });
    await expectInOrder(paymentId);
  });

  it('is not booked by a webhook of a refund that nobody knows yet while paytech does not answer', async () => {
    const paymentId = await deposit();
    const refundId = newId();
    world.gateway.endings.push({ on: 'create', ends: 'lost' }, { on: 'list', ends: 'unknown' });
    await office.refund({ refundId, paymentId, amount: '40' });
    const [made] = atPaytech(paymentId);
    const event = { ...refundEvent(made!, 'DECLINED'), receives: 9 };
    world.gateway.endings.push({ on: 'get', ends: 'unknown' });
    await expect(world.apply(event)).rejects.toThrow('still to be asked');
    expect(await refundable(paymentId)).toBe('60');
    await world.apply(event);
    expect(await stored(made!.id)).toMatchObject({ state: 'PENDING' });
    expect(await refundable(paymentId)).toBe('60');
  });

  it('is booked by the event that comes again when its first try died in between', async () => {
    for (const when of ['before', 'after'] as const) {
      const { paymentId, refund } = await asked('40');
      world.gateway.set(refund.id, { state: 'DECLINED' });
      const event = refundEvent(refund, 'DECLINED');
      let updates = 0;
      const table: World['table'] = {
        ...world.table,
        async update(...args) {
          // After the question and the refund's own.
          const isParents = ++updates === 3;
          if (isParents && when === 'before') throw new Died();
          const written = await world.table.update(...args);
          if (isParents) throw new Died();
          return written;
        },
      };
      await expect(world.applyWith({ table })(event)).rejects.toThrow(Died);
      expect((await stored(refund.id)).state).toBe('DECLINED');
      expect((await world.apply(event)).outcome).toBe('duplicate');
      expect(await refundable(paymentId)).toBe('100');
    }
  });
});

describe('a refund that paytech tries again by another provider', () => {
  /** The next try of a refund, as a payment of its own whose parent is the one before. */
  const triedAgain = (refund: GatewayPayment, repeatsReference = false): GatewayPayment =>
    world.gateway.cascade(refund.id, { repeatsReference });

  it.each([true, false])('is an entry of its own of the deposit, reference repeated: %s', async (repeats) => {
    const paymentId = await deposit();
    const refundId = newId();
    const { body } = await office.refund({ refundId, paymentId, amount: '40' });
    const first = world.gateway.payments.get(body.id)!;
    await end(first, 'DECLINED');
    const second = triedAgain(first, repeats);
    await world.apply(refundEvent(second, 'PENDING'));
    const third = triedAgain(second, repeats);
    expect(await refundable(paymentId)).toBe('60');
    await end(second, 'CANCELLED');
    await end(third, 'COMPLETED');
    expect(await refundable(paymentId)).toBe('60');
    const { refunds } = await stored(paymentId);
    expect([...refunds!].map(([key, { stage }]) => [key, stage]).sort()).toEqual(
      [
        [refundId, 'returned'],
        [`@${second.id}`, 'returned'],
        [`@${third.id}`, 'settled'],
      ].sort(),
    );
    for (const { id } of [first, second, third]) {
      expect(await stored(id)).not.toHaveProperty('refundable');
      expect(await stored(id)).not.toHaveProperty('refunds');
    }
    expect(await office.refund({ refundId: newId(), paymentId, amount: '60.01' })).toMatchObject({
      code: 'refund.exceeds_remainder',
    });
    expect(world.logger.metrics()).toEqual([]);
    await expectInOrder(paymentId);
  });

  it('does not take what was set aside for the first, whichever is seen first', async () => {
    const paymentId = await deposit();
    const refundId = newId();
    world.gateway.endings.push({ on: 'create', ends: 'lost' }, { on: 'list', ends: 'unknown' });
    await office.refund({ refundId, paymentId, amount: '40' });
    const [first] = atPaytech(paymentId);
    const second = triedAgain(first!, true);
    world.clock.at += 120_000;
    await end(second, 'COMPLETED');
    expect(await refundable(paymentId)).toBe('20');
    await end(first!, 'DECLINED');
    expect(await refundable(paymentId)).toBe('60');
    expect((await stored(paymentId)).refunds?.get(refundId)).toMatchObject({ paymentId: first!.id });
    await expectInOrder(paymentId);
  });

  it('is followed by GET where the refunds before it were never seen, as far as five steps', async () => {
    const paymentId = await deposit();
    let refund: GatewayPayment = world.gateway.make({
      paymentType: 'REFUND',
      parentPaymentId: paymentId,
      amount: decimal('10'),
      currency: 'EUR',
    } as never);
    for (let step = 2; step <= 5; step++) refund = triedAgain(refund);
    world.gateway.set(refund.id, { state: 'COMPLETED' });
    world.clock.at += 120_000;
    const said = refundEvent(refund, 'COMPLETED');
    world.gateway.endings.push({ on: 'get', ends: 429 });
    await expect(world.apply(said)).rejects.toThrow('could not be asked');
    expect((await world.apply(said)).outcome).toBe('applied');
    expect(await refundable(paymentId)).toBe('90');
    expect(world.logger.metrics()).toEqual([]);

    const beyond = triedAgain(refund);
    await end(beyond, 'COMPLETED');
    expect(await refundable(paymentId)).toBe('90');
    expect(world.logger.metrics()).toEqual(['RefundWithoutParent']);
  });
});

describe('a refund made elsewhere', () => {
  const elsewhere = (parentId: string, amount: string) =>
    world.gateway.make({
      paymentType: 'REFUND',
      referenceId: `elsewhere ${randomUUID()}`,
      parentPaymentId: parentId,
      amount: decimal(amount),
      currency: 'EUR',
    });

  it('becomes an entry and takes from what is refundable, once', async () => {
    const parentId = await deposit();
    const refund = elsewhere(parentId, '70');
    for (let copy = 0; copy < 3; copy++) await end(refund, 'COMPLETED');
    expect(await refundable(parentId)).toBe('30');
    expect((await stored(parentId)).refunds?.get(`@${refund.id}`)).toMatchObject({ stage: 'settled' });
    expect(await office.refund({ refundId: newId(), paymentId: parentId, amount: '30.01' })).toMatchObject({
      code: 'refund.exceeds_remainder',
    });
    expect(await office.refund({ refundId: newId(), paymentId: parentId })).toMatchObject({ status: 201 });
    await expectInOrder(parentId);
  });

  it('that failed takes nothing', async () => {
    const parentId = await deposit();
    await end(elsewhere(parentId, '70'), 'DECLINED');
    expect(await refundable(parentId)).toBe('100');
  });

  it('may be reported before its deposit is', async () => {
    const { id } = world.gateway.make({
      paymentType: 'DEPOSIT',
      referenceId: `order-${paymentId()}`,
      amount: decimal('100'),
      currency: 'EUR',
    });
    world.gateway.set(id, { state: 'COMPLETED' });
    const refund = elsewhere(id, '70');
    world.gateway.set(refund.id, { state: 'COMPLETED' });
    const event = refundEvent(refund, 'COMPLETED');
    world.gateway.endings.push({ on: 'get', ends: 'unknown' });
    await expect(world.apply(event)).rejects.toThrow('could not be asked');
    const first = await world.apply(event);
    expect(first.parentPublication?.id).toBe(`${id}:1`);
    expect(await world.apply(event)).toEqual({ ...first, outcome: 'duplicate' });
    await world.apply(webhookEvent({ id, state: 'COMPLETED', amount: '100' }));
    expect(await stored(id)).toMatchObject({ state: 'COMPLETED', version: 1 });
    expect(await refundable(id)).toBe('30');
  });

  it('of a payment that paytech does not know either is recorded and raises the alarm', async () => {
    const refund = elsewhere(paymentId(), '5');
    expect((await end(refund, 'COMPLETED')).outcome).toBe('applied');
    expect(world.logger.metrics()).toContain('RefundWithoutParent');
  });

  it('beyond what was paid raises the alarm', async () => {
    const parentId = await deposit();
    await office.refund({ refundId: newId(), paymentId: parentId, amount: '60' });
    await end(elsewhere(parentId, '60'), 'COMPLETED');
    expect(await refundable(parentId)).toBe('-20');
    expect(world.logger.metrics()).toContain('RefundedTooMuch');
  });
});

describe('a correction of the deposit', () => {
  const correct = async (
    id: string,
    facts: { state?: 'COMPLETED' | 'DECLINED'; amount?: string; currency?: string },
  ) => {
    const { state = 'COMPLETED', amount = '100', currency = 'EUR' } = facts;
    world.gateway.set(id, { state, amount: decimal(amount), currency });
    return (await world.apply(webhookEvent({ id, state, amount, currency, note: randomUUID() }))).outcome;
  };

  it('moves what is refundable by the difference', async () => {
    const id = await deposit();
    await office.refund({ refundId: newId(), paymentId: id, amount: '10' });
    expect(await correct(id, { amount: '80' })).toBe('corrected');
    expect(await refundable(id)).toBe('70');
    await expectInOrder(id);
  });

  it('away from COMPLETED leaves nothing to refund, and back again what was left', async () => {
    const id = await deposit();
    await office.refund({ refundId: newId(), paymentId: id, amount: '10' });
    expect(await correct(id, { state: 'DECLINED' })).toBe('corrected');
    expect(await refundable(id)).toBe('-10');
    expect(world.logger.metrics()).toContain('RefundedTooMuch');
    expect(await office.refund({ refundId: newId(), paymentId: id, amount: '1' })).toMatchObject({
      code: 'payment.state_conflict',
    });
    expect(await correct(id, { state: 'COMPLETED' })).toBe('corrected');
    expect(await refundable(id)).toBe('90');
    await expectInOrder(id);
  });

  it('into another currency makes all of it refundable while no refund holds anything', async () => {
    const id = await deposit();
    const { body } = await office.refund({ refundId: newId(), paymentId: id, amount: '10' });
    await end(world.gateway.payments.get(body.id)!, 'DECLINED');
    expect(await correct(id, { amount: '7', currency: 'USD' })).toBe('corrected');
    expect(await refundable(id)).toBe('7');
    expect(world.logger.metrics()).not.toContain('RefundedTooMuch');
    expect(await office.refund({ refundId: newId(), paymentId: id, amount: '7' })).toMatchObject({
      status: 201,
      body: { amount: decimal('7'), currency: 'USD' },
    });
  });

  it('into another currency ends refunds here once one holds something, whatever becomes of it', async () => {
    const id = await deposit('10000');
    const { body } = await office.refund({ refundId: newId(), paymentId: id, amount: '500' });
    expect(await correct(id, { amount: '100', currency: 'USD' })).toBe('corrected');
    expect(await stored(id)).toMatchObject({ amount: decimal('100'), refundsUnknown: true });
    expect(await refundable(id)).toBeUndefined();
    expect(world.logger.metrics()).toContain('RefundedTooMuch');
    const refuses = async () => {
      for (const amount of ['1', undefined])
        expect(
          await office.refund({ refundId: newId(), paymentId: id, ...(amount ? { amount } : {}) }),
        ).toMatchObject({ code: 'payment.state_conflict' });
    };
    await refuses();
    // Given back in the old currency, it would be five times what was paid.
    await end(world.gateway.payments.get(body.id)!, 'DECLINED');
    await refuses();
    expect(await correct(id, { amount: '10000' })).toBe('corrected');
    await refuses();
  });

  it('into another currency does not overlook a refund that is reserved in the same moment', async () => {
    const id = await deposit();
    world.gateway.set(id, { state: 'COMPLETED', amount: decimal('120'), currency: 'USD' });
    let isFirst = true;
    const update: World['table']['update'] = async (pk, change) => {
      const isCorrection = joined(change).update.includes('refundable = :paid') && pk === `payment#${id}`;
      if (isCorrection && isFirst) {
        isFirst = false;
        await office.refund({ refundId: newId(), paymentId: id, amount: '10' });
      }
      return world.table.update(pk, change);
    };
    const apply = world.applyWith({ table: { ...world.table, update } });
    const event = webhookEvent(
      { id, state: 'COMPLETED', amount: '120', currency: 'USD' },
      { source: 'refresh', readVersion: (await stored(id)).version },
    );
    expect((await apply(event)).outcome).toBe('corrected');
    expect(isFirst).toBe(false);
    expect(await stored(id)).toMatchObject({ currency: 'USD', refundsUnknown: true });
  });
});

describe('a refund that is seen before its deposit is COMPLETED here', () => {
  /** Made for 100 EUR, and open here; paid at paytech as they say. */
  const open = async (amount: string, currency: string) => {
    const id = await deposit('100', 'PENDING');
    world.gateway.set(id, { state: 'COMPLETED', amount: decimal(amount), currency });
    const complete = () => world.apply(webhookEvent({ id, state: 'COMPLETED', amount, currency }));
    return { id, complete };
  };
  /** Made in paytech's back office, and its webhook. */
  const elsewhere = (parentPaymentId: string, amount: string, currency: string) => {
    const refund = world.gateway.make({
      paymentType: 'REFUND',
      referenceId: newId(),
      parentPaymentId,
      amount: decimal(amount),
      currency,
    });
    world.gateway.set(refund.id, { state: 'COMPLETED' });
    return refundEvent(refund, 'COMPLETED', { currency });
  };

  it.each([
    ['EUR', '100', '0'],
    ['USD', '120', '110'],
  ])('in another currency than was asked for waits until it is, in %s', async (currency, amount, left) => {
    const { id, complete } = await open(amount, currency);
    const refund = elsewhere(id, '10', 'USD');
    await expect(world.apply(refund)).rejects.toThrow('not COMPLETED here');
    expect((await complete()).outcome).toBe('applied');
    await world.apply(refund);
    await world.apply(refund);
    expect(await refundable(id)).toBe(left);
    expect((await stored(id)).refunds?.size).toBe(1);
  });

  it('is not set against what was paid in another currency', async () => {
    const { id, complete } = await open('120', 'USD');
    await world.apply(elsewhere(id, '10', 'EUR'));
    expect(await refundable(id)).toBe('-10');
    expect(await complete()).toMatchObject({
      outcome: 'applied',
      publication: { body: expect.stringContaining('"amount":"120","currency":"USD"') },
    });
    expect(await stored(id)).toMatchObject({ state: 'COMPLETED', currency: 'USD', refundsUnknown: true });
    expect(world.logger.metrics()).toContain('RefundedTooMuch');
    expect((await complete()).outcome).toBe('duplicate');
    expect(await office.refund({ refundId: newId(), paymentId: id, amount: '1' })).toMatchObject({
      code: 'payment.state_conflict',
    });
  });

  it('counts for nothing once it is declined, whatever was paid', async () => {
    const { id, complete } = await open('120', 'USD');
    elsewhere(id, '10', 'EUR');
    const [refund] = atPaytech(id) as [GatewayPayment];
    await world.apply(refundEvent(refund, 'PENDING'));
    await end(refund, 'DECLINED');
    expect((await complete()).outcome).toBe('applied');
    expect(await refundable(id)).toBe('120');
  });
});

describe('a flagged refund', () => {
  const flagged = async () => {
    const paymentId = await deposit();
    const request = { refundId: newId(), paymentId, amount: '60' };
    world.gateway.endings.push({ on: 'create', ends: 'unknown' });
    await office.refund(request);
    world.clock.at += LEASE_MS;
    await office.refund(request);
    expect((await claimOf(request.refundId))?.stage).toBe('flagged');
    return request;
  };
  const made = ({ refundId, paymentId, amount }: Awaited<ReturnType<typeof flagged>>) =>
    world.gateway.make({
      paymentType: 'REFUND',
      referenceId: refundId,
      parentPaymentId: paymentId,
      amount: decimal(amount),
      currency: 'EUR',
    });
  const reason = 'the provider says so';

  it('that was not sent gives its money back once, and may be asked for again as another attempt', async () => {
    const request = await flagged();
    const decisions = await Promise.all(
      Array.from({ length: 5 }, () =>
        office.resolve('refund', request.refundId, { outcome: 'not-sent', reason }),
      ),
    );
    expect(decisions.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(decisions.filter(({ code }) => code === 'claim.not_flagged')).toHaveLength(4);
    expect(await refundable(request.paymentId)).toBe('100');
    expect(await claimOf(request.refundId)).toMatchObject({
      stage: 'released',
      resolutions: [{ caller: CALLER, outcome: 'not-sent', reason, flag: expect.any(String) }],
    });
    expect(await office.refund(request)).toMatchObject({ status: 201 });
    expect(atPaytech(request.paymentId).map((each) => each.referenceId)).toEqual([`${request.refundId}~2`]);
    await expectInOrder(request.paymentId);
  });

  it('is adopted when it is found, and never let go of while the person has not denied it', async () => {
    const request = await flagged();
    const payment = made(request);
    expect(await office.resolve('refund', request.refundId, { outcome: 'not-sent', reason })).toMatchObject({
      status: 409,
      code: 'claim.mismatch',
    });
    expect(await office.resolve('refund', request.refundId, { outcome: 'sent', reason })).toMatchObject({
      status: 200,
      body: { kind: 'refund', id: request.refundId, result: 'adopted', payment: { id: payment.id } },
    });
    expect(await claimOf(request.refundId)).toMatchObject({ stage: 'known', paymentId: payment.id });
    expect((await stored(payment.id)).history[0]).toMatchObject({ caller: CALLER, reason });
    expect(await office.refund(request)).toMatchObject({ status: 200, body: { id: payment.id } });
    expect(await refundable(request.paymentId)).toBe('40');
  });

  it('is not paid twice when it comes after a person said that it was not sent', async () => {
    const request = await flagged();
    await office.resolve('refund', request.refundId, { outcome: 'not-sent', reason });
    const late = made(request);
    await end(late, 'COMPLETED');
    expect(await refundable(request.paymentId)).toBe('40');
    expect(await office.refund(request)).toMatchObject({ status: 200, body: { id: late.id } });
    expect(atPaytech(request.paymentId)).toHaveLength(1);
    await expectInOrder(request.paymentId);
  });

  it('is resolved by nothing that does not fit', async () => {
    const request = await flagged();
    const other = await deposit();
    const refused = async (body: Record<string, unknown>, status: number, code: string) =>
      expect(await office.resolve('refund', request.refundId, { reason, ...body })).toMatchObject({
        status,
        code,
      });
    await refused({ outcome: 'sent' }, 409, 'claim.mismatch');
    await refused({ outcome: 'sent', paymentId: other }, 409, 'claim.mismatch');
    await refused({ outcome: 'sent', paymentId: paymentId() }, 409, 'claim.mismatch');
    await refused({ outcome: 'not-sent', paymentId: other }, 400, 'request.invalid');
    await refused({ outcome: 'perhaps' }, 400, 'request.invalid');
    await refused({ outcome: 'not-sent', reason: '' }, 400, 'request.invalid');
    world.gateway.endings.push({ on: 'list', ends: 'unknown' });
    await refused({ outcome: 'not-sent' }, 503, 'gateway.unavailable');
    made(request);
    made(request);
    await refused({ outcome: 'not-sent' }, 409, 'claim.mismatch');
    await refused({ outcome: 'sent' }, 409, 'claim.mismatch');
    expect((await claimOf(request.refundId))?.stage).toBe('flagged');
    const [first] = atPaytech(request.paymentId);
    const named = { outcome: 'sent', paymentId: first?.id, reason };
    expect(await office.resolve('refund', request.refundId, named)).toMatchObject({ status: 200 });
  });

  it('is the only kind that is resolved', async () => {
    const paymentId = await deposit();
    const refundId = newId();
    await office.refund({ refundId, paymentId });
    const decision = { outcome: 'sent', reason };
    expect(await office.resolve('refund', refundId, decision)).toMatchObject({ code: 'claim.not_flagged' });
    expect(await office.resolve('refund', newId(), decision)).toMatchObject({ code: 'claim.not_found' });
    expect(await office.resolve('capture', refundId, decision)).toMatchObject({ code: 'request.invalid' });
  });
});

describe('GET /operations/payments/{id}', () => {
  it('shows what is refundable, every refund, and the claim', async () => {
    const paymentId = await deposit();
    const refundId = newId();
    const { body }: Answer = await office.refund({ refundId, paymentId, amount: '1' });
    expect(await office.show(paymentId)).toMatchObject({
      status: 200,
      body: {
        id: paymentId,
        state: 'COMPLETED',
        refundable: decimal('99'),
        refunds: [{ refundId, paymentId: body.id, stage: 'reserved', amount: decimal('1') }],
        history: [{ source: 'webhook' }],
        quarantine: [],
        operations: [],
      },
    });
    expect(await office.show(body.id)).toMatchObject({
      body: {
        parentPaymentId: paymentId,
        claim: { kind: 'refund', id: refundId, stage: 'known', caller: CALLER },
      },
    });
  });
});
