import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { type Decimal, decimal } from '../../shared/payment/money.ts';
import { verify } from '../../shared/paytech/signature.ts';
import { API_KEY, type Fields, SIGNING_KEY, startShop, startWebhookEndpoint } from '../support/simulator.ts';

const OK_CARD = '4000 0000 0000 0408';
const NOWHERE = '0'.repeat(32);

const amountOf = (text: string): Decimal => decimal(text);

function fieldsOf(body: unknown): unknown[] {
  return ((body as { errors?: Fields[] }).errors ?? []).map(({ field }) => field);
}

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

describe('paying a deposit', () => {
  test.each([
    ['4000000000000002', 'COMPLETED'],
    ['4242 4242 4242 4242', 'DECLINED'],
    ['4000 0000 0000 0408', 'COMPLETED'],
    ['4000 0000 0000 0416', 'DECLINED'],
    ['5555 0000 0000 0008', 'COMPLETED'],
    ['5555 0000 0000 0438', 'DECLINED'],
    ['5555 0000 0000 0107', 'COMPLETED'],
    ['5555 0000 0000 0115', 'DECLINED'],
  ])('by the card %s ends %s', async (cardNumber, state) => {
    const { deposit, control, ok } = await startShop();
    const id = await deposit();
    const paid = await control('POST', `/payments/${id}/pay`, { cardNumber });
    expect(paid).toMatchObject({ status: 200, body: { id, state } });
    const seen = await ok('GET', `/payments/${id}`);
    expect(seen).toEqual(paid.body);
    expect(seen.errorCode).toBe(state === 'DECLINED' ? '4.02' : undefined);
    expect(seen.paymentMethodDetails).toMatchObject({
      customerAccountNumber: expect.stringMatching(/^\d{6}\*{6}\d{4}$/),
    });
  });

  test('is declined from 10000000 on', async () => {
    const { deposit, control } = await startShop();
    const below = await deposit({ amount: decimal('9999999.99') });
    const limit = await deposit({ amount: decimal('10000000') });
    expect((await control('POST', `/payments/${below}/pay`, { cardNumber: OK_CARD })).body).toMatchObject({
      state: 'COMPLETED',
    });
    expect((await control('POST', `/payments/${limit}/pay`, { cardNumber: OK_CARD })).body).toMatchObject({
      state: 'DECLINED',
      errorCode: '3.28',
    });
  });

  test('by state overrides limits, amount and currency, also after the end', async () => {
    const { deposit, control } = await startShop();
    const id = await deposit({ amount: decimal('10000000') });
    await control('POST', `/payments/${id}/pay`, { state: 'COMPLETED' });
    const changed = await control('POST', `/payments/${id}/pay`, {
      state: 'DECLINED',
      amount: decimal('9.99'),
      currency: 'USD',
      errorCode: '4.01',
      errorMessage: 'Insufficient funds',
    });
    expect(changed.body).toMatchObject({
      state: 'DECLINED',
      amount: decimal('9.99'),
      currency: 'USD',
      customerAmount: decimal('10000000'),
      customerCurrency: 'EUR',
      errorCode: '4.01',
      errorMessage: 'Insufficient funds',
    });
    const open = await control('POST', `/payments/${id}/pay`, { state: 'PENDING' });
    expect(open.body).toMatchObject({ state: 'PENDING' });
    expect(open.body).not.toHaveProperty('errorCode');
  });

  test('by card works once, on deposits, with test cards', async () => {
    const { deposit, control, ok } = await startShop();
    const id = await deposit();
    const pay = (fields: Fields, payment = id) => control('POST', `/payments/${payment}/pay`, fields);

    expect(await pay({ cardNumber: '4111 1111 1111 1111' })).toMatchObject({ status: 400 });
    expect(await pay({ state: '' })).toMatchObject({ status: 400 });
    expect(await pay({ cardNumber: OK_CARD, state: 'COMPLETED' })).toMatchObject({ status: 400 });
    expect(await pay({})).toMatchObject({ status: 400 });
    expect(await pay({ cardNumber: OK_CARD }, NOWHERE)).toMatchObject({ status: 404 });
    expect(await pay({ cardNumber: OK_CARD })).toMatchObject({ status: 200 });
    expect(await pay({ cardNumber: OK_CARD })).toMatchObject({ status: 409 });

    const payout = await ok('POST', '/payments', {
      paymentType: 'WITHDRAWAL',
      amount: decimal('1'),
      currency: 'EUR',
      additionalParameters: { settle: 'manual' },
    });
    expect(await pay({ cardNumber: OK_CARD }, String(payout.id))).toMatchObject({ status: 409 });
  });
});

