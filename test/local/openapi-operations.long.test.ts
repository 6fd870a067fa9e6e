import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { OPERATION_ROUTES } from '../../functions/operations/routes.ts';
import { LOCAL_KEYS } from '../../infra/local/local-service.ts';
import { MAX_REFUNDS } from '../../shared/payment/refund.ts';
import { raise } from '../../shared/store/standing.ts';
import {
  action,
  BALANCES,
  flaggedClaim,
  forgottenOperation,
  LIST,
  paymentsOf,
  REFUND,
  RESOLVE,
  requestsToPaytech,
  STEPS,
  seenAs,
  WITHDRAW,
  WITHDRAWAL,
} from '../support/documented-payments.ts';
import {
  type CallOptions,
  type DocumentedService,
  differenceToDocument,
  newId,
  startDocumentedService,
} from '../support/openapi-service.ts';

/** Every answer that openapi.json documents for the back office, over HTTP. */

const ACKNOWLEDGE = 'POST /operations/alarms/acknowledge';
const SHOW = 'GET /operations/payments/{id}';

let service: DocumentedService;
/** One whose API key is missing at first, and then one that paytech does not know. */
let locked: DocumentedService;
beforeAll(async () => {
  const withoutTokens = { orderTokens: 'off', settings: { createPaymentAuth: 'iam' } } as const;
  service = await startDocumentedService(withoutTokens);
  locked = await startDocumentedService({ ...withoutTokens, simulator: { apiKey: 'another' } });
});
beforeEach(() => service.simulator('DELETE', '/simulator/faults'));
afterAll(() => Promise.all([service?.stop(), locked?.stop()]));

const NO_SUCH_ID = 'nobody';
const call = (route: string, options?: CallOptions) => service.call(route, options);
const codeOf = async (route: string, options?: CallOptions) => (await call(route, options)).code;
const { deposit, paidDeposit, authorizedDeposit, waitingWithdrawal } = paymentsOf(() => service);

describe('the customer of an IAM-signed POST /payments', () => {
  const sent = async (customer?: object) => {
    const referenceId = newId();
    await deposit({ referenceId, ...(customer && { customer }) });
    const calls = JSON.parse((await service.simulator('GET', '/simulator/requests')).text);
    return calls.find(({ body }: { body: Record<string, unknown> }) => body?.referenceId === referenceId).body
      .customer;
  };

  it('has the address that the merchant’s server says, and never that server’s own', async () => {
    expect(await sent({ firstName: 'Ada', ip: '2001:db8::7' })).toEqual({
      firstName: 'Ada',
      ip: '2001:db8::7',
    });
    expect(await sent({ firstName: 'Ada' })).toEqual({ firstName: 'Ada' });
    expect(await sent()).toBeUndefined();
  });

  it('may have moved when the same order is asked for again', async () => {
    const referenceId = newId();
    const first = await deposit({ referenceId, customer: { ip: '198.51.100.1' } });
    expect(await deposit({ referenceId, customer: { ip: '2001:db8::7' } })).toBe(first);
    expect(await deposit({ referenceId })).toBe(first);
  });
});

/** The routes that ask paytech and move no money by themselves. */
const ONLY_ASKING = [RESOLVE, LIST, STEPS, BALANCES];

describe('where paytech cannot be called', () => {
  it('for want of a key: 500 before anything begins, 503 where paytech is only asked', async () => {
    locked.secrets.set('api-key', '');
    for (const [route, options] of await requestsToPaytech(locked)) {
      const code = ONLY_ASKING.includes(route) ? 'gateway.unavailable' : 'internal';
      expect([route, (await locked.call(route, options)).code]).toEqual([route, code]);
    }
    const broken = { pk: 'payment#broken', id: 'broken', paymentType: 'DEPOSIT', version: 1, history: [] };
    await locked.table.put(broken, ['attribute_not_exists(pk)']);
    expect((await locked.call(SHOW, { at: { id: 'broken' } })).code).toBe('internal');
  });

  it('since it does not know our key: 503', async () => {
    locked.secrets.set('api-key', LOCAL_KEYS.apiKey);
    for (const [route, options] of await requestsToPaytech(locked)) {
      expect([route, (await locked.call(route, options)).code]).toEqual([route, 'gateway.unavailable']);
    }
  });
});

it('403 without a signature, on every route', async () => {
  const at = { id: NO_SUCH_ID, referenceId: NO_SUCH_ID };
  for (const route of ['POST /payments', ...OPERATION_ROUTES]) {
    const body = route.startsWith('POST') ? { body: {} } : {};
    expect((await call(route, { at, ...body, unsigned: true })).status).toBe(403);
  }
});

