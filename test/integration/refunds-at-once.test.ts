import { describe, expect, it } from 'vitest';
import { LEASE_MS } from '../../shared/payment/claim.ts';
import { backOffice, Died, dying } from '../support/back-office.ts';
import { newId, refundsIn } from '../support/refunds.ts';
import { sharedWorld } from '../support/world.ts';

const world = await sharedWorld();
const { office, deposit, refundable, claimOf, paidOut, expectInOrder } = refundsIn(world);

describe('many refunds of 10.00 at once on a payment of 100.00', () => {
  const requests = (paymentId: string, length = 20) =>
    Array.from({ length }, () => ({ refundId: newId(), paymentId, amount: '10.00' }));

  it('pay out exactly 100.00', async () => {
    const paymentId = await deposit('100.00');
    const answers = await Promise.all(requests(paymentId, 50).map(office.refund));
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
