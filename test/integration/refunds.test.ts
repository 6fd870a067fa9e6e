import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { decimal } from '../../shared/payment/money.ts';
import { saveClaim } from '../../shared/store/claims.ts';
import { type Answer, CALLER } from '../support/back-office.ts';
import { reconciling } from '../support/reconciling.ts';
import { newId, refundsIn } from '../support/refunds.ts';
import { paymentId, sharedWorld, webhookEvent } from '../support/world.ts';

const world = await sharedWorld();
const { office, deposit, refundable, claimOf, atPaytech, end, expectInOrder } = refundsIn(world);
const { stored } = world;
const { applyAll } = reconciling(() => world);

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