describe.each([
  [
    'refunds',
    REFUND,
    async () => ({ refundId: newId('refund'), paymentId: await paidDeposit(), amount: 10 }),
  ],
  ['withdrawals', WITHDRAW, async () => ({ ...WITHDRAWAL, referenceId: newId('withdrawal') })],
])('%s', (_name, route, newBody) => {
  it('201, then 200; 400; 409 with other content', async () => {
    const body = await newBody();
    expect((await call(route, { body })).status).toBe(201);
    expect((await call(route, { body })).status).toBe(200);
    expect(await codeOf(route, { body: { ...body, colour: 'red' } })).toBe('request.invalid');
    expect(await codeOf(route, { body: { ...body, amount: 11 } })).toBe('payment.reference_conflict');
  });

  it('409 while it is created, 503 when the outcome is unknown', async () => {
    const body = await newBody();
    // Else it tells what became of the refund before its call is answered.
    if (route === REFUND) await service.fault('webhook', 'drop');
    await service.fault('create', 'slow');
    const slow = call(route, { body });
    const isCalled = async () => JSON.parse((await service.simulator('GET', '/simulator/requests')).text);
    const id = 'refundId' in body ? body.refundId : body.referenceId;
    await vi.waitFor(async () =>
      expect(await isCalled()).toContainEqual(
        expect.objectContaining({ body: expect.objectContaining({ referenceId: id }) }),
      ),
    );
    expect(await codeOf(route, { body })).toBe('payment.in_progress');
    await slow;
    const another = await newBody();
    await service.fault('create', 'reset');
    expect(await codeOf(route, { body: another })).toBe('payment.outcome_unknown');
  });
});

describe(REFUND, () => {
  const refundOf = (paymentId: string, amount = 10) => ({
    body: { refundId: newId('refund'), paymentId, amount },
  });

  it('404, 409 and 422', async () => {
    expect(await codeOf(REFUND, refundOf(NO_SUCH_ID))).toBe('payment.not_found');
    expect(await codeOf(REFUND, refundOf(await deposit()))).toBe('payment.state_conflict');
    const paid = await paidDeposit();
    expect(await codeOf(REFUND, refundOf(paid, 101))).toBe('refund.exceeds_remainder');
    const { body } = refundOf(paid);
    expect(await codeOf(REFUND, { body: { ...body, currency: 'USD' } })).toBe('payment.reference_conflict');
    expect((await call(REFUND, { body: { ...body, currency: 'EUR' } })).status).toBe(201);
    expect(await codeOf(REFUND, refundOf(await seenAs(service, 'DEPOSIT', 'COMPLETED')))).toBe(
      'gateway.rejected',
    );

    const item = await service.table.get(`payment#${paid}`);
    const refunds = Array.from({ length: MAX_REFUNDS }, (_none, index) => [
      `refund:${index}`,
      { stage: 'returned', amount: '1' },
    ]);
    await service.table.put(
      { ...item, pk: `payment#${paid}`, ...Object.fromEntries(refunds), refundCount: MAX_REFUNDS },
      ['attribute_exists(pk)'],
    );
    expect(await codeOf(REFUND, refundOf(paid))).toBe('refund.too_many');
  });
});

it(`${WITHDRAW} 422`, async () => {
  const body = { ...WITHDRAWAL, referenceId: newId(), customer: { phone: '4402072243688' } };
  expect(await codeOf(WITHDRAW, { body })).toBe('gateway.rejected');
});

describe.each([
  ['capture', authorizedDeposit, 'void', 'CANCELLED'],
  ['void', authorizedDeposit, 'capture', 'COMPLETED'],
  ['approve', waitingWithdrawal, 'reject', 'CANCELLED'],
  ['reject', waitingWithdrawal, 'approve', 'PENDING'],
] as const)('%s', (name, newPayment, other, otherState) => {
  const at = async () => ({ at: { id: await newPayment() } });

  it('200, and 200 again', async () => {
    const payment = await at();
    expect((await call(action(name), payment)).status).toBe(200);
    expect((await call(action(name), payment)).status).toBe(200);
  });

  it('400, 404 and 409 in another state', async () => {
    expect(await codeOf(action(name), { ...(await at()), body: { colour: 'red' } })).toBe('request.invalid');
    expect(await codeOf(action(name), { at: { id: NO_SUCH_ID } })).toBe('payment.not_found');
    expect(await codeOf(action(name), { at: { id: await deposit() } })).toBe('payment.state_conflict');
  });

  it('409 as long as the outcome is unknown', async () => {
    const payment = await at();
    await service.fault(name, 'reset');
    expect(await codeOf(action(name), payment)).toBe('operation.outcome_unknown');
    expect(await codeOf(action(name), payment)).toBe('operation.in_progress');
    expect(await codeOf(action(other), payment)).toBe('operation.conflict');
  });

  it('422 when paytech knows better', async () => {
    const payment = await at();
    await service.fault('webhook', 'drop');
    await service.drive(payment.at.id, otherState);
    expect(await codeOf(action(name), payment)).toBe('gateway.rejected');
  });
});

