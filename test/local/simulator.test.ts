import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { type Decimal, decimal } from '../../shared/payment/money.ts';
import { API_KEY, type Fields, fieldsOf, NOWHERE, OK_CARD, startShop } from '../support/simulator.ts';

const amountOf = (text: string): Decimal => decimal(text);
describe('the edge', () => {
  test.each(['node', 'undici', 'node-fetch/1.0', 'axios/1.7.2', 'curl/8.5.0', 'python-requests/2.32', ''])(
    'blocks the User-Agent %j with a 403 that is not JSON',
    async (agent) => {
      const { api } = await startShop();
      const answer = await api('GET', '/payments', undefined, { headers: { 'user-agent': agent } });
      expect(answer).toMatchObject({ status: 403, text: 'error code: 1010' });
      expect(answer.headers.get('content-type')).toMatch('text/plain');
    },
  );

  test.each(['', 'Bearer wrong', API_KEY])('refuses the Authorization %j', async (authorization) => {
    const { api } = await startShop();
    const answer = await api('POST', '/payments', {}, { headers: { authorization } });
    expect(answer).toMatchObject({
      status: 401,
      body: { error: 'Unauthorized', path: '/api/v1/payments', message: expect.any(String) },
    });
  });

  test('answers unknown routes and payments with 404, and what is not JSON with 400', async () => {
    const { api } = await startShop();
    expect(await api('GET', '/nothing')).toMatchObject({ status: 404, body: { error: 'Not Found' } });
    expect(await api('GET', `/payments/${NOWHERE}`)).toMatchObject({ status: 404 });
    expect(await api('POST', '/payments', '{"amount":')).toMatchObject({
      status: 400,
      body: { error: 'Bad Request' },
    });
  });
});

describe('creating a payment', () => {
  test('makes a deposit that waits for the customer', async () => {
    const { api, simulator } = await startShop();
    const answer = await api('POST', '/payments', {
      paymentType: 'DEPOSIT',
      amount: amountOf('11.12'),
      currency: 'EUR',
      referenceId: 'order-1',
      customer: { email: 'jane@example.com', phone: '44 02072243688', locale: 'en' },
    });
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({
      timestamp: expect.stringMatching(/\+00:00$/),
      result: {
        id: expect.stringMatching(/^[a-zA-Z0-9]{32}$/),
        referenceId: 'order-1',
        state: 'CHECKOUT',
        created: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/),
        redirectUrl: expect.stringContaining(`${simulator.url}/checkout/`),
        customer: { email: 'jane@example.com' },
      },
    });
    expect((answer.body as { result: Fields }).result).not.toHaveProperty('customerAmount');
  });

  test.each([
    ['999999999.123456789012345678', '999999999.123456789012345678'],
    ['0.1', '0.1'],
    ['0.000010000000000001', '0.000010000000000001'],
    ['11.120', '11.12'],
    ['1e3', '1000'],
  ])('keeps every digit of %s', async (sent, kept) => {
    const { api } = await startShop();
    const body = `{"paymentType":"DEPOSIT","currency":"USDT","amount":${sent}}`;
    expect((await api('POST', '/payments', body)).text).toContain(`"amount":${kept},`);
    expect((await api('GET', '/payments')).text).toContain(`"amount":${kept},`);
  });

  test('is not idempotent: the same referenceId makes another payment', async () => {
    const { deposit, ok } = await startShop();
    const ids = [await deposit({ referenceId: 'order-1' }), await deposit({ referenceId: 'order-1' })];
    const found = await ok('GET', '/payments?referenceId.eq=order-1');
    expect(found).toMatchObject(ids.reverse().map((id) => ({ id })));
  });

  test.each<[string, Fields]>([
    ['paymentType', { paymentType: undefined }],
    ['paymentType', { paymentType: 'GIFT' }],
    ['currency', { currency: undefined }],
    ['currency', { currency: 'euro' }],
    ['amount', { amount: undefined, paymentType: 'WITHDRAWAL' }],
    ['amount', { amount: undefined, card: { cardToken: 'x'.repeat(32) } }],
    ['card.cardToken', { card: { cardToken: 'x'.repeat(33) } }],
    ['subscription', { subscription: { frequency: decimal('1') } }],
    ['subscription.frequency', { startRecurring: true, subscription: { frequency: decimal('0') } }],
    ['amount', { amount: '10' }],
    ['amount', { amount: decimal('0.000009') }],
    ['amount', { amount: decimal('0') }],
    ['amount', { amount: decimal('-1') }],
    ['amount', { amount: decimal('1000000000.01') }],
    ['amount', { amount: decimal('1.0000000000000000001') }],
    ['referenceId', { referenceId: 'x'.repeat(257) }],
    ['description', { description: 'x'.repeat(513) }],
    ['webhookUrl', { webhookUrl: 'not a url' }],
    ['additionalParameters.bank', { additionalParameters: { bank: decimal('1') } }],
    ['customer.phone', { customer: { phone: '+44 02072243688' } }],
    ['customer.phone', { customer: { phone: '4402072243688' } }],
    ['customer.locale', { customer: { locale: 'en-GB' } }],
    ['customer.dateOfBirth', { customer: { dateOfBirth: '01.02.2000' } }],
    ['billingAddress.countryCode', { billingAddress: { countryCode: 'gb' } }],
    ['parentPaymentId', { paymentType: 'REFUND' }],
  ])('refuses a wrong %s (%o)', async (field, change) => {
    const { api } = await startShop();
    const valid = { paymentType: 'DEPOSIT', amount: decimal('10'), currency: 'EUR' };
    const answer = await api('POST', '/payments', { ...valid, ...change });
    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({
      errors: [
        {
          field,
          defaultMessage: expect.any(String),
          codes: expect.any(Array),
          objectName: expect.any(String),
          bindingFailure: false,
        },
      ],
    });
  });

  test('takes an amount of 0 with preAuth', async () => {
    const { deposit } = await startShop();
    await expect(deposit({ amount: decimal('0'), preAuth: true })).resolves.toHaveLength(32);
  });
});

