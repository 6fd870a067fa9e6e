import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { methodAndPath, OPERATION_ROUTES } from '../../functions/operations/routes.ts';
import { LOCAL_KEYS } from '../../infra/local/local-service.ts';
import { type Service, startService } from '../support/service.ts';
import { signedCalls } from '../support/signed.ts';
import { isDeployed } from '../support/target.ts';

/** The back office from outside: signed HTTP, real bundles, embedded DynamoDB and SQS, simulated paytech. */

let service: Service;
let signed: ReturnType<typeof signedCalls>;
let caller: string;
beforeAll(async () => {
  service = await startService();
  signed = signedCalls(service);
  caller = service.signer.arn;
});
afterAll(() => service.stop());
beforeEach(async () => {
  await service.simulator('DELETE', '/simulator/faults');
});

// biome-ignore lint/suspicious/noExplicitAny: JSON of any answer
type Json = any;

const newId = () => randomUUID();
const fault = (on: string, kind: string, times = 1) =>
  service.simulator('POST', '/simulator/faults', { on, kind, times });
const pay = (id: string, how: object) => service.simulator('POST', `/simulator/payments/${id}/pay`, how);
const requests = async (): Promise<Json[]> =>
  JSON.parse((await service.simulator('GET', '/simulator/requests')).text);

const get = (path: string) => signed('GET', path);
const post = (path: string, body: object | string = {}) =>
  signed('POST', path, typeof body === 'string' ? body : JSON.stringify(body));

async function eventually(check: () => Promise<void>): Promise<void> {
  await vi.waitFor(check, { timeout: 10_000, interval: 20 });
}

async function full(id: string): Promise<Json> {
  return (await get(`/operations/payments/${id}`)).json();
}

/** A payment at paytech itself, made by somebody else with the shop's key. */
async function elsewhere(body: object): Promise<Json> {
  const response = await fetch(`${service.simulatorUrl}/api/v1/payments`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'user-agent': 'another-system/1',
      authorization: `Bearer ${LOCAL_KEYS.apiKey}`,
    },
    body: JSON.stringify(body),
  });
  return ((await response.json()) as Json).result;
}

/** A deposit that the customer has paid, and that says so in the record. */
async function paidDeposit(amount: string, fields: object = {}): Promise<string> {
  const rest = JSON.stringify({ referenceId: `order-${newId()}`, currency: 'EUR', ...fields });
  const created = await service.api('POST', '/payments', `{"amount":${amount},${rest.slice(1)}`);
  const { id } = created.json() as Json;
  await pay(id, { state: 'COMPLETED' });
  await eventually(async () => expect(await full(id)).toMatchObject({ state: 'COMPLETED' }));
  return id;
}

describe('POST /operations/refunds', () => {
  it('pays a part back, then the rest, digit for digit, and follows them to their ends', async () => {
    const paymentId = await paidDeposit('999999999.123456789012345678');
    const [first, rest] = [newId(), newId()];
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
    const request = { refundId: newId(), paymentId, amount: 10 };
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
        post('/operations/refunds', { refundId: newId(), paymentId, amount: 10 }),
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
        JSON.stringify({ referenceId: newId(), amount: 5, currency: 'EUR' }),
      )
    ).json() as Json;
    // That the deposit was paid is asked for by GET.
    const sent = async () => (await requests()).filter(({ method }) => method !== 'GET').length;
    const before = await sent();
    const refused = async (body: object | string, status: number, code: string) => {
      const answer = await post('/operations/refunds', body);
      expect([answer.status, (answer.json() as Json).code], answer.text).toEqual([status, code]);
    };
    const refundId = newId();
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
    await elsewhere({ paymentType: 'REFUND', parentPaymentId: paymentId, amount: 60, currency: 'EUR' });
    const request = { refundId: newId(), paymentId, amount: 50 };
    const rejected = await post('/operations/refunds', request);
    expect(rejected.status).toBe(422);
    expect(rejected.json()).toMatchObject({ code: 'gateway.rejected', errors: [{ field: 'amount' }] });
    expect(await refundable()).toBe('100');

    await fault('create', '429');
    const limited = await post('/operations/refunds', { refundId: newId(), paymentId, amount: 1 });
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
    const request = { refundId: newId(), paymentId };
    const slow = await post('/operations/refunds', request);
    // Its webhook may be faster than the look-up.
    expect([200, 201], slow.text).toContain(slow.status);
    expect((await requests()).filter(({ body }) => body?.referenceId === request.refundId)).toHaveLength(1);
  }, 30_000);

  it('learns of a refund made elsewhere by its webhook', async () => {
    const paymentId = await paidDeposit('100');
    const refund = await elsewhere({
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
    const answer = await post('/operations/refunds', { refundId: newId(), paymentId, amount: 41 });
    expect((answer.json() as Json).code).toBe('refund.exceeds_remainder');
  });
});

