import { describe, expect, test } from 'vitest';
import { decimal } from '../../shared/payment/money.ts';
import { type Fields, fieldsOf, NOWHERE, OK_CARD, startShop } from '../support/simulator.ts';

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
