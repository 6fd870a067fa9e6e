import { describe, expect, test } from 'vitest';
import { decimal } from '../../shared/payment/money.ts';
import { type Fields, OK_CARD, startShop, startWebhookEndpoint } from '../support/simulator.ts';

describe('states and money that nobody expects', () => {
  test('any text is a state, and the customer’s page shows it as text', async () => {
    const { simulator, deposit, control, ok } = await startShop();
    const id = await deposit();
    for (const state of ['AWAITING_WEBHOOK', '<b onclick="x">']) {
      await control('POST', `/payments/${id}/pay`, { state });
      expect(await ok('GET', `/payments/${id}`)).toMatchObject({ state });
    }
    const page = await (await fetch(`${simulator.url}/checkout/${id}`)).text();
    expect(page).toContain('Payment &lt;b onclick=');
    expect(page).not.toContain('<b onclick');
  });

  test('amount and currency move while the payment is open', async () => {
    const { deposit, control, ok } = await startShop();
    const id = await deposit();
    for (const [state, amount, currency] of [
      ['CHECKOUT', '11', 'USD'],
      ['PENDING', '0.0002', 'BTC'],
    ] as const) {
      await control('POST', `/payments/${id}/pay`, { state, amount: decimal(amount), currency });
      expect(await ok('GET', `/payments/${id}`)).toMatchObject({ state, amount: decimal(amount), currency });
    }
  });

  test('what is authorized may be declined', async () => {
    const { url: webhookUrl, received } = await startWebhookEndpoint();
    const { deposit, control } = await startShop({ webhookUrl });
    const id = await deposit({ preAuth: true });
    await control('POST', `/payments/${id}/pay`, { cardNumber: OK_CARD });
    await control('POST', `/payments/${id}/pay`, { state: 'DECLINED' });
    await expect.poll(() => received.map(({ object }) => object.state)).toEqual(['AUTHORIZED', 'DECLINED']);
  });
});

describe('a deposit without an amount', () => {
  const open = { amount: undefined, paymentMethod: 'PIX' };

  test('takes the one that the customer chooses on the page', async () => {
    const { simulator, deposit, ok } = await startShop();
    const id = await deposit(open);
    expect(await ok('GET', `/payments/${id}`)).not.toHaveProperty('amount');
    const url = `${simulator.url}/checkout/${id}`;
    const submit = (form: Record<string, string>) =>
      fetch(url, { method: 'POST', body: new URLSearchParams(form), redirect: 'manual' });
    expect(await (await fetch(url)).text()).toContain('name="amount"');
    for (const wrong of ['', '0', '-1', '1e3', '1000000001']) {
      const answer = await submit({ amount: wrong, testCard: OK_CARD });
      expect([answer.status, await answer.text()]).toEqual([
        400,
        expect.stringContaining('An amount such as'),
      ]);
    }
    expect((await submit({ amount: '12.5' })).status).toBe(303);
    expect(await (await fetch(url)).text()).toContain('12.50 EUR');
    await submit({ testCard: OK_CARD });
    const paid = await ok('GET', `/payments/${id}`);
    expect(paid).toMatchObject({ state: 'COMPLETED', amount: decimal('12.5') });
    expect(paid).not.toHaveProperty('customerAmount');
  });

  test('is not paid or executed without one', async () => {
    const { deposit, api, control } = await startShop();
    const id = await deposit(open);
    const pay = (fields: Fields, of = id) =>
      control('POST', `/payments/${of}/pay`, { cardNumber: OK_CARD, ...fields });
    expect((await pay({})).status).toBe(400);
    expect((await api('PATCH', `/payments/${id}`, { customerIp: '192.0.2.1' })).status).toBe(400);
    expect((await pay({ amount: decimal('7') })).body).toMatchObject({ amount: decimal('7') });
    expect((await pay({ amount: decimal('7') }, await deposit())).status).toBe(400);
  });

  test('may be driven to its end without one', async () => {
    const { deposit, control, ok } = await startShop();
    const id = await deposit(open);
    await control('POST', `/payments/${id}/pay`, { state: 'COMPLETED' });
    expect(await ok('GET', `/payments/${id}`)).not.toHaveProperty('amount');
    expect(await ok('GET', '/balances')).toMatchObject([{ amount: decimal('0') }, {}, {}, {}]);
  });
});

