/** Charges by the token of a saved card, which need nobody to follow a redirectUrl, and payouts to one. */
import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { savedCards } from '../../functions/operations/look-ups.ts';
import { LEASE_MS, LOOK_UP_GAP_MS } from '../../shared/payment/claim.ts';
import { decimal } from '../../shared/payment/money.ts';
import { readCard } from '../../shared/paytech/saved-card.ts';
import { keepConfirmed } from '../../shared/store/confirmation.ts';
import { readPayment } from '../../shared/store/payments.ts';
import { answerOf, backOffice } from '../support/back-office.ts';
import { orderRoute } from '../support/order-route.ts';
import { sharedWorld, webhookEvent } from '../support/world.ts';

const world = await sharedWorld();
const office = backOffice(world);

const TOKEN = 'plantedTokenOfACard0123456789abc';
const customer = { referenceId: 'jane_1' };
const charge = (more: object = {}) => orderRoute(world, { cardToken: TOKEN, customer, ...more });

describe('a charge by a saved card', () => {
  it('goes to paytech with the token alone, and is one order', async () => {
    const order = charge();
    const first = await order.send();
    expect(first).toMatchObject({ status: 201, body: { state: 'PENDING', paymentType: 'DEPOSIT' } });
    expect(first.body).not.toHaveProperty('redirectUrl');
    expect(world.gateway.bodies.at(-1)).toMatchObject({ card: { cardToken: TOKEN }, customer });
    expect(world.gateway.bodies.at(-1)).not.toHaveProperty('cardToken');
    expect(await order.send()).toMatchObject({ status: 200, body: { id: first.body.id } });
    expect(order.made()).toHaveLength(1);
    const kept = JSON.stringify([await world.scan(), world.logger.lines]);
    expect(kept).not.toContain(TOKEN);
  });

  it('answers where its holder confirms it, as long as that can be', async () => {
    const order = charge();
    const create = world.gateway.create;
    world.gateway.create = async (...args) => {
      const answer = await create(...args);
      if (answer.kind !== 'answered') return answer;
      return { ...answer, result: { ...answer.result, redirectUrl: 'https://bank.example/3ds' } };
    };
    const { body } = await order.send().finally(() => {
      world.gateway.create = create;
    });
    expect(body).toMatchObject({ state: 'PENDING', redirectUrl: 'https://bank.example/3ds' });
    expect((await order.send()).body).toMatchObject({ redirectUrl: 'https://bank.example/3ds' });
    await world.apply(webhookEvent({ id: body.id, state: 'COMPLETED' }));
    expect((await order.send()).body).not.toHaveProperty('redirectUrl');
  });

  it.each(['COMPLETED', 'AUTHORIZED'] as const)(
    'that is answered as %s is shown as that at once, and leads nowhere',
    async (state) => {
      const order = charge();
      const create = world.gateway.create;
      world.gateway.create = async (...args) => {
        const answer = await create(...args);
        if (answer.kind !== 'answered') return answer;
        const { id, facts } = answer.result;
        world.gateway.set(id, { state });
        const redirectUrl = 'https://bank.example/3ds';
        return { ...answer, result: { ...answer.result, redirectUrl, facts: { ...facts, state } } };
      };
      const made = await order.send().finally(() => {
        world.gateway.create = create;
      });
      expect(made).toMatchObject({ status: 201, body: { state } });
      expect(made.body).not.toHaveProperty('redirectUrl');
      expect(await readPayment(world.table, made.body.id)).toMatchObject({ state: 'PENDING', version: 1 });
      const again = await order.send();
      expect(again).toMatchObject({ status: 200, body: { id: made.body.id, state } });
      expect(again.body).not.toHaveProperty('redirectUrl');
      await world.applyQueued();
      expect(await readPayment(world.table, made.body.id)).toMatchObject({ state, version: 2 });
    },
  );

  it('is tried again by the customer where the card was declined', async () => {
    const order = charge();
    const { body } = await order.send();
    world.gateway.set(body.id, { state: 'DECLINED' });
    await world.apply(webhookEvent({ id: body.id, state: 'DECLINED' }));
    const again = await order.send({ cardToken: undefined });
    expect(again).toMatchObject({ status: 201, body: { state: 'CHECKOUT' } });
    expect(again.body.redirectUrl).toContain('https://');
    expect(order.made().map(({ referenceId }) => referenceId)).toEqual([
      order.referenceId,
      `${order.referenceId}~2`,
    ]);
  });
});