describe('POST /operations/withdrawals', () => {
  const request = (fields: object = {}) => ({
    referenceId: `payout-${newId()}`,
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
      referenceId: referenceId === 'new' ? newId() : referenceId,
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
      const order = { referenceId: newId(), amount: 10, currency: 'EUR', preAuth: true };
      const { id } = (await service.api('POST', '/payments', JSON.stringify(order))).json() as Json;
      await pay(id, { cardNumber: '4000 0000 0000 0408' });
      await eventually(async () => expect(await full(id)).toMatchObject({ state: 'AUTHORIZED' }));
      const answer = await post(`/operations/payments/${id}/${action}`, body);
      expect(answer.status, answer.text).toBe(200);
      await eventually(async () => expect(await full(id)).toMatchObject(ends));
    }
  });
});

describe('the look-ups', () => {
  it('list what paytech has, by its filters and page by page, without customer data', async () => {
    const referenceId = `listed-${newId()}`;
    const order = { referenceId, amount: 0.1, currency: 'EUR', customer: { firstName: 'Planted' } };
    const { id } = (await service.api('POST', '/payments', JSON.stringify(order))).json() as Json;
    const byReference = await get(`/operations/payments?referenceId.eq=${referenceId}`);
    expect(byReference.status, byReference.text).toBe(200);
    expect(byReference.json()).toMatchObject({
      payments: [
        { id, referenceId, paymentType: 'DEPOSIT', state: 'CHECKOUT', amount: '0.1', currency: 'EUR' },
      ],
      hasMore: false,
    });
    expect(byReference.text).not.toContain('Planted');
    await service.api('POST', '/payments', JSON.stringify({ ...order, referenceId: newId() }));
    const page = (
      await get('/operations/payments?limit=1&offset=1&created.gte=2020-01-01T00:00:00')
    ).json() as Json;
    expect(page.payments).toHaveLength(1);
    expect(page.hasMore).toBe(true);
    const future = new Date(Date.now() + 60_000).toISOString().slice(0, 19);
    for (const none of [
      `created.gte=${future}`,
      `updated.gte=${future}`,
      'created.lt=2020-01-01T00:00:00',
      'updated.lt=2020-01-01T00:00:00',
    ]) {
      const { payments } = (await get(`/operations/payments?${none}`)).json() as Json;
      expect(payments, none).toEqual([]);
    }
    const [last] = (await requests())
      .filter(({ method, path }) => method === 'GET' && path === '/api/v1/payments')
      .slice(-1);
    expect(Date.parse(`${last.query['created.gte']}Z`)).toBeLessThan(Date.now() - 29 * 86_400_000);
  });

  it.each([
    'limit=0',
    'limit=1001',
    'offset=-1',
    'limit=1&limit=2',
    'created.gte=yesterday',
    'updated.lt=2026-02-31T00:00:00',
    'state=COMPLETED',
    'referenceId.eq=',
  ])('refuse the query %s', async (query) => {
    const answer = await get(`/operations/payments?${query}`);
    expect([answer.status, (answer.json() as Json).code]).toEqual([400, 'request.invalid']);
  });

  it('show the whole record with its history', async () => {
    const id = await paidDeposit('12.5');
    expect(await full(id)).toMatchObject({
      id,
      version: 2,
      refundable: '12.5',
      refunds: [],
      quarantine: [],
      operations: [],
      history: [
        { source: 'create' },
        { source: 'webhook', key: expect.any(String), signature: { encoding: 'hex' } },
      ],
      claim: { kind: 'deposit', stage: 'known', paymentId: id },
    });
    const { version } = await full(id);
    expect(Number.isInteger(version)).toBe(true);
  });

  it('show paytech’s audit trail', async () => {
    const id = await paidDeposit('12.5');
    const { operations } = (await get(`/operations/payments/${id}/gateway-operations`)).json() as Json;
    expect(operations.map(({ operation }: Json) => operation)).toEqual(['CHECKOUT', 'CREATE_PAYMENT']);
  });

  it('show both kinds of balances, digit for digit', async () => {
    await paidDeposit('0.000010000000000001', { currency: 'XTS' });
    const answer = await get('/operations/balances');
    expect(answer.status).toBe(200);
    expect(answer.text).toContain('"currency":"XTS","amount":"0.000010000000000001"}');
    expect(answer.json()).toMatchObject({
      balances: expect.arrayContaining([
        expect.objectContaining({ accountType: 'AVAILABLE', currency: 'EUR' }),
      ]),
      availableWithdrawalBalances: expect.arrayContaining([expect.objectContaining({ currency: 'EUR' })]),
    });
  });

  it.each([
    '/operations/payments/nobody',
    `/operations/payments/${'a'.repeat(32)}`,
    '/operations/payments/a%2520b',
    `/operations/payments/${'a'.repeat(32)}/gateway-operations`,
  ])('answer 404 for %s', async (path) => {
    const answer = await get(path);
    expect([answer.status, (answer.json() as Json).code]).toEqual([404, 'payment.not_found']);
  });

  it('say when paytech cannot be asked', async () => {
    for (const [on, path] of [
      ['list', '/operations/payments'],
      ['balances', '/operations/balances'],
    ] as const) {
      await fault(on, '500', 4);
      const answer = await get(path);
      expect([answer.status, (answer.json() as Json).code]).toEqual([503, 'gateway.unavailable']);
      expect(answer.headers.get('retry-after')).toBe('5');
      await service.simulator('DELETE', '/simulator/faults');
    }
  });
});

