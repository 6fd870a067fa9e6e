import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { sharedService } from '../support/service.ts';
import { backOfficeOf, type Json } from '../support/service-back-office.ts';

/** The back office from outside: signed HTTP, real bundles, embedded DynamoDB and SQS, simulated paytech. */

const service = await sharedService();
const caller = service.signer.arn;
beforeEach(() => service.clearFaults());

const { fault, pay, requests, get, post, eventually, full, paidDeposit } = backOfficeOf(service);

describe('POST /operations/refunds', () => {
  it('pays a part back, then the rest, digit for digit, and follows them to their ends', async () => {
    const paymentId = await paidDeposit('999999999.123456789012345678');
    const [first, rest] = [randomUUID(), randomUUID()];
    const answer = await post(
      '/operations/refunds',
      `{"refundId":"${first}","paymentId":"${paymentId}","amount":0.100000000000000001}`,
    );
    expect(answer.status, answer.text).toBe(201);
    expect(answer.text).toContain('"amount":"0.100000000000000001",');
    expect(answer.json()).toMatchObject({
      id: expect.stringMatching(/^[A-Za-z0-9]{32}$/),
      refundId: first,
      referenceId: first,
      paymentType: 'REFUND',
      final: false,
      currency: 'EUR',
      parentPaymentId: paymentId,
    });
    const second = await post('/operations/refunds', { refundId: rest, paymentId });
    expect(second.text).toContain('"amount":"999999999.023456789012345677",');
    const parent = await get(`/operations/payments/${paymentId}`);
    expect(parent.text).toContain('"refundable":"0",');
    await eventually(async () => {
      const stages = (await full(paymentId)).refunds.map(({ refundId, stage }: Json) => [refundId, stage]);
      // The sandbox declines refunds over 10000, whose money is then refundable again.
      expect(Object.fromEntries(stages)).toEqual({ [first]: 'settled', [rest]: 'returned' });
    });
    expect((await get(`/operations/payments/${paymentId}`)).text).toContain(
      '"refundable":"999999999.023456789012345677",',
    );
    const { id } = answer.json() as Json;
    await eventually(async () => expect(await service.eventsOf(id)).toHaveLength(1));
    expect(await full(id)).toMatchObject({
      paymentType: 'REFUND',
      state: 'COMPLETED',
      history: [{ source: 'create', caller }, { source: 'webhook' }],
      claim: { kind: 'refund', id: first, stage: 'known', caller },
    });
  });

  it('answers the same refundId again with the same refund, and 409 for another', async () => {
    const paymentId = await paidDeposit('100');
    const request = { refundId: randomUUID(), paymentId, amount: 10 };
    const first = await post('/operations/refunds', request);
    const again = await post('/operations/refunds', request);
    expect([first.status, again.status]).toEqual([201, 200]);
    expect((again.json() as Json).id).toBe((first.json() as Json).id);
    const other = await post('/operations/refunds', { ...request, amount: 11 });
    expect([other.status, (other.json() as Json).code]).toEqual([409, 'payment.reference_conflict']);
  });

  it('pays out exactly 100.00 of fifty refunds of 10.00 at once', async () => {
    const paymentId = await paidDeposit('100.00');
    const answers = await Promise.all(
      Array.from({ length: 50 }, () =>
        post('/operations/refunds', { refundId: randomUUID(), paymentId, amount: 10 }),
      ),
    );
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(10);
    const refused = answers.filter(({ status }) => status !== 201).map((each) => (each.json() as Json).code);
    expect(new Set(refused)).toEqual(new Set(['refund.exceeds_remainder']));
    const calls = (await requests()).filter(({ body }) => body?.parentPaymentId === paymentId);
    expect(calls).toHaveLength(10);
  });

  it('says what is wrong, and sends nothing', async () => {
    const paymentId = await paidDeposit('5');
    const open = (
      await service.api(
        'POST',
        '/payments',
        JSON.stringify({ referenceId: randomUUID(), amount: 5, currency: 'EUR' }),
      )
    ).json() as Json;
    // That the deposit was paid is asked for by GET.
    const sent = async () => (await requests()).filter(({ method }) => method !== 'GET').length;
    const before = await sent();
    const refused = async (body: object | string, status: number, code: string) => {
      const answer = await post('/operations/refunds', body);
      expect([answer.status, (answer.json() as Json).code], answer.text).toEqual([status, code]);
    };
    const refundId = randomUUID();
    await refused({ refundId, paymentId, amount: 5.01 }, 409, 'refund.exceeds_remainder');
    await refused({ refundId, paymentId: 'a'.repeat(32) }, 404, 'payment.not_found');
    await refused({ refundId, paymentId: open.id }, 409, 'payment.state_conflict');
    await refused({ refundId, paymentId, amount: '5,00' }, 400, 'request.invalid');
    await refused({ refundId, paymentId, amount: '5.01' }, 409, 'refund.exceeds_remainder');
    await refused({ refundId, paymentId, amount: 0 }, 400, 'request.invalid');
    await refused({ refundId: 'a~2', paymentId }, 400, 'request.invalid');
    await refused({ refundId, paymentId, currency: 'USD' }, 409, 'payment.reference_conflict');
    await refused({ refundId, paymentId, currency: 'euro' }, 400, 'request.invalid');
    await refused({ paymentId }, 400, 'request.invalid');
    await refused('[', 400, 'request.invalid');
    expect(await sent()).toBe(before);
  });

  it('gives back what paytech refuses, and keeps what it may have done', async () => {
    const paymentId = await paidDeposit('100');
    const refundable = async () => (await full(paymentId)).refundable;
    await fault('webhook', 'drop');
    await service.madeElsewhere({
      paymentType: 'REFUND',
      parentPaymentId: paymentId,
      amount: 60,
      currency: 'EUR',
    });
    const request = { refundId: randomUUID(), paymentId, amount: 50 };
    const rejected = await post('/operations/refunds', request);
    expect(rejected.status).toBe(422);
    expect(rejected.json()).toMatchObject({ code: 'gateway.rejected', errors: [{ field: 'amount' }] });
    expect(await refundable()).toBe('100');

    await fault('create', '429');
    const limited = await post('/operations/refunds', { refundId: randomUUID(), paymentId, amount: 1 });
    expect([limited.status, (limited.json() as Json).code]).toEqual([503, 'payment.outcome_unknown']);
    expect(await refundable()).toBe('99');

    await fault('create', 'html');
    const unknown = await post('/operations/refunds', { ...request, amount: 40 });
    expect([unknown.status, (unknown.json() as Json).code]).toEqual([503, 'payment.outcome_unknown']);
    expect(unknown.headers.get('retry-after')).toBe('3');
    expect(await refundable()).toBe('59');
  });

  it('adopts the refund whose answer was lost', async () => {
    const paymentId = await paidDeposit('100');
    await fault('create', 'timeout-after-accept');
    const request = { refundId: randomUUID(), paymentId };
    const slow = await post('/operations/refunds', request);
    // Its webhook may be faster than the look-up.
    expect([200, 201], slow.text).toContain(slow.status);
    expect((await requests()).filter(({ body }) => body?.referenceId === request.refundId)).toHaveLength(1);
  }, 30_000);

  it('learns of a refund made elsewhere by its webhook', async () => {
    const paymentId = await paidDeposit('100');
    const refund = await service.madeElsewhere({
      paymentType: 'REFUND',
      parentPaymentId: paymentId,
      amount: 60,
      currency: 'EUR',
    });
    await eventually(async () =>
      expect(await full(paymentId)).toMatchObject({
        refundable: '40',
        refunds: [{ paymentId: refund.id, stage: 'settled', amount: '60' }],
      }),
    );
    const answer = await post('/operations/refunds', { refundId: randomUUID(), paymentId, amount: 41 });
    expect((answer.json() as Json).code).toBe('refund.exceeds_remainder');
  });
});

