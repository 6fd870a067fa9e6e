/** Chargebacks of which nobody heard the end, that are closed by two, or that turn up while they are being let go of. */

import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { RELEASE_AFTER_MS } from '../../shared/payment/action.ts';
import { decimal } from '../../shared/payment/money.ts';
import { applyAtVersion } from '../../shared/store/payments.ts';
import { readStanding } from '../../shared/store/standing.ts';
import { backOffice, type Outside } from '../support/back-office.ts';
import { orderRoute } from '../support/order-route.ts';
import { reconciling } from '../support/reconciling.ts';
import { chargebackEvent, sharedWorld, webhookEvent } from '../support/world.ts';

const world = await sharedWorld();
const office = backOffice(world);
const { run, pass, paymentItem, record } = reconciling(() => world);
const MINUTE_MS = 60_000;

/** A deposit that is paid; `source` is who said so. */
async function paid(source: 'webhook' | 'refresh' = 'refresh'): Promise<string> {
  const { body } = await orderRoute(world).send();
  world.gateway.set(body.id, { state: 'COMPLETED' });
  await world.apply(webhookEvent({ id: body.id, state: 'COMPLETED' }, { source }));
  return body.id;
}

async function chargedBack(): Promise<string> {
  const id = await paid();
  await office.dispute(id);
  await world.applyQueued();
  return id;
}

/** What paytech says of a chargeback, on the queue. */
const said = (id: string, state?: string) => chargebackEvent(world, id, state);
const refund = (paymentId: string) => office.refund({ refundId: `r-${randomUUID()}`, paymentId });

/** Nobody hears whether it was registered. */
function endsUnheard(ends: 'lost' | 'unknown' = 'lost') {
  world.gateway.endings.push({ on: 'chargeback', ends }, { on: 'operations', ends: 'unknown' });
}

describe('a chargeback that two close', () => {
  it('stays as the first has closed it', async () => {
    const id = await chargedBack();
    await office.dispute(id, { state: 'COMPLETED' });
    await office.dispute(id, { state: 'CANCELLED' });
    await world.applyQueued();
    expect(await record(id)).toMatchObject({ chargeback: { state: 'COMPLETED' } });
    expect(await refund(id)).toMatchObject({ code: 'refund.chargeback' });
  });

  it.each([
    ['before', 'CANCELLED', 'COMPLETED'],
    ['before', 'COMPLETED', 'CANCELLED'],
    ['after', 'CANCELLED', 'COMPLETED'],
  ])('ends as paytech says, %s a person said %s', async (when, byHand, byPaytech) => {
    const id = await chargedBack();
    await office.dispute(id, { state: byHand });
    if (when === 'before') await world.apply(said(id, byPaytech));
    await world.applyQueued();
    if (when === 'after') await world.apply(said(id, byPaytech));
    expect(await record(id)).toMatchObject({ chargeback: { state: byPaytech } });
    expect((await refund(id)).status).toBe(byPaytech === 'CANCELLED' ? 201 : 409);
  });

  it('no longer has a state that nobody knows', async () => {
    const id = await chargedBack();
    await world.apply(said(id, 'ARBITRATION'));
    expect(await record(id)).toHaveProperty('unknownWord');
    await world.apply(said(id, 'COMPLETED'));
    expect(await record(id)).not.toHaveProperty('unknownWord');
  });
});

describe('a chargeback that turns up while it is let go of', () => {
  /** A back office before whose next removal of the mark on the payment the webhook comes. */
  function overtaken(id: string, more: Partial<Outside> = {}) {
    let came: Promise<unknown> | undefined;
    const update: typeof world.table.update = async (pk, change) => {
      if (change.REMOVE?.includes('disputed')) {
        came ??= world.apply(said(id));
        await came;
      }
      return world.table.update(pk, change);
    };
    return backOffice({ ...world, table: { ...world.table, update }, ...more });
  }

  it('by a person: the payment stays disputed', async () => {
    const id = await paid();
    endsUnheard('unknown');
    await office.dispute(id);
    pass(RELEASE_AFTER_MS);
    await overtaken(id).resolve('operation', id, { outcome: 'not-sent', reason: 'not in the trail' });
    expect(await record(id)).toMatchObject({ chargeback: { state: 'OPEN' }, disputed: true });
    expect(await refund(id)).toMatchObject({ code: 'refund.chargeback' });
  });

  it('by paytech’s refusal: the same', async () => {
    const id = await paid();
    world.gateway.endings.push({ on: 'chargeback', ends: 'refused' });
    await overtaken(id).dispute(id);
    expect(await record(id)).toMatchObject({ chargeback: { state: 'OPEN' }, disputed: true });
    expect(await refund(id)).toMatchObject({ code: 'refund.chargeback' });
  });
});

