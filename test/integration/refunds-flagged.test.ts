import { describe, expect, it } from 'vitest';
import { LEASE_MS } from '../../shared/payment/claim.ts';
import { decimal } from '../../shared/payment/money.ts';
import { CALLER } from '../support/back-office.ts';
import { newId, refundsIn } from '../support/refunds.ts';
import { paymentId, sharedWorld } from '../support/world.ts';

const world = await sharedWorld();
const { office, deposit, refundable, claimOf, atPaytech, end, expectInOrder } = refundsIn(world);
const { stored } = world;

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
