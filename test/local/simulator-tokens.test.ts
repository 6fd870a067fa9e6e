import { describe, expect, test } from 'vitest';
import { decimal } from '../../shared/payment/money.ts';
import { type Fields, type Shop, startShop, startWebhookEndpoint } from '../support/simulator.ts';

const CARDS = {
  accepted: '4000 0000 0000 0408',
  declined: '4000 0000 0000 0416',
  asksHolder: '4000 0000 0000 0002',
};
const MONEY = { amount: decimal('10'), currency: 'EUR' };
const customer = { referenceId: 'jane' };

const stateOf = async ({ control }: Shop, id: unknown) =>
  ((await control('GET', `/payments/${id}`)).body as Fields).state;
const reaches = (shop: Shop, id: unknown, state: string) => expect.poll(() => stateOf(shop, id)).toBe(state);

/** Pays a deposit of a named customer; the card's token. */
async function savedCard(shop: Shop, cardNumber: string, more: Fields = {}): Promise<string> {
  const id = await shop.deposit({ customer });
  await shop.control('POST', `/payments/${id}/pay`, { cardNumber, ...more });
  const { paymentMethodDetails } = await shop.ok('GET', `/payments/${id}`);
  return String((paymentMethodDetails as Fields).cardToken);
}

describe('saved cards', () => {
  test('are those that a customer has paid with, each once, with its token', async () => {
    const shop = await startShop();
    const token = await savedCard(shop, CARDS.accepted);
    expect(await savedCard(shop, CARDS.accepted, { savedByCustomer: true })).toBe(token);
    const other = await savedCard(shop, CARDS.asksHolder);
    await shop.control('POST', `/payments/${await shop.deposit()}/pay`, { cardNumber: CARDS.accepted });
    await savedCard(shop, CARDS.declined);

    const cards = (query = '') => shop.ok('GET', `/customers/jane/card-tokens${query}`);
    expect(await cards()).toHaveLength(2);
    expect(await cards('?savedByCustomer.eq=true')).toMatchObject([
      { id: token, panMasked: '400000***0408', brand: 'VISA', expiryYear: '2030', savedByCustomer: true },
    ]);
    expect(await cards('?savedByCustomer.eq=false')).toMatchObject([{ id: other, savedByCustomer: false }]);
    expect(await shop.ok('GET', '/customers/nobody/card-tokens')).toEqual([]);
    for (const path of [
      '/customers/j%20d/card-tokens',
      '/customers/jane/card-tokens?savedByCustomer.eq=yes',
    ]) {
      expect((await shop.api('GET', path)).status).toBe(400);
    }
  });

  test('are charged without the customer, pay out, and are not found by other tokens', async () => {
    const shop = await startShop();
    const card = { cardToken: await savedCard(shop, CARDS.accepted) };
    const charge = await shop.ok('POST', '/payments', { ...MONEY, paymentType: 'DEPOSIT', customer, card });
    expect(charge).toMatchObject({ state: 'PENDING' });
    expect(charge).not.toHaveProperty('redirectUrl');
    await reaches(shop, charge.id, 'COMPLETED');

    const payout = await shop.ok('POST', '/payments', {
      ...MONEY,
      paymentType: 'WITHDRAWAL',
      customer,
      card,
    });
    await reaches(shop, payout.id, 'COMPLETED');

    const unknown = { ...MONEY, customer, card: { cardToken: 'x'.repeat(32) } };
    const notFound = { state: 'DECLINED', errorCode: '1.06' };
    expect(await shop.ok('POST', '/payments', { ...unknown, paymentType: 'DEPOSIT' })).toMatchObject(
      notFound,
    );
    const lost = await shop.ok('POST', '/payments', { ...unknown, paymentType: 'WITHDRAWAL' });
    expect(lost).toMatchObject({ state: 'PENDING' });
    await reaches(shop, lost.id, 'DECLINED');
  });

  test('ask their holder where they have to: the answer has a redirectUrl all the same', async () => {
    const shop = await startShop();
    const card = { cardToken: await savedCard(shop, CARDS.asksHolder) };
    const request = { ...MONEY, paymentType: 'DEPOSIT', preAuth: true, customer, card };
    const { id, state, redirectUrl } = await shop.ok('POST', '/payments', request);
    expect(state).toBe('PENDING');
    const page = await (await fetch(String(redirectUrl))).text();
    expect(page).toContain('name="challenge"');
    expect(page).not.toContain('name="cvv"');
    await fetch(String(redirectUrl), {
      method: 'POST',
      body: new URLSearchParams({ testCard: CARDS.asksHolder, challenge: 'passed' }),
    });
    expect(await stateOf(shop, id)).toBe('AUTHORIZED');
  });

  test('are remembered where the customer says so on the page', async () => {
    const shop = await startShop();
    const url = `${shop.simulator.url}/checkout/${await shop.deposit({ customer })}`;
    expect(await (await fetch(url)).text()).toContain('name="remember"');
    const body = new URLSearchParams({ testCard: CARDS.asksHolder, remember: 'yes' });
    const asked = await (await fetch(url, { method: 'POST', body })).text();
    expect(asked).toContain('name="remember" value="yes"');
    body.set('challenge', 'passed');
    await fetch(url, { method: 'POST', body });
    expect(await shop.ok('GET', '/customers/jane/card-tokens')).toMatchObject([{ savedByCustomer: true }]);
  });
});