describe('POST /operations/claims/resolve', () => {
  /** paytech has something else under the reference of a withdrawal whose outcome is unknown. */
  async function flagged(...amounts: number[]) {
    const body = { referenceId: `payout/${newId()}`, amount: 25, currency: 'EUR' };
    await fault('create', 'reset');
    await fault('list', '500', 2);
    expect((await post('/operations/withdrawals', body)).status).toBe(503);
    const made = [];
    for (const amount of amounts) made.push(await elsewhere({ ...body, amount, paymentType: 'WITHDRAWAL' }));
    expect((await post('/operations/withdrawals', body)).json()).toMatchObject({ code: 'claim.flagged' });
    await eventually(async () => expect((await service.logLines()).join('\n')).toContain('ClaimFlagged'));
    return { body, made, claim: { kind: 'withdrawal', id: body.referenceId } };
  }
  const resolve = (body: object) => post('/operations/claims/resolve', body);

  it('lets a person say that it was not sent', async () => {
    const { body, made, claim } = await flagged(24);
    const notPaymentIds = made.map(({ id }: Json) => id);
    const answer = await resolve({
      ...claim,
      outcome: 'not-sent',
      notPaymentIds,
      reason: 'the 24 are another system’s',
    });
    expect(answer.status, answer.text).toBe(200);
    expect(answer.json()).toEqual({ kind: 'withdrawal', id: body.referenceId, result: 'released' });
    const sent = await post('/operations/withdrawals', body);
    expect(sent.status).toBe(201);
    expect(await full((sent.json() as Json).id)).toMatchObject({
      claim: { attempt: 2, resolutions: [{ caller, outcome: 'not-sent', reason: expect.any(String) }] },
    });
  });

  it('lets a person say which one was sent', async () => {
    const { body, made, claim } = await flagged(25, 25);
    const vague = await resolve({ ...claim, outcome: 'sent', reason: 'one of the two' });
    expect([vague.status, (vague.json() as Json).code]).toEqual([409, 'claim.mismatch']);
    const decision = { ...claim, outcome: 'sent', paymentId: made[0].id, reason: 'the first' };
    const answer = await resolve(decision);
    expect(answer.json()).toMatchObject({ result: 'adopted', payment: { id: made[0].id } });
    expect((await post('/operations/withdrawals', body)).json()).toMatchObject({ id: made[0].id });
    const again = await resolve(decision);
    expect([again.status, (again.json() as Json).code]).toEqual([409, 'claim.not_flagged']);
  });

  it('refuses what is none of its business', async () => {
    const decision = { kind: 'withdrawal', id: 'nobody', outcome: 'sent', reason: 'x' };
    for (const [body, status, code] of [
      [decision, 404, 'claim.not_found'],
      [{ ...decision, kind: 'capture' }, 400, 'request.invalid'],
      [{ ...decision, id: 'a~2' }, 400, 'request.invalid'],
      [{ ...decision, id: undefined }, 400, 'request.invalid'],
      [{ ...decision, reason: undefined }, 400, 'request.invalid'],
      [{ ...decision, notPaymentIds: ['a'] }, 400, 'request.invalid'],
      [{ ...decision, outcome: 'not-sent', paymentId: 'a' }, 400, 'request.invalid'],
    ] as const) {
      const answer = await resolve(body);
      expect([answer.status, (answer.json() as Json).code], answer.text).toEqual([status, code]);
    }
  });

  it.each([
    '/operations/claims/refund/r-1/resolve',
    '/operations/claims/refund/r%2F1/resolve',
    '/operations/claims/operation/p1/resolve',
  ])('is the only route: %s is gone', async (path) => {
    expect((await post(path, { outcome: 'not-sent', reason: 'x' })).status).toBe(404);
  });
});