describe('host-to-host', () => {
  test('answers PENDING with instructions for methods other than cards, once', async () => {
    const { deposit, api } = await startShop();
    const id = await deposit({ paymentMethod: 'PIX' });
    const execute = () => api('PATCH', `/payments/${id}`, { customerIp: '2001:db8::1' });
    expect((await execute()).body).toMatchObject({
      result: { state: 'PENDING', externalRefs: { reference: expect.any(String) } },
    });
    expect((await execute()).status).toBe(400);
  });

  test.each([{}, { customerIp: 'localhost' }])('refuses the body %o', async (body) => {
    const { deposit, api } = await startShop();
    const answer = await api('PATCH', `/payments/${await deposit()}`, body);
    expect(answer.status).toBe(400);
    expect(fieldsOf(answer.body)).toEqual(['customerIp']);
  });

  test('pays by the card that the deposit was made with, and never shows it', async () => {
    const { deposit, api } = await startShop();
    const id = await deposit({ paymentMethod: 'BASIC_CARD', card: { cardNumber: '4000000000000416' } });
    const answer = await api('PATCH', `/payments/${id}`, { customerIp: '192.0.2.1' });
    expect(answer.body).toMatchObject({ result: { state: 'DECLINED' } });
    expect(answer.text).not.toContain('4000000000000416');
    expect(
      await api('PATCH', `/payments/${await deposit({ paymentMethod: 'BASIC_CARD' })}`, {
        customerIp: '192.0.2.1',
      }),
    ).toMatchObject({ status: 400 });
  });
});

describe('a pre-authorized deposit', () => {
  async function authorized() {
    const shop = await startShop();
    const id = await shop.deposit({ preAuth: true });
    await shop.control('POST', `/payments/${id}/pay`, { cardNumber: OK_CARD });
    return { ...shop, id };
  }

  test('is captured in part', async () => {
    const { api, ok, id } = await authorized();
    expect(await ok('GET', `/payments/${id}`)).toMatchObject({ state: 'AUTHORIZED' });
    expect(await api('POST', `/payments/${id}/capture`, { amount: decimal('10.01') })).toMatchObject({
      status: 400,
    });
    expect(await ok('POST', `/payments/${id}/capture`, { amount: decimal('4.5') })).toMatchObject({
      state: 'COMPLETED',
      amount: decimal('4.5'),
      customerAmount: decimal('10'),
    });
    expect(await api('POST', `/payments/${id}/capture`)).toMatchObject({ status: 400 });
  });

  test('is captured whole without a body', async () => {
    const { ok, id } = await authorized();
    expect(await ok('POST', `/payments/${id}/capture`)).toMatchObject({
      state: 'COMPLETED',
      amount: decimal('10'),
    });
  });

  test('is voided', async () => {
    const { api, ok, id } = await authorized();
    expect(await ok('POST', `/payments/${id}/void`)).toMatchObject({ state: 'CANCELLED' });
    expect(await api('POST', `/payments/${id}/void`)).toMatchObject({ status: 400 });
    expect(await api('POST', `/payments/${NOWHERE}/void`)).toMatchObject({ status: 404 });
  });
});