describe('a registration of which nobody heard the end', () => {
  it.each([
    ['lost', 'OPEN'],
    ['unknown', undefined],
  ] as const)('is looked for on a payment that is yet to be confirmed: %s', async (ends, state) => {
    const id = await paid('webhook');
    endsUnheard(ends);
    expect(await office.dispute(id)).toMatchObject({ code: 'operation.outcome_unknown' });
    pass(6 * MINUTE_MS);
    await run();
    await world.applyQueued();
    expect(await record(id)).not.toHaveProperty('unconfirmed');
    expect((await record(id))?.chargeback?.state).toBe(state);
    if (state) return;
    expect(await paymentItem(id)).toHaveProperty('dueAt');
    pass(16 * MINUTE_MS);
    await run();
    expect(await readStanding(world.table, 'outcome-unknown-for-long', `operation/${id}`)).toHaveProperty(
      'open',
    );
  });

  it('is looked for while the payment is asked about for a day', async () => {
    const id = await paid();
    endsUnheard();
    await office.dispute(id);
    await world.apply(webhookEvent({ id, state: 'COMPLETED', amount: '11' }));
    expect(await record(id)).toHaveProperty('recheckUntil');
    pass(6 * MINUTE_MS);
    await run();
    await world.applyQueued();
    expect(await record(id)).toMatchObject({ chargeback: { state: 'OPEN' } });
  });

  it('is looked for on a payment that is corrected meanwhile', async () => {
    const id = await paid();
    endsUnheard();
    await office.dispute(id);
    world.gateway.set(id, { amount: decimal('9') });
    await world.apply(webhookEvent({ id, state: 'COMPLETED', amount: '9' }));
    expect(await record(id)).toMatchObject({ version: 3, amount: decimal('9') });
    pass(6 * MINUTE_MS);
    await run();
    await world.applyQueued();
    expect(await record(id)).toMatchObject({ chargeback: { state: 'OPEN' } });
  });

  it('is not overlooked by a correction that was judged before it began', async () => {
    const id = await paid();
    const read = (await record(id))!;
    endsUnheard();
    await office.dispute(id);
    const entry = {
      at: new Date(world.now()).toISOString(),
      source: 'refresh',
      key: 'k',
      facts: { state: 'COMPLETED', amount: decimal('9'), currency: 'EUR' },
    } as const;
    const change = { paymentId: id, paymentType: 'DEPOSIT', entry, followUp: {} } as const;
    expect(await applyAtVersion(world.table, change, read)).toMatchObject({ applied: false });
    expect(await paymentItem(id)).toHaveProperty('dueAt');
  });

  it('is recorded as it was asked for, whoever finds it', async () => {
    const [found, asked] = [await paid(), await paid()];
    const fields = { state: 'COMPLETED', description: 'lost' };
    for (const id of [found, asked]) {
      endsUnheard();
      await office.dispute(id, fields);
    }
    expect(await office.dispute(asked)).toMatchObject({ body: { chargeback: fields } });
    expect(await office.dispute(asked, { state: 'CANCELLED' })).toMatchObject({
      code: 'payment.state_conflict',
    });
    pass(MINUTE_MS);
    await run();
    await world.applyQueued();
    for (const id of [found, asked]) expect(await record(id)).toMatchObject({ chargeback: fields });
  });

  it('is closed by who asks for another state than the first', async () => {
    const id = await paid();
    endsUnheard();
    await office.dispute(id);
    expect(await office.dispute(id, { state: 'CANCELLED' })).toMatchObject({
      body: { chargeback: { state: 'CANCELLED' } },
    });
    await world.applyQueued();
    expect(await record(id)).toMatchObject({ chargeback: { state: 'CANCELLED' } });
  });
});

describe('a refund beside a chargeback that is lost', () => {
  const elsewhere = async (parentPaymentId: string, state: 'COMPLETED' | 'DECLINED') => {
    const refund = { paymentType: 'REFUND', amount: decimal('4'), currency: 'EUR', parentPaymentId } as const;
    const { id } = world.gateway.make(refund);
    world.gateway.set(id, { state });
    await world.apply(webhookEvent({ id, state, ...refund }, { receivedAt: '2026-11-01T12:00:00.000Z' }));
  };
  const tooMuch = async (id: string) =>
    (await readStanding(world.table, 'refunded-too-much', id))?.open?.found;

  it.each(['before', 'after'])('alarms, whichever came first: %s', async (when) => {
    const id = await paid();
    if (when === 'before') await elsewhere(id, 'COMPLETED');
    await world.apply(said(id));
    expect(await tooMuch(id)).toBeUndefined();
    await world.apply(said(id, 'COMPLETED'));
    if (when === 'after') await elsewhere(id, 'COMPLETED');
    expect(await tooMuch(id)).toEqual(['-4']);
    await world.apply(said(id, 'DECLINED'));
    await run();
    expect(await tooMuch(id)).toBeUndefined();
  });

  it('alarms of none that has failed', async () => {
    const id = await paid();
    await elsewhere(id, 'DECLINED');
    await world.apply(said(id, 'COMPLETED'));
    expect(await tooMuch(id)).toBeUndefined();
  });
});