describe('who may', () => {
  const id = 'a'.repeat(32);
  const routes = OPERATION_ROUTES.map((key) => {
    const [method, path] = methodAndPath(key);
    return [method, path.replace('{id}', id)] as const;
  });

  it.each(routes)(
    '%s %s: nobody without a valid signature, and paytech is not called',
    async (method, path) => {
      const before = await askedOfPaytech();
      const body = method === 'POST' ? '{}' : undefined;
      const unsigned = (headers: Record<string, string> = {}) => service.api(method, path, body, headers);
      const badly = (options: Parameters<typeof signed>[3]) => signed(method, path, body, options);
      const answers = await Promise.all([
        unsigned(),
        unsigned({ origin: service.apiUrl }),
        // The emulator hands this one to the function, which finds no caller and refuses.
        ...(isDeployed ? [] : [unsigned({ authorization: 'Bearer local' })]),
        badly({ secret: 'another' }),
        badly({ ageMs: 6 * 60_000 }),
        badly({ headers: { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' } }),
      ]);
      for (const answer of answers) {
        expect(answer.status).toBe(403);
        // The emulator says what is wrong with a signature.
        if (!isDeployed) expect(answer.json()).toEqual({ message: 'Forbidden' });
      }
      expect(await askedOfPaytech()).toBe(before);
    },
  );

  /** Without what is asked about the payments of earlier tests, whose webhooks still arrive. */
  async function askedOfPaytech(): Promise<number> {
    const isOfAnother = ({ method, path }: Json) =>
      method === 'GET' && /\/payments\/\w{32}$/.test(path) && !path.endsWith(id);
    return (await requests()).filter((request) => !isOfAnother(request)).length;
  }

  it('money goes out by no public route, whatever the body', async () => {
    const paymentId = await paidDeposit('50');
    const order = { referenceId: newId(), amount: 5, currency: 'EUR' };
    for (const [method, path, body] of [
      ['POST', '/payments', { ...order, paymentType: 'WITHDRAWAL' }],
      ['POST', '/payments', { ...order, paymentType: 'REFUND', parentPaymentId: paymentId }],
      ['POST', '/payments', { ...order, parentPaymentId: paymentId }],
      ['POST', '/payments', { ...order, refundId: newId(), paymentId }],
      ['PATCH', `/payments/${paymentId}`, { paymentType: 'REFUND', amount: 5 }],
      ['POST', `/payments/${paymentId}`, { paymentType: 'REFUND' }],
    ] as const) {
      const answer = await service.api(method, path, JSON.stringify(body));
      expect(answer.status, `${method} ${JSON.stringify(body)}`).toBeGreaterThanOrEqual(400);
    }
    const made = JSON.parse((await service.simulator('GET', '/simulator/payments')).text) as Json[];
    expect(made.filter(({ referenceId }) => referenceId === order.referenceId)).toEqual([]);
    expect(made.filter((each) => each.parentPaymentId === paymentId)).toEqual([]);
  });
});
