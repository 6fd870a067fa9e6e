import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { decimal } from '../../shared/payment/money.ts';
import { heldBy, paidIn } from '../../shared/payment/refund.ts';
import { backOffice, sumOf } from '../support/back-office.ts';
import {
  createEvent,
  EUR_10,
  objectBytes,
  paymentId,
  sharedWorld,
  type World,
  webhookEvent,
} from '../support/world.ts';

/** A webhook that says little comes before the answer to the call that makes the payment, which then says the rest. */

const world = await sharedWorld();
const { stored } = world;

describe('a refund whose webhook is faster than its answer', () => {
  const office = () => backOffice(world);

  async function deposit(): Promise<string> {
    const referenceId = `order-${randomUUID()}`;
    const { id } = world.gateway.make({ paymentType: 'DEPOSIT', referenceId, ...EUR_10 });
    world.gateway.set(id, { state: 'COMPLETED' });
    await world.apply(webhookEvent({ id, state: 'COMPLETED' }));
    return id;
  }

  /** Every refund that paytech does not say has failed, set against what was paid. */
  async function expectInOrder(parentId: string, refundable: string): Promise<void> {
    const parent = await stored(parentId);
    const held = [...(parent.refunds ?? new Map()).values()].map(heldBy);
    expect(parent.refundable?.toFixed()).toBe(refundable);
    expect(
      paidIn(parent)
        .minus(decimal(sumOf(held)))
        .toFixed(),
    ).toBe(refundable);
    const item = (await world.scan()).find(({ pk }) => pk === `payment#${parentId}`);
    expect(Number(item?.refundCount)).toBe(parent.refunds?.size);
  }

  const unstated = ['referenceId', 'parentPaymentId', 'both', 'neither'] as const;
  const cases = unstated.flatMap((missing) =>
    (['PENDING', 'COMPLETED', 'DECLINED'] as const).map((state) => [missing, state] as const),
  );

  it.each(cases)('and leaves out %s, and is %s', async (missing, state) => {
    const parentId = await deposit();
    const refundId = `refund-${randomUUID()}`;
    const leavesOut = (name: string) => missing === name || missing === 'both';
    const webhook = (id: string, said: string) =>
      webhookEvent(
        { id, state: said },
        {
          bytes: objectBytes({
            id,
            paymentType: 'REFUND',
            state: said,
            amount: '3',
            currency: 'EUR',
            ...(leavesOut('referenceId') ? {} : { referenceId: refundId }),
            ...(leavesOut('parentPaymentId') ? {} : { parentPaymentId: parentId }),
          }),
        },
      );
    const create: typeof world.gateway.create = async (...args) => {
      const answer = await world.gateway.create(...args);
      if (answer.kind !== 'answered') throw new Error('no answer');
      const { id } = answer.result;
      const atPaytech = world.gateway.set(id, { state });
      if (leavesOut('referenceId')) delete atPaytech.referenceId;
      if (leavesOut('parentPaymentId')) delete atPaytech.parentPaymentId;
      const at = world.clock.at;
      world.clock.at += 60_000;
      await world.apply(webhook(id, state));
      world.clock.at = at;
      return answer;
    };
    const racing = backOffice({ ...world, gateway: { ...world.gateway, create } });
    const { body } = await racing.refund({ refundId, paymentId: parentId, amount: '3' });
    const made = { id: body.id, facts: { state: 'PENDING' as const } };
    await world.apply(createEvent(world, { kind: 'refund', referenceId: refundId }, made));
    expect(await stored(body.id)).toMatchObject({ referenceId: refundId, parentPaymentId: parentId });
    const failed = state === 'DECLINED';
    await expectInOrder(parentId, failed ? '10' : '7');
    expect([...(await stored(parentId)).refunds!.keys()]).toEqual([refundId]);

    // And the other way round in the end, by what paytech says then.
    const end = failed ? 'COMPLETED' : 'DECLINED';
    world.gateway.set(body.id, { state: end });
    await world.apply(webhook(body.id, end));
    await expectInOrder(parentId, failed ? '7' : '10');
    expect(await office().refund({ refundId, paymentId: parentId, amount: '3' })).toMatchObject({
      status: 200,
      body: { id: body.id },
    });
  });

  it('is one entry again also where the write of its deposit was lost, or somebody was faster', async () => {
    const parentId = await deposit();
    const refundId = `refund-${randomUUID()}`;
    const { body } = await office().refund({ refundId, paymentId: parentId, amount: '3' });
    // As when the webhook had stated its parent and no reference.
    const taken = { stage: 'reserved' as const, amount: decimal('3') };
    await world.table.update(`payment#${parentId}`, {
      SET: [
        {
          text: '#mine = :unsent',
          names: { '#mine': `refund:${refundId}` },
          values: { ':unsent': { ...taken, turn: 1 } },
        },
        {
          text: '#other = :taken',
          names: { '#other': `refund:@${body.id}` },
          values: { ':taken': { ...taken, paymentId: body.id, version: 0 } },
        },
        { text: 'refundable = refundable - :three', values: { ':three': decimal('3') } },
      ],
      ADD: [{ text: 'refundCount :one', values: { ':one': 1 } }],
      condition: ['attribute_exists(pk)'],
    });
    await expectInOrder(parentId, '4');
    const update: World['table']['update'] = async (...args) => {
      const written = await world.table.update(...args);
      return args[0] === `payment#${parentId}` && written.written ? world.table.update(...args) : written;
    };
    const apply = world.applyWith({ table: { ...world.table, update } });
    const event = webhookEvent({ id: body.id, paymentType: 'REFUND', state: 'COMPLETED', amount: '3' });
    await Promise.all([apply(event), apply(event)]);
    await expectInOrder(parentId, '7');
  });
});

