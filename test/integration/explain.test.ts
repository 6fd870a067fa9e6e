import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Environment } from '../../infra/cli/environment.ts';
import { explain } from '../../infra/cli/explain.ts';
import { act } from '../../shared/calls/act.ts';
import { LEASE_MS } from '../../shared/payment/claim.ts';
import { decimal } from '../../shared/payment/money.ts';
import type { PaymentState, PaymentType } from '../../shared/payment/state.ts';
import { backOffice } from '../support/back-office.ts';
import { sharedWorld, webhookEvent } from '../support/world.ts';

/** Whatever is open, `explain` says what to do about it; "nothing to do" it says of nothing else. */

const world = await sharedWorld();
// The command line has the clock of the machine.
world.clock.at = Date.now();
const office = backOffice(world);

const NOTHING = ['Nothing to do.'];

type Explanations = { id?: string; timeline: { at: string; text: string }[]; todo: string[] }[];

async function explanationsOf(query: string): Promise<Explanations> {
  const { table, gateway } = world;
  const environment = { table, gateway, name: 'the test', maxAgeMs: 86_400_000 };
  const { document } = await explain(environment as unknown as Environment, query);
  return (document as { explanations: Explanations }).explanations;
}

async function todo(query: string): Promise<string[]> {
  return (await explanationsOf(query)).find(({ id }) => id === query)!.todo;
}

/** A payment here and at paytech. */
async function payment(
  state: PaymentState,
  { paymentType = 'DEPOSIT' as PaymentType, referenceId = `id-${randomUUID()}` } = {},
): Promise<string> {
  const { id } = world.gateway.make({ paymentType, referenceId, amount: decimal('100'), currency: 'EUR' });
  world.gateway.set(id, { state });
  await world.apply({
    ...webhookEvent({ id, paymentType, referenceId, state, amount: '100' }),
    source: 'refresh',
  });
  return id;
}