describe('a charge by a saved card of which nobody heard the end', () => {
  async function lookedForTwice(order: ReturnType<typeof charge>, more: object = {}) {
    world.clock.at += LEASE_MS;
    await order.send(more);
    world.clock.at += LOOK_UP_GAP_MS;
    return order.send(more);
  }

  it('is never sent a second time, not by the card and not by a redirect, until a person decides', async () => {
    const order = charge();
    world.gateway.endings.push({ on: 'create', ends: 'unknown' });
    expect(await order.send()).toMatchObject({ status: 503, code: 'payment.outcome_unknown' });
    const calls = world.gateway.calls.create;
    expect(await lookedForTwice(order)).toMatchObject({ status: 409, code: 'claim.flagged' });
    expect(await order.send({ cardToken: undefined })).toMatchObject({ code: 'claim.flagged' });
    expect(world.gateway.calls.create).toBe(calls);
    expect(world.logger.metrics()).toContain('ClaimFlagged');

    const decision = { outcome: 'not-sent', reason: 'paytech denies it' };
    expect(await office.resolve('deposit', order.referenceId, decision)).toMatchObject({ status: 200 });
    world.gateway.endings.push({ on: 'list', ends: 'unknown' });
    expect(await order.send()).toMatchObject({ status: 503, code: 'gateway.unavailable' });
    expect(world.gateway.calls.create).toBe(calls);
    expect(await order.send()).toMatchObject({ status: 201 });
    expect(world.gateway.bodies.at(-1)).toMatchObject({ referenceId: `${order.referenceId}~2` });
  });

  it('is found where paytech made it', async () => {
    const order = charge();
    world.gateway.endings.push({ on: 'create', ends: 'lost' });
    expect(await order.send()).toMatchObject({ status: 201, body: { id: order.made()[0]!.id } });
  });

  it('is for a person where the payment that was found for it has failed: it may not be the one', async () => {
    const order = charge();
    world.gateway.endings.push({ on: 'create', ends: 'lost' });
    const { body } = await order.send();
    world.gateway.set(body.id, { state: 'DECLINED' });
    await world.apply(webhookEvent({ id: body.id, state: 'DECLINED' }));
    expect(await order.send()).toMatchObject({ status: 409, code: 'claim.flagged' });
    expect(await order.send()).toMatchObject({ status: 409, code: 'claim.flagged' });
    expect(order.made()).toHaveLength(1);
  });

  it('is for a person where paytech has another amount under its reference', async () => {
    const order = charge();
    world.gateway.endings.push({ on: 'create', ends: 'lost' }, { on: 'list', ends: 'unknown' });
    await order.send();
    const [lost] = order.made();
    world.gateway.set(lost!.id, { amount: decimal('9') });
    world.clock.at += LEASE_MS;
    expect(await order.send()).toMatchObject({ code: 'claim.flagged' });
    expect(order.made()).toHaveLength(1);
  });

  it('is not ended by a payment made elsewhere under its reference, of which nobody says what was asked for', async () => {
    const order = charge();
    world.gateway.endings.push({ on: 'create', ends: 'unknown' });
    await order.send();
    const { referenceId } = order;
    const elsewhere = { paymentType: 'DEPOSIT' as const, referenceId, amount: decimal('7'), currency: 'EUR' };
    const { id } = world.gateway.make(elsewhere);
    world.gateway.set(id, { state: 'CANCELLED' });
    await world.apply(webhookEvent({ id, state: 'CANCELLED', referenceId, amount: '7' }));
    const calls = world.gateway.calls.create;
    expect(await lookedForTwice(order)).toMatchObject({ code: 'claim.flagged' });
    expect(world.gateway.calls.create).toBe(calls);
  });

  it('was not taken where paytech says 429 and has none two minutes later', async () => {
    const order = charge();
    world.gateway.endings.push({ on: 'create', ends: 429 });
    expect(await order.send()).toMatchObject({ status: 503 });
    expect(await lookedForTwice(order)).toMatchObject({ status: 503 });
    expect(order.made()).toEqual([]);
    world.clock.at += 2 * 60_000;
    expect(await order.send()).toMatchObject({ status: 201 });
    expect(order.made()).toHaveLength(1);
  });

  it('was made although paytech says 429, and is shown', async () => {
    const order = charge();
    world.gateway.endings.push({ on: 'create', ends: '429-made' });
    await order.send();
    world.clock.at += LEASE_MS;
    expect(await order.send()).toMatchObject({ body: { id: order.made()[0]!.id } });
    expect(order.made()).toHaveLength(1);
  });
});