describe('payouts', () => {
  const withdrawal = { paymentType: 'WITHDRAWAL', currency: 'EUR', amount: decimal('10000') };

  test.each([
    ['10000', 'COMPLETED'],
    ['10000.01', 'DECLINED'],
  ])('a withdrawal of %s settles by itself as %s', async (amount, state) => {
    const { ok } = await startShop();
    const made = await ok('POST', '/payments', { ...withdrawal, amount: decimal(amount) });
    expect(made).toMatchObject({ state: 'PENDING' });
    expect(made).not.toHaveProperty('redirectUrl');
    await expect.poll(() => ok('GET', `/payments/${made.id}`)).toMatchObject({ state });
  });

  test('a withdrawal cannot be approved before it waits for that', async () => {
    // Longer than the test may take.
    const { ok, api } = await startShop({ settleMs: 3_600_000 });
    const unapproved = { ...withdrawal, additionalParameters: { approval: 'required' } };
    const { id } = await ok('POST', '/payments', unapproved);
    expect(await api('POST', `/payments/${id}/approve`)).toMatchObject({ status: 400 });
  });

  test('a withdrawal waits for approval when it has to', async () => {
    const unapproved = { ...withdrawal, additionalParameters: { approval: 'required' } };
    // One that stays PENDING for as long as the test lasts.
    const slow = await startShop({ settleMs: 60_000 });
    const pending = await slow.ok('POST', '/payments', unapproved);
    expect(await slow.api('POST', `/payments/${pending.id}/approve`)).toMatchObject({ status: 400 });

    const { ok, api } = await startShop();
    const approved = await ok('POST', '/payments', unapproved);
    const rejected = await ok('POST', '/payments', unapproved);
    expect(approved).toMatchObject({ state: 'PENDING' });
    for (const { id } of [approved, rejected]) {
      await expect.poll(() => ok('GET', `/payments/${id}`)).toMatchObject({ state: 'AWAITING_APPROVAL' });
    }

    expect(await ok('POST', `/payments/${approved.id}/approve`)).toMatchObject({ state: 'PENDING' });
    await expect.poll(() => ok('GET', `/payments/${approved.id}`)).toMatchObject({ state: 'COMPLETED' });
    expect(
      await ok('POST', `/payments/${rejected.id}/reject`, { rejectReason: 'Wrong account' }),
    ).toMatchObject({
      state: 'CANCELLED',
      errorCode: '8.00',
      externalResultCode: 'Wrong account',
    });
    expect(await api('POST', `/payments/${approved.id}/approve`)).toMatchObject({ status: 400 });
    expect(await api('POST', `/payments/${rejected.id}/reject`)).toMatchObject({ status: 400 });
  });

  test('a held payout settles when it is driven on', async () => {
    const { ok, control } = await startShop({ settleMs: 0 });
    const held = await ok('POST', '/payments', {
      ...withdrawal,
      additionalParameters: { settle: 'manual' },
    });
    const free = await ok('POST', '/payments', withdrawal);
    await expect.poll(() => ok('GET', `/payments/${free.id}`)).toMatchObject({ state: 'COMPLETED' });
    expect(await ok('GET', `/payments/${held.id}`)).toMatchObject({ state: 'PENDING' });
    await control('POST', `/payments/${held.id}/pay`, { state: 'DECLINED' });
    expect(await ok('GET', `/payments/${held.id}`)).toMatchObject({ state: 'DECLINED', errorCode: '4.02' });
  });

  test('refunds are made of what is left of a completed deposit', async () => {
    const { deposit, ok, api, control } = await startShop();
    const id = await deposit({ additionalParameters: { settle: 'manual' } });
    const refund = (amount: string, fields: Fields = {}) =>
      api('POST', '/payments', {
        paymentType: 'REFUND',
        parentPaymentId: id,
        currency: 'EUR',
        amount: decimal(amount),
        ...fields,
      });

    expect(fieldsOf((await refund('1')).body)).toEqual(['parentPaymentId']);
    await control('POST', `/payments/${id}/pay`, { cardNumber: OK_CARD });
    expect(fieldsOf((await refund('1', { currency: 'USD' })).body)).toEqual(['currency']);
    const first = await refund('6');
    expect(first.body).toMatchObject({ result: { state: 'PENDING', parentPaymentId: id } });
    expect(fieldsOf((await refund('4.01')).body)).toEqual(['amount']);

    const { id: firstId } = (first.body as { result: Fields }).result;
    await control('POST', `/payments/${firstId}/pay`, { state: 'DECLINED' });
    expect(await refund('10')).toMatchObject({ status: 200 });
    expect(await ok('GET', `/payments/${id}`)).toMatchObject({ state: 'COMPLETED' });
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

describe('faults', () => {
  const create = { paymentType: 'DEPOSIT', amount: decimal('10'), currency: 'EUR' };

  test('are used in the order in which they were set, each as often as set', async () => {
    const { api, control } = await startShop();
    await control('POST', '/faults', { on: 'create', kind: '500', times: decimal('2') });
    await control('POST', '/faults', { on: 'create', kind: decimal('429') });
    await control('POST', '/faults', { on: 'get', kind: 'html', times: decimal('1') });
    const statuses = [];
    for (let call = 0; call < 4; call++) statuses.push((await api('POST', '/payments', create)).status);
    expect(statuses).toEqual([500, 500, 429, 200]);
    expect((await control('GET', '/payments')).body).toHaveLength(1);
  });

  test('429-after-accept says that it did not, although it did; what is refused stays refused', async () => {
    const { api, control } = await startShop();
    await control('POST', '/faults', { on: 'create', kind: '429-after-accept', times: decimal('2') });
    const answer = await api('POST', '/payments', create);
    expect(answer).toMatchObject({ status: 429, body: { error: 'Too Many Requests' } });
    expect((await api('POST', '/payments', { ...create, currency: 'x' })).status).toBe(400);
    expect((await control('GET', '/payments')).body).toHaveLength(1);
    expect((await control('GET', '/requests')).body).toMatchObject([
      { status: decimal('429'), answer: { message: 'Too many requests' } },
      { status: decimal('400') },
    ]);
  });

  test('that are set always come until they are cleared', async () => {
    const { api, control } = await startShop();
    const fault = { on: 'list', kind: '500', times: 'always' };
    expect((await control('POST', '/faults', fault)).body).toEqual(fault);
    for (let call = 0; call < 3; call++) expect((await api('GET', '/payments')).status).toBe(500);
    expect((await control('GET', '/faults')).body).toEqual([fault]);
    await control('DELETE', '/faults');
    expect((await api('GET', '/payments')).status).toBe(200);
  });

  test('lag leaves out of a list what changed in the last minute', async () => {
    let now = new Date('2026-03-01T12:00:00Z');
    const { deposit, ok, control } = await startShop({ now: () => now });
    const [open, paid] = [await deposit(), await deposit()];
    now = new Date('2026-03-01T12:05:00Z');
    await control('POST', `/payments/${paid}/pay`, { state: 'COMPLETED' });
    await deposit();
    await control('POST', '/faults', { on: 'list', kind: 'lag', times: decimal('2') });
    expect(await ok('GET', '/payments')).toMatchObject([{ id: open }]);
    now = new Date('2026-03-01T12:06:00Z');
    expect(await ok('GET', '/payments')).toHaveLength(3);
  });

  test.each(['timeout', 'timeout-after-accept'])('%s leaves the caller without an answer', async (kind) => {
    const { api, control } = await startShop();
    await control('POST', '/faults', { on: 'create', kind, times: decimal('1') });
    await expect(api('POST', '/payments', create, { timeoutMs: 100 })).rejects.toThrow(/timeout/);
    expect((await control('GET', '/payments')).body).toHaveLength(kind === 'timeout' ? 0 : 1);
    expect((await control('GET', '/requests')).body).toMatchObject([
      { body: { currency: 'EUR' }, status: null, answer: null },
    ]);
    expect((await api('POST', '/payments', create)).status).toBe(200);
  });

  test('reset cuts the connection', async () => {
    const { api, control } = await startShop();
    await control('POST', '/faults', { on: 'create', kind: 'reset' });
    await expect(api('POST', '/payments', create)).rejects.toThrow('fetch failed');
    expect((await control('GET', '/payments')).body).toHaveLength(0);
  });

  test('html is a 200 without a result', async () => {
    const { api, control } = await startShop();
    await control('POST', '/faults', { on: 'create', kind: 'html' });
    const answer = await api('POST', '/payments', create);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toMatch('text/html');
    expect((await control('GET', '/payments')).body).toHaveLength(0);
  });

  test('slow does at once what was asked and answers late', async () => {
    const { api, control } = await startShop({ slowMs: 200 });
    await control('POST', '/faults', { on: 'create', kind: 'slow' });
    let answered = false;
    const answer = api('POST', '/payments', create).finally(() => {
      answered = true;
    });
    await vi.waitFor(async () => expect((await control('GET', '/payments')).body).toHaveLength(1), {
      interval: 10,
    });
    expect(answered).toBe(false);
    expect((await answer).status).toBe(200);
  });

  test.each([
    ['get', 'GET', `/payments/${NOWHERE}`],
    ['list', 'GET', '/payments'],
    ['patch', 'PATCH', `/payments/${NOWHERE}`],
    ['capture', 'POST', `/payments/${NOWHERE}/capture`],
    ['void', 'POST', `/payments/${NOWHERE}/void`],
    ['approve', 'POST', `/payments/${NOWHERE}/approve`],
    ['reject', 'POST', `/payments/${NOWHERE}/reject`],
    ['chargeback', 'POST', `/payments/${NOWHERE}/chargebacks`],
    ['operations', 'GET', `/payments/${NOWHERE}/operations`],
    ['cards', 'GET', '/customers/jane/card-tokens'],
    ['subscriptions', 'GET', `/subscriptions/${NOWHERE}`],
    ['subscriptions', 'PATCH', `/subscriptions/${NOWHERE}`],
    ['balances', 'GET', '/balances'],
    ['balances', 'GET', '/available-withdrawal-balances'],
  ])('can be set on %s', async (on, method, path) => {
    const { api, control } = await startShop();
    await control('POST', '/faults', { on, kind: '500', times: decimal('1') });
    expect((await api(method, path)).status).toBe(500);
    expect((await api(method, path)).status).not.toBe(500);
  });

  test('are cleared', async () => {
    const { api, control } = await startShop();
    await control('POST', '/faults', { on: 'create', kind: '500' });
    expect((await control('DELETE', '/faults')).status).toBe(204);
    expect((await api('POST', '/payments', create)).status).toBe(200);
  });

  test.each<Fields>([
    { on: 'delete', kind: '500' },
    { on: 'create', kind: 'flood' },
    { on: 'create', kind: 'drop' },
    { on: 'webhook', kind: 'html' },
    { on: 'get', kind: 'timeout-after-accept' },
    { on: 'create', kind: 'lag' },
    { on: 'create', kind: '500', times: 'forever' },
    { on: 'create', kind: '500', times: decimal('0') },
    { on: 'create', kind: '500', times: decimal('1.5') },
    {},
  ])('refuses %o', async (fault) => {
    const { control } = await startShop();
    expect((await control('POST', '/faults', fault)).status).toBe(400);
  });

  test('that make no sense are refused with what does', async () => {
    const { control } = await startShop();
    const { body } = await control('POST', '/faults', { on: 'list', kind: '429-after-accept' });
    expect(body).toMatchObject({
      errors: [
        {
          field: 'kind',
          defaultMessage: expect.stringMatching(/429-after-accept makes no sense on list.*lag/),
        },
      ],
    });
  });
});

describe('webhooks', () => {
  test.each(['hex', 'base64'] as const)('are signed over their bytes, in %s', async (signatureEncoding) => {
    const { url: webhookUrl, received } = await startWebhookEndpoint();
    const { deposit, control } = await startShop({ signatureEncoding, webhookUrl });
    const id = await deposit({ amount: decimal('999999999.123456789012345678') });
    const paid = await control('POST', `/payments/${id}/pay`, { state: 'COMPLETED' });

    await expect.poll(() => received).toHaveLength(1);
    const [{ bytes, headers, object }] = received as [(typeof received)[number]];
    expect(verify(bytes, String(headers.signature), [SIGNING_KEY])).toMatchObject({
      encoding: signatureEncoding,
    });
    expect(bytes.toString()).toContain('"amount":999999999.123456789012345678');
    expect(object).toEqual(paid.body);
    await expect
      .poll(async () => (await control('GET', '/webhooks')).body)
      .toEqual([
        {
          time: expect.any(String),
          paymentId: id,
          body: bytes.toString(),
          signature: headers.signature,
          attempt: decimal('1'),
          status: decimal('200'),
        },
      ]);
  });

  test("go to the payment's own URL first, and nowhere without any", async () => {
    const shops = await startWebhookEndpoint();
    const own = await startWebhookEndpoint();
    const { deposit, control } = await startShop({ webhookUrl: shops.url });
    const id = await deposit({ webhookUrl: own.url });
    await control('POST', `/payments/${id}/pay`, { state: 'AUTHORIZED' });
    await expect.poll(() => own.received).toMatchObject([{ object: { id, state: 'AUTHORIZED' } }]);
    expect(shops.received).toHaveLength(0);

    const quiet = await startShop();
    const unheard = await quiet.deposit();
    await quiet.control('POST', `/payments/${unheard}/pay`, { state: 'COMPLETED' });
    expect((await quiet.control('GET', '/webhooks')).body).toEqual([]);
    expect((await quiet.control('POST', `/payments/${unheard}/webhook`, {})).status).toBe(409);
  });

  test('announce ends and authorizations only', async () => {
    const { url: webhookUrl, received } = await startWebhookEndpoint();
    const { deposit, control } = await startShop({ webhookUrl });
    const id = await deposit();
    for (const state of ['PENDING', 'AUTHORIZED', 'CHECKOUT', 'COMPLETED', 'DECLINED', 'CANCELLED']) {
      await control('POST', `/payments/${id}/pay`, { state });
    }
    await expect.poll(() => received).toHaveLength(4);
    expect(received.map(({ object }) => object.state).sort()).toEqual([
      'AUTHORIZED',
      'CANCELLED',
      'COMPLETED',
      'DECLINED',
    ]);
  });

  test('are repeated until they are answered 200', async () => {
    const { url: webhookUrl, received } = await startWebhookEndpoint(500, 302, 204);
    const { deposit, control } = await startShop({ webhookUrl });
    await control('POST', `/payments/${await deposit()}/pay`, { cardNumber: OK_CARD });
    const statuses = async () =>
      ((await control('GET', '/webhooks')).body as Fields[]).map(({ status }) => String(status));
    await expect.poll(statuses).toEqual(['500', '302', '204', '200']);
    expect(new Set(received.map(({ bytes }) => bytes.toString())).size).toBe(1);
  });

  test('are given up after some attempts', async () => {
    const { deposit, control } = await startShop({
      webhookUrl: 'http://127.0.0.1:1/nobody-listens',
      webhookAttempts: 3,
      webhookRetryMs: 1,
    });
    await control('POST', `/payments/${await deposit()}/pay`, { cardNumber: OK_CARD });
    const attempts = async () => (await control('GET', '/webhooks')).body;
    await expect
      .poll(attempts)
      .toMatchObject([1, 2, 3].map((attempt) => ({ attempt: decimal(`${attempt}`), status: null })));
  });

  test('do not hold up the answer', async () => {
    const { deposit, control } = await startShop({ webhookUrl: 'http://127.0.0.1:1/nobody-listens' });
    const paid = await control('POST', `/payments/${await deposit()}/pay`, { cardNumber: OK_CARD });
    expect(paid.status).toBe(200);
  });

  test('can contradict the truth, signed', async () => {
    const { url: webhookUrl, received } = await startWebhookEndpoint();
    const { deposit, control, ok } = await startShop({ webhookUrl });
    const id = await deposit();
    await control('POST', `/payments/${id}/webhook`, { state: 'COMPLETED', amount: decimal('0.01') });
    await control('POST', `/payments/${id}/webhook`);
    await expect.poll(() => received).toHaveLength(2);
    const lie = received.find(({ object }) => object.state === 'COMPLETED');
    expect(lie?.object).toMatchObject({ id, amount: decimal('0.01') });
    expect(verify(lie!.bytes, String(lie?.headers.signature), [SIGNING_KEY])).toBeTruthy();
    expect(await ok('GET', `/payments/${id}`)).toMatchObject({ state: 'CHECKOUT', amount: decimal('10') });
    expect((await control('POST', `/payments/${NOWHERE}/webhook`, {})).status).toBe(404);
  });

  test('drop loses a webhook with its retries, duplicate sends it twice', async () => {
    const { url: webhookUrl, received } = await startWebhookEndpoint();
    const { deposit, control } = await startShop({ webhookUrl });
    await control('POST', '/faults', { on: 'webhook', kind: 'drop', times: decimal('1') });
    await control('POST', '/faults', { on: 'webhook', kind: 'duplicate', times: decimal('1') });
    const lost = await deposit();
    const twice = await deposit();
    await control('POST', `/payments/${lost}/pay`, { state: 'COMPLETED' });
    await control('POST', `/payments/${twice}/pay`, { state: 'COMPLETED' });
    await expect.poll(() => received).toMatchObject([{ object: { id: twice } }, { object: { id: twice } }]);
    await expect
      .poll(async () => (await control('GET', '/webhooks')).body)
      .toMatchObject([{ paymentId: lost, status: null }, { paymentId: twice }, { paymentId: twice }]);
  });

  test('reorder lets the next one go first, delay holds one back', async () => {
    const { url: webhookUrl, received } = await startWebhookEndpoint();
    const { deposit, control } = await startShop({ webhookUrl, slowMs: 150, reorderMs: 60_000 });
    await control('POST', '/faults', { on: 'webhook', kind: 'delay', times: decimal('1') });
    await control('POST', '/faults', { on: 'webhook', kind: 'reorder', times: decimal('1') });
    const ids = [await deposit(), await deposit(), await deposit()];
    for (const id of ids) await control('POST', `/payments/${id}/pay`, { state: 'COMPLETED' });
    const [delayed, overtaken, next] = ids;
    await expect.poll(() => received.map(({ object }) => object.id)).toEqual([next, overtaken, delayed]);
  });

  test('reorder waits no longer than its limit for another one', async () => {
    const { url: webhookUrl, received } = await startWebhookEndpoint();
    const { deposit, control } = await startShop({ webhookUrl, reorderMs: 30 });
    await control('POST', '/faults', { on: 'webhook', kind: 'reorder', times: decimal('1') });
    await control('POST', `/payments/${await deposit()}/pay`, { state: 'COMPLETED' });
    await expect.poll(() => received).toHaveLength(1);
  });
});

describe('the hosted checkout', () => {
  async function openCheckout(fields: Fields = {}) {
    const shop = await startShop();
    const id = await shop.deposit(fields);
    const url = `${shop.simulator.url}/checkout/${id}`;
    const submit = (form: Record<string, string>, headers: Record<string, string> = {}) =>
      fetch(url, { method: 'POST', body: new URLSearchParams(form), redirect: 'manual', headers });
    return { ...shop, id, url, submit };
  }

  test('shows amount and cards, with everything from outside escaped', async () => {
    const { url } = await openCheckout({ description: '<script>alert("x")</script>' });
    const page = await (await fetch(url)).text();
    expect(page).toContain('10.00 EUR');
    expect(page).toContain('value="4000 0000 0000 0408"');
    expect(page).toContain('&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;');
    expect(page).not.toContain('<script>alert');
  });

  test('pays and returns to the shop with the placeholders filled in', async () => {
    const { id, submit, ok } = await openCheckout({
      referenceId: 'a b/&',
      returnUrl: 'https://shop.example/zurück?id={id}&ref={referenceId}&state={state}&type={type}&x={other}',
    });
    const answer = await submit({ testCard: OK_CARD });
    expect(answer.status).toBe(303);
    expect(answer.headers.get('location')).toBe(
      `https://shop.example/zur%C3%BCck?id=${id}&ref=a%20b%2F%26&state=COMPLETED&type=DEPOSIT&x={other}`,
    );
    expect(await ok('GET', `/payments/${id}`)).toMatchObject({ state: 'COMPLETED' });
    expect((await submit({ testCard: OK_CARD })).status).toBe(409);
  });

  test.each([
    ['passed', 'COMPLETED', undefined],
    ['failed', 'DECLINED', '5.00'],
  ])('asks for 3-D Secure where the card does: %s', async (challenge, state, errorCode) => {
    const { id, submit, ok } = await openCheckout();
    const asked = await submit({ testCard: '4000 0000 0000 0002' });
    expect(await asked.text()).toContain('name="challenge"');
    expect(await ok('GET', `/payments/${id}`)).toMatchObject({ state: 'CHECKOUT' });
    await submit({ testCard: '4000 0000 0000 0002', challenge });
    const paid = await ok('GET', `/payments/${id}`);
    expect([paid.state, paid.errorCode]).toEqual([state, errorCode]);
  });

  test.each([
    ['decline', 'DECLINED', '4.02'],
    ['cancel', 'CANCELLED', '2.00'],
  ])('offers to %s', async (action, state, errorCode) => {
    const { id, submit, ok } = await openCheckout();
    expect((await submit({ action })).headers.get('location')).toBe(`/checkout/${id}`);
    expect(await ok('GET', `/payments/${id}`)).toMatchObject({ state, errorCode });
  });

  test('inside a frame stays there and notifies the page around it', async () => {
    const { id, url, submit } = await openCheckout({ returnUrl: 'https://shop.example/</script>/{state}' });
    const answer = await submit({ testCard: OK_CARD }, { 'sec-fetch-dest': 'iframe' });
    expect(answer.headers.get('location')).toBe(`/checkout/${id}`);
    const page = await (await fetch(url)).text();
    const message = /postMessage\((\{.*\}), '\*'\)/.exec(page)?.[1] ?? '';
    expect(JSON.parse(message)).toEqual({
      source: 'payment-checkout',
      type: 'checkout.state',
      paymentId: id,
      state: 'COMPLETED',
      returnUrl: 'https://shop.example/</script>/COMPLETED',
    });
    expect(page.split('</script>')).toHaveLength(2);
  });

  test('ends when the customer takes too long, and says so to customer and shop', async () => {
    const { url: webhookUrl, received } = await startWebhookEndpoint();
    const { simulator, deposit, ok, control } = await startShop({ webhookUrl, checkoutMs: 100 });
    const paid = await deposit();
    await control('POST', `/payments/${paid}/pay`, { state: 'COMPLETED' });
    const id = await deposit();
    await expect.poll(() => received.map(({ object }) => [object.id, object.state])).toHaveLength(2);
    expect(await ok('GET', `/payments/${id}`)).toMatchObject({ state: 'CANCELLED', errorCode: '1.04' });
    expect(await ok('GET', `/payments/${paid}`)).toMatchObject({ state: 'COMPLETED' });
    const page = await (await fetch(`${simulator.url}/checkout/${id}`)).text();
    expect(page).toContain('Payment cancelled');
  });

  test('takes a card that is typed in, and repeats nothing of one that is wrong', async () => {
    const { id, submit, ok } = await openCheckout();
    const typed = { cardNumber: '4000000000000408', expiry: '12/39', cvv: '123' };
    for (const wrong of [
      { cardNumber: '4111111111111111' },
      { expiry: '01/20' },
      { expiry: '13/39' },
      { cvv: '98' },
    ]) {
      const answer = await submit({ ...typed, ...wrong });
      expect(answer.status).toBe(400);
      const [value] = Object.values(wrong);
      expect(await answer.text()).not.toContain(`"${value}"`);
      expect(await ok('GET', `/payments/${id}`)).toMatchObject({ state: 'CHECKOUT' });
    }
    expect((await submit(typed)).status).toBe(303);
    expect(await ok('GET', `/payments/${id}`)).toMatchObject({ state: 'COMPLETED' });
  });

  test('refuses cards that are none of its own, and payments that it has not', async () => {
    const { simulator, submit } = await openCheckout();
    expect((await submit({ cardNumber: '1234' })).status).toBe(400);
    const missing = await fetch(`${simulator.url}/checkout/${NOWHERE}`);
    expect(missing.status).toBe(404);
    expect(missing.headers.get('content-type')).toMatch('text/html');
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