describe('listing payments', () => {
  test('shows the last 24 hours only, unless created.gte says otherwise', async () => {
    let now = new Date('2026-03-01T12:00:00Z');
    const { deposit, ok } = await startShop({ now: () => now });
    const old = await deposit();
    now = new Date('2026-03-02T12:00:01Z');
    const recent = await deposit();

    expect(await ok('GET', '/payments')).toMatchObject([{ id: recent }]);
    const all = await ok('GET', '/payments?created.gte=2026-01-01T00:00:00');
    expect(all).toMatchObject([{ id: recent }, { id: old }]);
    const before = await ok(
      'GET',
      '/payments?created.gte=2026-01-01T00:00:00&created.lt=2026-03-02T00:00:00',
    );
    expect(before).toMatchObject([{ id: old }]);
  });

  test('filters by when a payment was updated', async () => {
    let now = new Date('2026-03-01T12:00:00Z');
    const { deposit, ok, control } = await startShop({ now: () => now });
    const paid = await deposit();
    const open = await deposit();
    now = new Date('2026-03-01T13:00:00Z');
    await control('POST', `/payments/${paid}/pay`, { state: 'COMPLETED' });

    expect(await ok('GET', '/payments?updated.gte=2026-03-01T13:00:00')).toMatchObject([{ id: paid }]);
    expect(await ok('GET', '/payments?updated.lt=2026-03-01T13:00:00')).toMatchObject([{ id: open }]);
  });

  test('pages, newest first', async () => {
    const { deposit, api } = await startShop();
    const ids = [await deposit(), await deposit(), await deposit()].reverse();
    expect((await api('GET', '/payments?limit=2')).body).toMatchObject({
      hasMore: true,
      result: [{ id: ids[0] }, { id: ids[1] }],
    });
    expect((await api('GET', '/payments?limit=2&offset=2')).body).toMatchObject({
      hasMore: false,
      result: [{ id: ids[2] }],
    });
  });

  test.each([
    'limit=0',
    'limit=1001',
    'limit=ten',
    'offset=-1',
    'offset=1000001',
    'created.gte=2026-01-01',
    'created.gte=2026-01-01T00:00:00Z',
    'updated.lt=2026-13-01T00:00:00',
  ])('refuses %s', async (query) => {
    const { api } = await startShop();
    const answer = await api('GET', `/payments?${query}`);
    expect(answer.status).toBe(400);
    expect(fieldsOf(answer.body)).toEqual([query.split('=')[0]]);
  });
});