describe('explain', () => {
  it('of a payment in order: nothing to do', async () => {
    expect(await todo(await payment('COMPLETED'))).toEqual(NOTHING);
  });

  it('of a deposit whose refund is flagged: how to resolve that', async () => {
    const paymentId = await payment('COMPLETED');
    const refundId = `refund/${randomUUID()}`;
    world.gateway.endings.push({ on: 'create', ends: 'unknown' });
    await office.refund({ refundId, paymentId, amount: '60' });
    expect(await todo(paymentId)).toEqual([
      `Nothing to do: the refund ${refundId} of 60 EUR has no payment yet, and reconcile looks after it.`,
    ]);
    world.clock.at += LEASE_MS;
    await office.refund({ refundId, paymentId, amount: '60' });
    const [only, ...more] = await todo(paymentId);
    expect(only).toContain(`The refund ${refundId} of 60 EUR is flagged`);
    expect(only).toContain(`"paytech-ops claims resolve refund ${refundId} --outcome sent|not-sent`);
    expect(more).toEqual([]);
  });

  it('of a refund that was decided not to have been sent: that nothing sends it by itself', async () => {
    const refundId = `refund/${randomUUID()}`;
    world.gateway.endings.push({ on: 'create', ends: 'unknown' });
    const request = { refundId, paymentId: await payment('COMPLETED'), amount: '60' };
    await office.refund(request);
    world.clock.at += LEASE_MS;
    await office.refund(request);
    const decision = { outcome: 'not-sent', reason: 'not there' };
    expect(await office.resolve('refund', refundId, decision)).toMatchObject({ status: 200 });
    const [explanation] = await explanationsOf(refundId);
    expect(explanation!.todo).toEqual([
      expect.stringMatching(/^If the refund is still wanted, send the same/),
    ]);
    expect(JSON.stringify(explanation)).not.toContain('attempt 2');
  });

  it('of a payout whose webhook came before any answer to its call: who asked for it all the same', async () => {
    const referenceId = `payout/${randomUUID()}`;
    const request = { referenceId, amount: '60', currency: 'EUR' };
    world.gateway.endings.push({ on: 'create', ends: 'lost' }, { on: 'list', ends: 'unknown' });
    expect(await office.withdraw(request)).toMatchObject({ code: 'payment.outcome_unknown' });
    const made = [...world.gateway.payments.values()].find((each) => each.referenceId?.endsWith(referenceId));
    const { id } = made!;
    world.gateway.set(id, { state: 'COMPLETED' });
    await world.apply(
      webhookEvent({
        id,
        paymentType: 'WITHDRAWAL',
        referenceId: made!.referenceId!,
        state: 'COMPLETED',
        amount: '60',
      }),
    );
    world.clock.at += LEASE_MS;
    expect(await office.withdraw(request)).toMatchObject({ status: 200 });
    const [explanation] = await explanationsOf(id);
    const asked = explanation!.timeline.filter(({ text }) =>
      text.includes('asked for a withdrawal of 60 EUR'),
    );
    expect(asked).toHaveLength(1);
  });

  it.each<[PaymentType, PaymentState, string]>([
    ['DEPOSIT', 'COMPLETED', 'The order is paid more than once'],
    ['DEPOSIT', 'AUTHORIZED', 'The order is paid more than once'],
    ['WITHDRAWAL', 'PENDING', 'It is paid out more than once'],
    ['WITHDRAWAL', 'COMPLETED', 'It is paid out more than once'],
  ])('of a %s that is %s beside another: which, and what to do', async (paymentType, state, says) => {
    const referenceId = `id-${randomUUID()}`;
    const [first, second] = [
      await payment('COMPLETED', { paymentType, referenceId }),
      await payment(state, { paymentType, referenceId }),
    ];
    expect((await todo(first))[0]).toMatch(new RegExp(`^${says}, since [^:]+:\\d\\d:\\d\\d UTC: ${second} `));
    expect((await todo(second))[0]).toMatch(new RegExp(`^${says}, since [^:]+:\\d\\d:\\d\\d UTC: ${first} `));
  });

  it('of a webhook that paytech has not confirmed: to wait', async () => {
    const { id } = world.gateway.make({
      paymentType: 'DEPOSIT',
      referenceId: `id-${randomUUID()}`,
      amount: decimal('100'),
      currency: 'EUR',
    });
    await world.apply(webhookEvent({ id, state: 'PENDING', amount: '100' }));
    await world.apply(webhookEvent({ id, state: 'COMPLETED', amount: '100' }));
    world.gateway.set(id, { state: 'COMPLETED' });
    expect(await todo(id)).toEqual(NOTHING);
    world.gateway.endings.push({ on: 'get', ends: 'unknown' });
    expect(await todo(id)).toEqual([
      expect.stringMatching(/^Ask again when paytech answers, before any of what follows/),
      expect.stringContaining('Wait before you rely on COMPLETED'),
    ]);
  });

  it('of a message that was no webhook: who put it on the queue', async () => {
    const id = await payment('CHECKOUT');
    await world.apply(webhookEvent({ id, state: 'COMPLETED', amount: '100' }, { caller: 'AROA:mallory' }));
    const [{ timeline }] = (await explanationsOf(id)) as [Explanations[number]];
    expect(timeline.map(({ text }) => text).join()).toContain(
      'A message that AROA:mallory sent to the queue said COMPLETED',
    );
  });

  it('of a payout that only a webhook says has failed: to pay out nothing in its place', async () => {
    const id = await payment('PENDING', { paymentType: 'WITHDRAWAL' });
    await world.apply(webhookEvent({ id, paymentType: 'WITHDRAWAL', state: 'DECLINED', amount: '100' }));
    expect((await todo(id))[0]).toMatch(
      /^Do not send another payout in its place: only a webhook, .* said DECLINED/,
    );
  });

  it('of a checkout that paytech says is paid: to believe that, and not that the customer is still at it', async () => {
    const id = await payment('CHECKOUT');
    world.gateway.set(id, { state: 'COMPLETED' });
    expect(await todo(id)).toEqual([expect.stringMatching(/^Believe paytech\. Run "paytech-ops reconcile"/)]);
  });

  it('of an end that paytech takes back: to ask paytech, since reconcile changes nothing', async () => {
    const id = await payment('COMPLETED', { paymentType: 'WITHDRAWAL' });
    world.gateway.set(id, { state: 'AWAITING_APPROVAL' });
    expect(await todo(id)).toEqual([
      expect.stringMatching(/^Ask paytech's support .* from COMPLETED to AWAITING_APPROVAL/),
    ]);
  });

  it('of a state that nobody knows: to ask what it means', async () => {
    const id = await payment('PENDING');
    await world.apply(webhookEvent({ id, state: 'AWAITING_WEBHOOK' }));
    expect((await todo(id))[0]).toMatch(
      /^paytech has named a state that this service does not know: AWAITING_WEBHOOK, 1 time /,
    );
  });

  it.each([
    ['execute', 'CHECKOUT', 'Nothing to do: the outcome of the execute is unknown'],
    ['capture', 'AUTHORIZED', 'The outcome of the capture is unknown. Once'],
  ] as const)('of a lost %s: who ends it', async (kind, state, says) => {
    const id = await payment(state);
    world.gateway.endings.push({ on: kind, ends: 'unknown' });
    const run = act({ ...world, ready: async () => {} });
    const asked = { kind, paymentId: id, owner: randomUUID() };
    world.clock.at = Date.now();
    expect((await run({ ...asked, deadline: world.now() + 14_000 })).is).toBe('unknown');
    expect(await todo(id)).toEqual([`Nothing to do: the ${kind} is being carried out.`]);
    const earlier = await payment(state);
    world.gateway.endings.push({ on: kind, ends: 'unknown' });
    world.clock.at = Date.now() - 60_000;
    await run({ ...asked, paymentId: earlier, deadline: world.now() + 14_000 });
    expect(await todo(earlier)).toEqual([expect.stringContaining(says)]);
  });
});
