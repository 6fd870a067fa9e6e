import { describe, expect, it } from 'vitest';
import { eventKey } from '../../shared/messaging/event-queue.ts';
import { decimal } from '../../shared/payment/money.ts';
import { EVENT_SOURCES, MAX_HISTORY, paymentAt } from '../../shared/payment/payment.ts';
import { readPayment as readObject, writePayment } from '../../shared/paytech/wire.ts';
import { applyingWorld, outcomeOf } from '../support/applying.ts';
import { objectBytes, parsed, webhookEvent } from '../support/world.ts';

const { world, deposit, stored } = await applyingWorld();

describe('an event of a known payment', () => {
  it('moves it, raises the version and announces the whole payment', async () => {
    const id = await deposit();
    const result = await world.apply(webhookEvent({ id, state: 'COMPLETED', paymentMethod: 'PIX' }));
    expect(outcomeOf(result)).toEqual(['applied', `${id}:2`]);
    expect(await stored(id)).toMatchObject({ state: 'COMPLETED', version: 2 });
    expect(parsed(result.publication?.body)).toMatchObject({
      specversion: '1.0',
      id: `${id}:2`,
      type: 'paytech.payment.completed',
      subject: id,
      data: {
        previousState: 'CHECKOUT',
        payment: {
          id,
          referenceId: 'order-1',
          state: 'COMPLETED',
          final: true,
          paymentMethod: 'PIX',
          paidAsRequested: true,
        },
      },
    });
  });

  it('changes it once when fifty copies come at the same time', async () => {
    const id = await deposit();
    const event = webhookEvent({ id, state: 'COMPLETED' });
    const results = await Promise.all(Array.from({ length: 50 }, () => world.apply(event)));
    expect(results.filter(({ outcome }) => outcome === 'applied')).toHaveLength(1);
    expect(results.filter(({ outcome }) => outcome === 'duplicate')).toHaveLength(49);
    expect(new Set(results.map(({ publication }) => publication?.body)).size).toBe(1);
    expect((await stored(id)).version).toBe(2);
  });

  it.each(['PENDING', 'AUTHORIZED', 'CHECKOUT'])('is left alone by a late %s', async (late) => {
    const id = await deposit();
    await world.apply(webhookEvent({ id, state: 'COMPLETED' }));
    const before = await stored(id);
    expect(outcomeOf(await world.apply(webhookEvent({ id, state: late })))).toEqual(['stale', undefined]);
    expect(await stored(id)).toEqual(before);
  });

  it('knows the same state in other bytes, and the amount by its value', async () => {
    const id = await deposit({ amount: '11.12' });
    const first = await world.apply(webhookEvent({ id, state: 'COMPLETED', amount: '11.12' }));
    const bytes = Buffer.from(
      `{"id":"${id}","paymentType":"DEPOSIT","state":"COMPLETED","amount":11.120,"currency":"EUR"}`,
    );
    const again = await world.apply(webhookEvent({ id, state: 'COMPLETED' }, { bytes }));
    expect(again).toEqual({ ...first, outcome: 'duplicate' });
  });

  it('says nothing of a webhook that repeats what create-payment recorded', async () => {
    const id = await deposit();
    expect(outcomeOf(await world.apply(webhookEvent({ id, state: 'CHECKOUT' })))).toEqual([
      'duplicate',
      undefined,
    ]);
  });

  it('is applied although the events before carried more than an item can hold', async () => {
    const id = await deposit();
    const externalRefs = { qr: 'x'.repeat(200_000) };
    for (const state of ['CHECKOUT', 'PENDING', 'AUTHORIZED', 'COMPLETED'] as const) {
      const answer = { source: 'refresh' } as const;
      const { outcome } = await world.apply(webhookEvent({ id, state, externalRefs }, answer));
      expect(outcome).toBe(state === 'CHECKOUT' ? 'duplicate' : 'applied');
    }
  });

  it('keeps what later events do not mention', async () => {
    const id = await deposit();
    const said = { id, state: 'PENDING', paymentMethod: 'SPEI', externalRefs: { clabe: '1' } };
    await world.apply(webhookEvent(said, { source: 'refresh' }));
    await world.apply({
      ...webhookEvent({ id, state: 'DECLINED' }),
      bytes: objectBytes({ id, state: 'DECLINED' }),
    });
    expect(paymentAt(await stored(id))).toMatchObject({
      state: 'DECLINED',
      paymentMethod: 'SPEI',
      externalRefs: { clabe: '1' },
      currency: 'EUR',
    });
  });

  it('marks a first final state with another amount or currency than asked', async () => {
    const paid = await deposit();
    const other = await deposit();
    const less = await world.apply(webhookEvent({ id: paid, state: 'COMPLETED', amount: '9.99' }));
    const dollars = await world.apply(webhookEvent({ id: other, state: 'COMPLETED', currency: 'USD' }));
    for (const { outcome, publication } of [less, dollars]) {
      expect(outcome).toBe('applied');
      expect(publication?.attributes.paidAsRequested).toBe('false');
    }
    expect(parsed(less.publication?.body)).toMatchObject({
      data: { payment: { paidAsRequested: false, requestedAmount: '10', amount: '9.99' } },
    });
  });

  it('republishes the version that a redelivered event made, although newer ones came since', async () => {
    const id = await deposit();
    const authorized = webhookEvent({ id, state: 'AUTHORIZED' });
    const first = await world.apply(authorized);
    await world.apply(webhookEvent({ id, state: 'COMPLETED', amount: '7' }));
    world.clock.at += 60_000;
    expect(await world.apply(authorized)).toEqual({ ...first, outcome: 'duplicate' });
  });

  it('writes who said what, when, and by which key into the history, and no customer data', async () => {
    const id = await deposit();
    const event = webhookEvent({
      id,
      state: 'COMPLETED',
      customer: { firstName: 'Planted', email: 'planted@example.com' },
      paymentMethodDetails: { customerAccountNumber: 'planted-account-1234', cardholderName: 'Planted Name' },
    });
    await world.apply(event);
    expect((await stored(id)).history.at(-1)).toMatchObject({
      at: new Date(world.now()).toISOString(),
      source: 'webhook',
      key: eventKey(event),
      signature: { key: 'aabbccdd', encoding: 'hex' },
      facts: { state: 'COMPLETED', account: '****1234' },
    });
    expect(JSON.stringify(await world.scan())).not.toMatch(/planted/i);
  });

  it('leaves its entry in the index where it is while it is as open as before', async () => {
    const id = await deposit();
    const item = async () => (await world.scan()).find(({ pk }) => pk === `payment#${id}`)!;
    const { dueAt, openShard } = await item();
    world.clock.at += 60_000;
    await world.apply(webhookEvent({ id, state: 'PENDING' }));
    expect(await item()).toMatchObject({ state: 'PENDING', dueAt, openShard });
  });

  it('lists a payment as open until it is final', async () => {
    const id = await deposit();
    const item = async () => (await world.scan()).find(({ pk }) => pk === `payment#${id}`)!;
    expect(await item()).toHaveProperty('openShard');
    await world.apply(webhookEvent({ id, state: 'AUTHORIZED' }));
    expect(await item()).toHaveProperty('dueAt');
    await world.apply(webhookEvent({ id, state: 'COMPLETED' }, { source: 'refresh' }));
    expect(await item()).not.toHaveProperty('openShard');
    expect(await item()).not.toHaveProperty('dueAt');
  });

  it('sets the event aside when the history is full', async () => {
    const id = await deposit();
    const record = await stored(id);
    const { pk, ...item } = (await world.table.get(`payment#${id}`)) as { pk: string };
    const history = Array.from({ length: MAX_HISTORY }, () => record.history[0]);
    await world.table.put({ ...item, pk, history }, ['attribute_exists(pk)']);
    await expect(world.apply(webhookEvent({ id, state: 'COMPLETED' }))).rejects.toThrow('full history');
  });
});