describe('looking things up', () => {
  test('balances follow the payments', async () => {
    const { deposit, control, ok } = await startShop({ settleMs: 0 });
    const id = await deposit();
    await control('POST', `/payments/${id}/pay`, { cardNumber: OK_CARD });
    await ok('POST', '/payments', { paymentType: 'WITHDRAWAL', amount: decimal('0.1'), currency: 'EUR' });

    const withdrawable = [{ currency: 'EUR', amount: decimal('999999.9') }];
    await expect.poll(() => ok('GET', '/available-withdrawal-balances')).toEqual(withdrawable);
    expect(await ok('GET', '/balances')).toMatchObject([
      { accountType: 'PROCESSING', currency: 'EUR', amount: decimal('10') },
      { accountType: 'AVAILABLE', amount: decimal('10') },
      { accountType: 'WITHDRAWAL', amount: decimal('999999.9') },
      { accountType: 'CUSTOM' },
    ]);
  });

  test('operations list the steps, newest first', async () => {
    const { deposit, control, api } = await startShop();
    const id = await deposit();
    await control('POST', `/payments/${id}/pay`, { cardNumber: OK_CARD });
    expect((await api('GET', `/payments/${id}/operations`)).body).toMatchObject({
      result: [
        { operation: 'CHECKOUT', paymentState: 'COMPLETED' },
        { operation: 'CREATE_PAYMENT', paymentState: 'CHECKOUT' },
      ],
    });
    expect(await api('GET', `/payments/${NOWHERE}/operations`)).toMatchObject({ status: 404 });
  });

  test('the log has each call of the API with its exact body and answer', async () => {
    const { deposit, api, control } = await startShop();
    const id = await deposit({ amount: decimal('999999999.123456789012345678') });
    await api('GET', '/payments?limit=1');
    await api('GET', '/payments', undefined, { headers: { 'user-agent': 'node' } });

    const { body, text } = await control('GET', '/requests');
    expect(body).toMatchObject([
      {
        time: expect.any(String),
        method: 'POST',
        path: '/api/v1/payments',
        body: { amount: decimal('999999999.123456789012345678') },
        status: decimal('200'),
        answer: { result: { id } },
      },
      { method: 'GET', path: '/api/v1/payments', query: { limit: '1' }, body: null, status: decimal('200') },
      { status: decimal('403'), answer: 'error code: 1010' },
    ]);
    expect(text).toContain('"amount":999999999.123456789012345678');
  });

  test('the truth can be read without the API', async () => {
    const { deposit, control } = await startShop();
    const id = await deposit();
    expect((await control('GET', '/payments')).body).toMatchObject([{ id }]);
    expect((await control('GET', `/payments/${id}`)).body).toMatchObject({ id, state: 'CHECKOUT' });
    expect(await control('GET', `/payments/${NOWHERE}`)).toMatchObject({ status: 404 });
    expect((await control('GET', '/requests')).body).toHaveLength(1);
  });
});

describe('closing', () => {
  test('ends held connections, waits and deliveries', async () => {
    const { simulator, api, control, deposit } = await startShop({
      webhookUrl: 'http://127.0.0.1:1/nobody-listens',
      webhookRetryMs: 60_000,
    });
    await control('POST', `/payments/${await deposit()}/pay`, { state: 'COMPLETED' });
    await control('POST', '/faults', { on: 'list', kind: 'timeout' });
    const held = api('GET', '/payments');
    onTestFinished(() => held.catch(() => {}).then(() => {}));
    await vi.waitFor(async () => expect((await control('GET', '/requests')).body).toHaveLength(2));
    await simulator.close();
    await expect(held).rejects.toThrow('fetch failed');
  });

  test('a signing key that protects nothing is refused at the start', async () => {
    await expect(startShop({ signingKey: 'short' })).rejects.toThrow(TypeError);
  });
});