describe(`${RESOLVE} of a claim`, () => {
  const resolve = (id: string, decision: object = {}) =>
    call(RESOLVE, {
      body: { kind: 'withdrawal', id, outcome: 'not-sent', reason: 'asked paytech', ...decision },
    });

  it('200 when it is released, and when a payment is adopted', async () => {
    const released = await resolve(await flaggedClaim(service));
    expect(released).toMatchObject({ status: 200, json: { result: 'released' } });

    const referenceId = await flaggedClaim(service);
    await fetch(`${service.simulatorUrl}/api/v1/payments`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${LOCAL_KEYS.apiKey}`,
        'user-agent': 'test-shop/1.0',
        'content-type': 'application/json',
      },
      body: JSON.stringify({ ...WITHDRAWAL, referenceId, paymentType: 'WITHDRAWAL' }),
    });
    const adopted = await resolve(referenceId, { outcome: 'sent' });
    expect(adopted).toMatchObject({ status: 200, json: { result: 'adopted', payment: { referenceId } } });
    expect((await resolve(referenceId)).code).toBe('claim.not_flagged');
  });

  it('400, 404 and 409', async () => {
    const flagged = await flaggedClaim(service);
    expect((await resolve(flagged, { reason: '' })).code).toBe('request.invalid');
    expect((await resolve(NO_SUCH_ID)).code).toBe('claim.not_found');
    expect((await resolve(flagged, { outcome: 'sent' })).code).toBe('claim.mismatch');
  });
});

describe(ACKNOWLEDGE, () => {
  const acknowledge = (id: string, more: object = {}) =>
    call(ACKNOWLEDGE, { body: { kind: 'order-paid-twice', id, reason: 'both were meant', ...more } });
  const standing = async (found = ['a', 'b']) => {
    const id = newId();
    await raise(service.table, { alarm: 'order-paid-twice', id, found }, Date.now());
    return id;
  };

  it('200, and who says why is in the record', async () => {
    const id = await paidDeposit();
    await raise(service.table, { alarm: 'event-quarantined', id, found: ['event 1'] }, Date.now());
    expect((await call(SHOW, { at: { id } })).json.alarms).toEqual([
      {
        kind: 'event-quarantined',
        id,
        found: ['event 1'],
        since: expect.any(String),
        acknowledgements: [],
      },
    ]);
    expect(await acknowledge(id, { kind: 'event-quarantined', found: ['event 1', 'event 2'] })).toMatchObject(
      {
        status: 200,
        json: { kind: 'event-quarantined', id, result: 'acknowledged', found: ['event 1'] },
      },
    );
    const by = {
      at: expect.any(String),
      caller: expect.stringContaining('local'),
      reason: 'both were meant',
      found: ['event 1'],
    };
    expect((await call(SHOW, { at: { id } })).json.alarms).toEqual([
      { kind: 'event-quarantined', id, acknowledgements: [by] },
    ]);
  });

  it('400, 404 and 409', async () => {
    expect((await acknowledge(await standing(), { reason: '' })).code).toBe('request.invalid');
    expect((await acknowledge(newId(), { kind: 'api-5xx' })).code).toBe('request.invalid');
    expect((await acknowledge(newId())).code).toBe('alarm.not_found');
    expect((await acknowledge(await standing(), { found: ['a'] })).code).toBe('alarm.changed');
    const flagged = `withdrawal/${await flaggedClaim(service)}`;
    expect((await acknowledge(flagged, { kind: 'claim-flagged' })).code).toBe('alarm.not_acknowledgeable');
  });

  it('500 where the table refuses', async () => {
    const open = { openShard: 'standing#order-paid-twice', dueAt: 0, found: ['a', 'b'], since: '' };
    const broken = { pk: 'standing#order-paid-twice#broken', ...open, revision: 1, acknowledgements: 'x' };
    await service.table.put(broken, ['attribute_not_exists(pk)']);
    expect((await acknowledge('broken')).code).toBe('internal');
  });
});

describe(`${RESOLVE} of an operation`, () => {
  const resolve = (id: string, decision: object = {}) =>
    call(RESOLVE, {
      body: { kind: 'operation', id, outcome: 'not-sent', reason: 'asked paytech', ...decision },
    });

  it('200 when it is released, and when it had taken effect', async () => {
    const [unmoved, moved] = [await authorizedDeposit(), await authorizedDeposit()];
    await forgottenOperation(service, unmoved);
    expect(await resolve(unmoved)).toMatchObject({ status: 200, json: { result: 'released' } });
    await forgottenOperation(service, moved);
    await service.fault('webhook', 'drop');
    await service.drive(moved, 'COMPLETED');
    const adopted = await resolve(moved);
    expect(adopted).toMatchObject({ status: 200, json: { result: 'adopted', payment: { id: moved } } });
    expect(await call(SHOW, { at: { id: unmoved } })).toMatchObject({ status: 200 });
  });

  it('400, 404 and 409', async () => {
    const id = await authorizedDeposit();
    expect((await resolve(id, { outcome: 'sent' })).code).toBe('request.invalid');
    expect((await resolve(NO_SUCH_ID)).code).toBe('payment.not_found');
    expect((await resolve(id)).code).toBe('claim.not_flagged');
    await service.fault('capture', 'reset');
    await call(action('capture'), { at: { id } });
    expect((await resolve(id)).code).toBe('operation.in_progress');
  });
});

describe('look-ups', () => {
  it(`${LIST} 200 and 400`, async () => {
    const id = await paidDeposit();
    const { json } = await call(LIST, { query: '?limit=1000&created.gte=2020-01-01T00:00:00' });
    expect(json.payments).toContainEqual(expect.objectContaining({ id, state: 'COMPLETED' }));
    expect(await codeOf(LIST, { query: '?limit=0' })).toBe('request.invalid');
  });

  it(`${SHOW} 200 with all that can be on record, and 404`, async () => {
    const id = await paidDeposit();
    await call(REFUND, { body: { refundId: newId('refund'), paymentId: id, amount: 10 } });
    await service.simulator('POST', `/simulator/payments/${id}/webhook`, { state: 'CANCELLED' });
    await vi.waitFor(
      async () => expect(await service.item(`payment#${id}`)).toMatchObject({ quarantined: '1' }),
      { timeout: 10_000 },
    );
    const { json } = await call(SHOW, { at: { id } });
    expect(json).toMatchObject({ id, refunds: [{ amount: '10' }], quarantine: [{ state: 'CANCELLED' }] });

    const captured = await authorizedDeposit();
    await call(action('capture'), { at: { id: captured } });
    await service.until(captured, 'COMPLETED');
    expect((await call(SHOW, { at: { id: captured } })).json).toMatchObject({
      operations: [{ kind: 'capture' }],
    });
    expect(await codeOf(SHOW, { at: { id: NO_SUCH_ID } })).toBe('payment.not_found');
  });

  it(`${STEPS} 200 and 404`, async () => {
    expect((await call(STEPS, { at: { id: await deposit() } })).json.operations).not.toHaveLength(0);
    expect(await codeOf(STEPS, { at: { id: NO_SUCH_ID } })).toBe('payment.not_found');
  });

  it(`${BALANCES} 200`, async () => {
    expect((await call(BALANCES)).json.balances).not.toHaveLength(0);
  });
});

it('no more and no less is documented than was seen here', () => {
  // paytech refuses a query only where we have refused it before; that may change.
  const unreachable = [LIST, STEPS, BALANCES].map((route) => `${route} 422 gateway.rejected`);
  // Nothing but a fault of ours that no test can make.
  unreachable.push(...ONLY_ASKING.map((route) => `${route} 500 internal`));
  // test/integration/withdrawals.test.ts and refunds.test.ts have them.
  const elsewhere = ['/operations/refunds', '/operations/withdrawals'].map(
    (path) => `POST ${path} 409 claim.flagged`,
  );
  // test/service/tokens.long.test.ts has it.
  elsewhere.push(`${REFUND} 409 refund.chargeback`);
  // test/local/openapi-tokens.long.test.ts has all of these.
  const ofTokens = /\/operations\/(deposits|subscriptions|customers|payments\/\{id\}\/chargeback)\b/;
  const isOurs = (answer: string) =>
    answer.includes(' /operations/') &&
    !ofTokens.test(answer) &&
    ![...unreachable, ...elsewhere].includes(answer);
  expect(differenceToDocument(isOurs)).toEqual({ unseen: [], undocumented: [] });
});
