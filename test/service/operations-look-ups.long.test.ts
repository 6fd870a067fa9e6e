import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { methodAndPath, OPERATION_ROUTES } from '../../functions/operations/routes.ts';
import { sharedService } from '../support/service.ts';
import { backOfficeOf, type Json } from '../support/service-back-office.ts';
import { signedCalls } from '../support/signed.ts';
import { isDeployed } from '../support/target.ts';

/** The back office from outside: signed HTTP, real bundles, embedded DynamoDB and SQS, simulated paytech. */

const service = await sharedService();
const signed = signedCalls(service);
const caller = service.signer.arn;
beforeEach(() => service.clearFaults());

const { fault, requests, get, post, eventually, full, paidDeposit } = backOfficeOf(service);

describe('the look-ups', () => {
  it('list what paytech has, by its filters and page by page, without customer data', async () => {
    const referenceId = `listed-${randomUUID()}`;
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
    for (let count = 0; count < 2; count++)
      await service.api('POST', '/payments', JSON.stringify({ ...order, referenceId: randomUUID() }));
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
    const body = { referenceId: `payout/${randomUUID()}`, amount: 25, currency: 'EUR' };
    await fault('create', 'reset');
    await fault('list', '500', 2);
    expect((await post('/operations/withdrawals', body)).status).toBe(503);
    const made = [];
    for (const amount of amounts)
      made.push(await service.madeElsewhere({ ...body, amount, paymentType: 'WITHDRAWAL' }));
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
    const decision = { ...claim, outcome: 'sent', paymentId: made[0]!.id, reason: 'the first' };
    const answer = await resolve(decision);
    expect(answer.json()).toMatchObject({ result: 'adopted', payment: { id: made[0]!.id } });
    expect((await post('/operations/withdrawals', body)).json()).toMatchObject({ id: made[0]!.id });
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
    const order = { referenceId: randomUUID(), amount: 5, currency: 'EUR' };
    for (const [method, path, body] of [
      ['POST', '/payments', { ...order, paymentType: 'WITHDRAWAL' }],
      ['POST', '/payments', { ...order, paymentType: 'REFUND', parentPaymentId: paymentId }],
      ['POST', '/payments', { ...order, parentPaymentId: paymentId }],
      ['POST', '/payments', { ...order, refundId: randomUUID(), paymentId }],
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