describe('a request with a saved card is refused', () => {
  it.each([
    ['a card number for a token', { cardToken: '4000000000000408' }, 'cardToken'],
    ['a card', { card: { number: '4000000000000408' } }, 'card'],
    ['no amount', { amount: undefined }, 'amount'],
    [
      'a customer whom paytech cannot look up',
      { customer: { referenceId: 'jane@x' } },
      'customer.referenceId',
    ],
  ])('by %s', async (_, more, field) => {
    const calls = world.gateway.calls.create;
    const { status, body } = await charge().send(more);
    expect(status).toBe(400);
    expect(body.errors.map((each: { field: string }) => each.field)).toContain(field);
    expect(JSON.stringify(body)).not.toContain('4000000000000408');
    expect(world.gateway.calls.create).toBe(calls);
  });
});

describe('the token of a payment', () => {
  const told = { paymentMethodDetails: { cardToken: 'tokenOfSomebodyElse' } };

  it('is never taken from a webhook: its sender would be paid out to', async () => {
    const { body } = await charge().send();
    await world.apply(webhookEvent({ id: body.id, state: 'COMPLETED', ...told }));
    expect(JSON.stringify(await readPayment(world.table, body.id))).not.toContain('tokenOfSomebodyElse');
  });

  it('is in the back office’s view, as GET confirms it, and in no event and not in the storefront’s', async () => {
    const { body } = await charge().send();
    const applied = await world.apply(webhookEvent({ id: body.id, state: 'COMPLETED', ...told }));
    const record = (await readPayment(world.table, body.id))!;
    await keepConfirmed(world.table, record, { facts: { state: 'COMPLETED', cardToken: TOKEN } });
    expect((await office.show(body.id)).body).toMatchObject({ cardToken: TOKEN });
    const again = await world.apply(webhookEvent({ id: body.id, state: 'COMPLETED', ...told }));
    expect(JSON.stringify([applied.publication, again.publication])).not.toMatch(/cardToken|planted/);
  });
});