describe('recurring payments', () => {
  test('are charged by the token that the first was answered with, once that is paid', async () => {
    const shop = await startShop();
    const first = await shop.ok('POST', '/payments', {
      ...MONEY,
      paymentType: 'DEPOSIT',
      startRecurring: true,
    });
    const charge = (change: Fields = {}) =>
      shop.ok('POST', '/payments', {
        ...MONEY,
        paymentType: 'DEPOSIT',
        recurringToken: first.recurringToken,
        parentPaymentId: first.id,
        ...change,
      });
    const notFound = { state: 'DECLINED', errorCode: '1.06' };
    expect(await charge()).toMatchObject(notFound);
    await shop.control('POST', `/payments/${first.id}/pay`, { cardNumber: CARDS.accepted });
    const again = await charge({ amount: decimal('3') });
    expect(again).toMatchObject({ state: 'PENDING', parentPaymentId: first.id });
    expect(again).not.toHaveProperty('redirectUrl');
    await reaches(shop, again.id, 'COMPLETED');
    expect(await charge({ recurringToken: 'another' })).toMatchObject(notFound);
    expect(await charge({ parentPaymentId: again.id })).toMatchObject(notFound);
  });

  test('of a first that asked for none have no token', async () => {
    const { ok } = await startShop();
    expect(await ok('POST', '/payments', { ...MONEY, paymentType: 'DEPOSIT' })).not.toHaveProperty(
      'recurringToken',
    );
  });
});

describe('subscriptions', () => {
  async function subscribed(subscription: Fields, more: Fields = {}) {
    const shop = await startShop();
    const first = await shop.deposit({ startRecurring: true, referenceId: 'order-1', subscription, ...more });
    expect((await shop.control('GET', '/subscriptions')).body).toEqual([]);
    await shop.control('POST', `/payments/${first}/pay`, { state: 'COMPLETED' });
    const [{ id, parentPaymentId }] = (await shop.control('GET', '/subscriptions')).body as [Fields];
    expect(parentPaymentId).toBe(first);
    return { ...shop, shop, first, id, cycle: () => shop.control('POST', `/subscriptions/${id}/cycle`) };
  }
  const monthly = { frequency: decimal('1'), frequencyUnit: 'MONTH' };

  test('charge cycle after cycle as deposits with a parent, until they end', async () => {
    const { url: webhookUrl, received } = await startWebhookEndpoint();
    const { shop, first, id, cycle, ok } = await subscribed(
      { ...monthly, amount: decimal('4'), numberOfCycles: decimal('2') },
      { webhookUrl },
    );
    expect(await ok('GET', `/subscriptions/${id}`)).toEqual({ id, state: 'ACTIVE', cycles: [] });
    const made = [(await cycle()).body as Fields, (await cycle()).body as Fields];
    expect(made).toMatchObject([
      { parentPaymentId: first, amount: decimal('4') },
      { parentPaymentId: first },
    ]);
    for (const each of made) {
      expect(each).not.toHaveProperty('referenceId');
      await reaches(shop, each.id, 'COMPLETED');
    }
    expect(await ok('GET', `/subscriptions/${id}`)).toMatchObject({
      state: 'COMPLETED',
      cycles: made.map((each, index) => ({
        sequence: decimal(String(index + 1)),
        type: 'REGULAR',
        paymentId: each.id,
        paymentState: 'COMPLETED',
        amount: decimal('4'),
      })),
    });
    expect((await cycle()).status).toBe(409);
    await expect
      .poll(() => received.map(({ object }) => object.id))
      .toEqual([first, ...made.map((each) => each.id)]);
  });

  test('try a cycle again that failed, with the amount that was said for it', async () => {
    const { cycle, control } = await subscribed(
      {
        ...monthly,
        numberOfCycles: decimal('1'),
        retryStrategy: {
          frequency: decimal('1'),
          numberOfCycles: decimal('1'),
          amountAdjustments: [decimal('50')],
        },
      },
      { additionalParameters: { settle: 'manual' } },
    );
    const failed = (await cycle()).body as Fields;
    await control('POST', `/payments/${failed.id}/pay`, { state: 'DECLINED' });
    const retry = (await cycle()).body as Fields;
    expect(retry.amount).toEqual(decimal('5'));
    await control('POST', `/payments/${retry.id}/pay`, { state: 'COMPLETED' });
    expect((await control('GET', '/subscriptions')).body).toMatchObject([
      { state: 'COMPLETED', cycles: [{ type: 'REGULAR' }, { type: 'RETRY', amount: decimal('5') }] },
    ]);
  });

  test('begin by themselves when their time comes', async () => {
    const shop = await startShop();
    const subscription = { ...monthly, startTime: new Date().toISOString() };
    const first = await shop.deposit({ startRecurring: true, subscription });
    await shop.control('POST', `/payments/${first}/pay`, { state: 'COMPLETED' });
    const cycles = async () =>
      ((await shop.control('GET', '/subscriptions')).body as Fields[]).map((each) => each.cycles as Fields[]);
    await expect.poll(cycles).toMatchObject([[{ type: 'REGULAR' }]]);
  });

  test('are cancelled, and by nothing else', async () => {
    const { id, api, cycle } = await subscribed(monthly);
    const update = (body: Fields) => api('PATCH', `/subscriptions/${id}`, body);
    expect((await update({ state: 'COMPLETED' })).status).toBe(400);
    expect((await update({ state: 'CANCELLED' })).body).toMatchObject({ result: { id, state: 'CANCELLED' } });
    expect((await update({ state: 'CANCELLED' })).status).toBe(400);
    expect((await cycle()).status).toBe(409);
    expect((await api('GET', `/subscriptions/${'0'.repeat(32)}`)).status).toBe(404);
  });
});