describe.each(EVENT_SOURCES)('what paytech says by the source %s', (source) => {
  it('comes to subscribers as far as events carry it, and instructions for the customer do not', async () => {
    const id = await deposit();
    const said = {
      paymentMethod: 'PIX',
      paymentMethodDetails: {
        customerAccountNumber: '400000******0408',
        cardBrand: 'VISA',
        cardIssuingCountryCode: 'DE',
        cardholderName: 'Planted Name',
      },
      externalId: 'ext-1',
      externalResultCode: '00',
      externalFeeAmount: 0.5,
      externalFeeCurrency: 'EUR',
      externalRefs: { code: 'planted instructions' },
      errorCode: '4.01',
      errorMessage: 'declined once',
    };
    const webhook = webhookEvent({ id, state: 'DECLINED', ...said });
    const bytes = source === 'webhook' ? webhook.bytes : writePayment(readObject(webhook.bytes));
    const { publication } = await world.apply({ ...webhook, bytes, source });

    const facts = {
      paymentMethod: 'PIX',
      account: '****0408',
      cardBrand: 'VISA',
      country: 'DE',
      externalId: 'ext-1',
      externalResultCode: '00',
      externalFeeCurrency: 'EUR',
      errorCode: '4.01',
      gatewayMessage: 'declined once',
    };
    expect(JSON.parse(publication!.body).data.payment).toEqual({
      ...facts,
      externalFeeAmount: '0.5',
      id,
      referenceId: 'order-1',
      paymentType: 'DEPOSIT',
      state: 'DECLINED',
      final: true,
      amount: '10',
      currency: 'EUR',
      requestedAmount: '10',
      requestedCurrency: 'EUR',
      created: new Date(world.now()).toISOString(),
      updated: new Date(world.now()).toISOString(),
    });
    expect(JSON.stringify(publication)).not.toContain('planted');
    expect((await stored(id)).history[1]!.facts).toEqual({
      ...facts,
      state: 'DECLINED',
      amount: decimal('10'),
      currency: 'EUR',
      externalFeeAmount: decimal('0.5'),
      // A webhook's are not believed.
      ...(source === 'webhook' ? {} : { externalRefs: { code: 'planted instructions' } }),
    });
  });
});