describe('a payout to a saved card', () => {
  const payout = (card: object, more: object = {}) => ({
    referenceId: `payout-${randomUUID()}`,
    amount: '10',
    currency: 'EUR',
    customer,
    card,
    ...more,
  });

  it('goes out once, to that card', async () => {
    const body = payout({
      cardToken: TOKEN,
      cardholderName: 'J Planted',
      expiryMonth: '01',
      expiryYear: '2031',
    });
    expect(await office.withdraw(body)).toMatchObject({ status: 201, body: { paymentType: 'WITHDRAWAL' } });
    expect(world.gateway.bodies.at(-1)).toMatchObject({ card: body.card });
    expect(await office.withdraw(body)).toMatchObject({ status: 200 });
    expect(await office.withdraw({ ...body, card: { ...body.card, cardToken: 'another' } })).toMatchObject({
      code: 'payment.reference_conflict',
    });
    const kept = (await world.scan()).filter((each) => each.referenceId === body.referenceId);
    expect(kept).toHaveLength(2);
    expect(JSON.stringify([kept, world.logger.lines])).not.toMatch(/plantedToken|J Planted/);
  });

  it.each([
    [{ cardNumber: '4000000000000408' }, 'card.cardNumber'],
    [{ cardToken: '4000000000000408' }, 'card.cardToken'],
    [{ cardToken: TOKEN, cvv: '123' }, 'card.cvv'],
    [{}, 'card.cardToken'],
  ])('is refused by %j', async (card, field) => {
    const { status, body } = await office.withdraw(payout(card));
    expect({ status, fields: body.errors.map((each: { field: string }) => each.field) }).toMatchObject({
      status: 400,
      fields: expect.arrayContaining([field]),
    });
  });

  it('is told where its token goes', async () => {
    const { card: _, ...body } = payout({});
    const errors = [{ field: 'cardToken', message: 'goes into card: {cardToken}' }];
    expect((await office.withdraw({ ...body, cardToken: TOKEN } as never)).body.errors).toEqual(errors);
  });

  it('is refused to a customer whom paytech cannot look up', async () => {
    const body = payout({ cardToken: TOKEN }, { customer: { referenceId: 'a b' } });
    expect((await office.withdraw(body)).body.errors).toMatchObject([{ field: 'customer.referenceId' }]);
  });
});

describe('the saved cards of a customer', () => {
  const asked: string[] = [];
  const route = savedCards({
    gateway: {
      cards: async (id) => {
        asked.push(id);
        return { kind: 'answered', result: { cards: [{ id: TOKEN, panMasked: '411111***1112' }, {}] } };
      },
    },
  });
  const ask = (referenceId: string) => answerOf(() => route({ pathParameters: { referenceId } } as never));

  it('are as paytech has them', async () => {
    const cards = [{ cardToken: TOKEN, panMasked: '411111***1112' }];
    expect(await ask('jane_1')).toEqual({ status: 200, body: { cards } });
    expect(asked).toEqual(['jane_1']);
  });

  it.each(['jane@example.com', 'a/b', '', 'x'.repeat(129)])('are not asked for of %s', async (id) => {
    const before = asked.length;
    expect(await ask(id)).toMatchObject({ status: 400 });
    expect(asked).toHaveLength(before);
  });

  it.each(['savedByCustomer.eq', 'limit'])('are not chosen by %s, which would be left out', async (name) => {
    const event = { pathParameters: { referenceId: 'jane' }, queryStringParameters: { [name]: 'true' } };
    const before = asked.length;
    expect(await answerOf(() => route(event as never))).toMatchObject({
      status: 400,
      code: 'request.invalid',
    });
    expect(asked).toHaveLength(before);
  });

  it('are none where paytech does not know the customer', async () => {
    const unknown = savedCards({ gateway: { cards: async () => ({ kind: 'not-accepted', status: 404 }) } });
    const answer = await answerOf(() => unknown({ pathParameters: { referenceId: 'nobody' } } as never));
    expect(answer).toEqual({ status: 200, body: { cards: [] } });
  });

  it('are told as far as paytech says, and never by their numbers', () => {
    const whole = {
      cardholderName: 'J D',
      panMasked: '411111***1112',
      expiryMonth: '01',
      expiryYear: '2031',
      brand: 'VISA',
      savedByCustomer: true,
    };
    expect(readCard({ id: TOKEN, updated: 'x', ...whole })).toEqual([{ cardToken: TOKEN, ...whole }]);
    expect(readCard({ id: TOKEN, brand: null, expiryMonth: 1 })).toEqual([{ cardToken: TOKEN }]);
    expect(readCard({ id: TOKEN, panMasked: '4111111111111112' })).toEqual([{ cardToken: TOKEN }]);
    expect([...readCard({ ...whole }), ...readCard(null), ...readCard('x')]).toEqual([]);
  });
});