describe('POST /operations/withdrawals', () => {
  const request = (fields: object = {}) => ({
    referenceId: `payout-${randomUUID()}`,
    amount: 25.5,
    currency: 'EUR',
    customer: { firstName: 'Planted', accountNumber: 'GB33BUKB20201555555555' },
    ...fields,
  });

  it('pays out once, records it and announces its end', async () => {
    const body = request();
    const first = await post('/operations/withdrawals', body);
    expect(first.status, first.text).toBe(201);
    const { id } = first.json() as Json;
    expect(first.json()).toMatchObject({
      referenceId: body.referenceId,
      paymentType: 'WITHDRAWAL',
      state: 'PENDING',
      amount: '25.5',
    });
    await eventually(async () => expect(await service.eventsOf(id)).toHaveLength(1));
    const again = await post('/operations/withdrawals', body);
    expect(again.status).toBe(200);
    expect(again.json()).toMatchObject({ id, state: 'COMPLETED', final: true });
    const calls = (await requests()).filter(({ body: sent }) => sent?.referenceId === body.referenceId);
    expect(calls).toHaveLength(1);
    expect(calls[0].body).toMatchObject({
      paymentType: 'WITHDRAWAL',
      webhookUrl: expect.stringMatching(/\/webhooks\/paytech\/[\w-]{8,}$/),
      customer: { accountNumber: 'GB33BUKB20201555555555' },
    });
    expect(JSON.stringify(await service.items()) + (await service.logLines()).join('\n')).not.toMatch(
      /planted|GB33/i,
    );
  });

  it.each([
    ['other content', 409, 'payment.reference_conflict', { customer: { accountNumber: 'other' } }],
    ['a card', 400, 'request.invalid', { referenceId: 'new', card: { cardNumber: '4000000000000408' } }],
    ['a webhookUrl', 400, 'request.invalid', { referenceId: 'new', webhookUrl: 'https://evil.example' }],
    ['an address that is none', 400, 'request.invalid', { referenceId: 'new', customer: { ip: '8.8.8' } }],
    [
      'a phone that paytech refuses',
      422,
      'gateway.rejected',
      { customer: { phone: '4402072243688' }, referenceId: 'new' },
    ],
  ])('refuses %s', async (_, status, code, changed) => {
    const body = request();
    await post('/operations/withdrawals', body);
    const { referenceId = body.referenceId } = changed as { referenceId?: string };
    const answer = await post('/operations/withdrawals', {
      ...body,
      ...changed,
      referenceId: referenceId === 'new' ? randomUUID() : referenceId,
    });
    expect([answer.status, (answer.json() as Json).code], answer.text).toEqual([status, code]);
  });

  it('is approved or rejected by the back office where paytech waits for it', async () => {
    for (const [action, state] of [
      ['approve', 'COMPLETED'],
      ['reject', 'CANCELLED'],
    ] as const) {
      const body = request({ additionalParameters: { approval: 'required' } });
      const { id, state: begins } = (await post('/operations/withdrawals', body)).json() as Json;
      expect(begins).toBe('PENDING');
      await service.untilAtPaytech(id, 'AWAITING_APPROVAL');
      // Until the record waits too, the answer is that it is in progress.
      await eventually(async () => {
        const answer = await post(`/operations/payments/${id}/${action}`);
        expect(answer.status, answer.text).toBe(200);
      });
      await eventually(async () => expect(await full(id)).toMatchObject({ state }));
    }
  });
});

describe('POST /operations/payments/{id}/capture and /void', () => {
  it('take or let go what was authorized', async () => {
    for (const [action, body, ends] of [
      ['capture', { amount: 7 }, { state: 'COMPLETED', amount: '7', refundable: '7' }],
      ['void', {}, { state: 'CANCELLED' }],
    ] as const) {
      const order = { referenceId: randomUUID(), amount: 10, currency: 'EUR', preAuth: true };
      const { id } = (await service.api('POST', '/payments', JSON.stringify(order))).json() as Json;
      await pay(id, { cardNumber: '4000 0000 0000 0408' });
      await eventually(async () => expect(await full(id)).toMatchObject({ state: 'AUTHORIZED' }));
      const answer = await post(`/operations/payments/${id}/${action}`, body);
      expect(answer.status, answer.text).toBe(200);
      await eventually(async () => expect(await full(id)).toMatchObject(ends));
    }
  });
});