describe('cascading', () => {
  test('makes another attempt, a payment of its own, whose parent is the first', async () => {
    const { deposit, control, ok } = await startShop({ settleMs: 0 });
    const first = await deposit({ referenceId: 'order-1' });
    await control('POST', `/payments/${first}/pay`, { state: 'DECLINED' });
    const second = (await control('POST', `/payments/${first}/cascade`)).body as Fields;
    expect(second).toMatchObject({
      state: 'PENDING',
      referenceId: 'order-1',
      parentPaymentId: first,
      amount: decimal('10'),
    });
    const path = `/payments/${second.id}/cascade`;
    const third = (await control('POST', path, { referenceId: false })).body as Fields;
    expect(third).toMatchObject({ parentPaymentId: first });
    expect(third).not.toHaveProperty('referenceId');
    expect(await ok('GET', '/payments?referenceId.eq=order-1')).toMatchObject([
      { id: second.id },
      { id: first },
    ]);
    expect(await ok('GET', `/payments/${first}/operations`)).toMatchObject([
      { operation: 'CASCADING' },
      {},
      {},
    ]);

    await control('POST', `/payments/${third.id}/pay`, { cardNumber: OK_CARD });
    expect(await ok('GET', `/payments/${third.id}`)).toMatchObject({ state: 'COMPLETED' });
    expect(await ok('GET', `/payments/${second.id}`)).toMatchObject({ state: 'PENDING' });
  });

  test('is for payments that exist and are no refunds', async () => {
    const { deposit, control, ok } = await startShop();
    const id = await deposit();
    await control('POST', `/payments/${id}/pay`, { state: 'COMPLETED' });
    const money = { amount: decimal('1'), currency: 'EUR' };
    const refund = await ok('POST', '/payments', { ...money, paymentType: 'REFUND', parentPaymentId: id });
    expect((await control('POST', `/payments/${refund.id}/cascade`)).status).toBe(409);
    expect((await control('POST', `/payments/${'0'.repeat(32)}/cascade`)).status).toBe(404);
    expect((await control('POST', `/payments/${id}/cascade`, { reference: false })).status).toBe(400);
  });
});

describe('chargebacks', () => {
  test('are of a completed deposit, once, with a body', async () => {
    const { deposit, control, api } = await startShop();
    const id = await deposit();
    const chargeback = (body?: Fields, of = id) => api('POST', `/payments/${of}/chargebacks`, body);
    expect((await chargeback({})).body).toMatchObject({ message: expect.stringContaining('3.29') });
    await control('POST', `/payments/${id}/pay`, { cardNumber: OK_CARD });
    expect((await chargeback()).status).toBe(400);
    expect((await chargeback({ state: 'OPEN' })).status).toBe(400);
    expect((await chargeback({ description: 'x'.repeat(513) })).status).toBe(400);
    expect(await chargeback({})).toMatchObject({ status: 200, body: { result: { id, state: 'COMPLETED' } } });
    expect((await chargeback({})).body).toMatchObject({ message: expect.stringContaining('3.29') });
    expect((await api('GET', `/payments/${id}/operations`)).body).toMatchObject({
      result: [{ operation: 'CHARGEBACK' }, {}, {}],
    });
    expect(
      (await control('POST', `/payments/${await deposit()}/chargeback`, { state: 'DECLINED' })).status,
    ).toBe(409);
  });

  test('tell their status to the URL that was given for it, and nobody else', async () => {
    const shops = await startWebhookEndpoint();
    const own = await startWebhookEndpoint();
    const { deposit, control, ok } = await startShop({ webhookUrl: shops.url });
    const id = await deposit();
    await control('POST', `/payments/${id}/pay`, { state: 'COMPLETED' });
    await ok('POST', `/payments/${id}/chargebacks`, { description: 'Not mine', webhookUrl: own.url });
    await control('POST', `/payments/${id}/chargeback`, { state: 'DECLINED' });
    await expect
      .poll(() => own.received.map(({ object }) => object))
      .toEqual([{ id, description: 'Not mine', state: 'DECLINED' }]);
    await expect.poll(() => shops.received.map(({ object }) => object.state)).toEqual(['COMPLETED']);
    expect(await ok('GET', `/payments/${id}`)).toMatchObject({ state: 'COMPLETED' });

    const known = await deposit();
    await control('POST', `/payments/${known}/pay`, { state: 'COMPLETED' });
    await ok('POST', `/payments/${known}/chargebacks`, { state: 'COMPLETED', webhookUrl: own.url });
    await expect
      .poll(() => own.received.map(({ object }) => object))
      .toContainEqual({ id: known, state: 'COMPLETED' });
  });
});

describe('the gateway’s books', () => {
  test('balances have other ids each time', async () => {
    const { deposit, ok } = await startShop();
    await deposit();
    const ids = async () =>
      ((await ok('GET', '/balances')) as unknown as Fields[]).map(({ id }) => String(id));
    const [first, second] = [await ids(), await ids()];
    expect(new Set([...first, ...second]).size).toBe(8);
  });

  test('an unknown filter of the list is ignored', async () => {
    const { deposit, ok } = await startShop();
    await deposit({ referenceId: 'order-1' });
    await deposit({ referenceId: 'order-2' });
    expect(await ok('GET', '/payments?referenceId=order-1')).toHaveLength(2);
  });
});