describe('a refund of a deposit that paytech does not show', () => {
  const refundOf = (parentPaymentId: string) => {
    const refund = { paymentType: 'REFUND' as const, referenceId: `else-${randomUUID()}`, parentPaymentId };
    const { id } = world.gateway.make({ ...refund, ...EUR_10 });
    world.gateway.set(id, { state: 'COMPLETED' });
    return (receives: number) => webhookEvent({ id, ...refund, state: 'COMPLETED' }, { receives });
  };
  const unshown = (answer: object) => {
    const get: typeof world.gateway.get = async (id, limit) =>
      world.gateway.payments.get(id)?.paymentType === 'REFUND'
        ? world.gateway.get(id, limit)
        : (answer as Awaited<ReturnType<typeof world.gateway.get>>);
    return world.applyWith({ gateway: { ...world.gateway, get } });
  };

  it.each([
    ['404', { kind: 'not-accepted', status: 404 }],
    ['403', { kind: 'not-accepted', status: 403 }],
    ['something unreadable', { kind: 'unknown', reason: 'no payment', unreadable: true }],
  ])('for %s is published at once, with an alarm', async (_, answer) => {
    const { outcome, publication } = await unshown(answer)(refundOf(paymentId())(1));
    expect([outcome, publication?.attributes.paymentType]).toEqual(['applied', 'REFUND']);
    expect(world.logger.metrics()).toContain('RefundWithoutParent');
  });

  it('that is found is published with it, and with no webhook that is sent again weeks later', async () => {
    const referenceId = `order-${randomUUID()}`;
    const { id } = world.gateway.make({ paymentType: 'DEPOSIT', referenceId, ...EUR_10 });
    world.gateway.set(id, { state: 'COMPLETED' });
    const event = refundOf(id)(1);
    const receivedAt = new Date(world.now()).toISOString();
    expect((await world.apply({ ...event, receivedAt })).parentPublication?.id).toBe(`${id}:1`);
    const later = new Date(world.now() + 22 * 24 * 3_600_000).toISOString();
    const old = await world.apply({ ...event, receivedAt: later });
    expect([old.outcome, old.publication, old.parentPublication]).toEqual(['stale', undefined, undefined]);
  });

  it('because it does not answer is published after three receives', async () => {
    const event = refundOf(paymentId());
    const apply = unshown({ kind: 'unknown', reason: 'timeout' });
    for (const receives of [1, 2]) await expect(apply(event(receives))).rejects.toThrow('could not be asked');
    expect((await apply(event(3))).publication).toBeDefined();
    expect(world.logger.metrics()).toContain('RefundWithoutParent');
  });
});
