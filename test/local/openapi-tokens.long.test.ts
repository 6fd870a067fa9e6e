import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { action, paymentsOf, seenAs } from '../support/documented-payments.ts';
import {
  type CallOptions,
  type DocumentedService,
  differenceToDocument,
  newId,
  startDocumentedService,
} from '../support/openapi-service.ts';

/** Every answer that openapi.json documents for recurring charges, saved cards, subscriptions and chargebacks, over HTTP. */

const CHARGE = 'POST /operations/deposits';
const DISPUTE = 'POST /operations/payments/{id}/chargeback';
const CARDS = 'GET /operations/customers/{referenceId}/cards';
const SUBSCRIPTION = 'GET /operations/subscriptions/{id}';
const CANCEL = 'POST /operations/subscriptions/{id}/cancel';
const ROUTES = [CHARGE, DISPUTE, CARDS, SUBSCRIPTION, CANCEL];

let service: DocumentedService;
beforeAll(async () => {
  service = await startDocumentedService({ orderTokens: 'off', settings: { createPaymentAuth: 'iam' } });
});
beforeEach(() => service.simulator('DELETE', '/simulator/faults'));
afterAll(() => service?.stop());

const NO_SUCH_ID = 'nobody';
const call = (route: string, options?: CallOptions) => service.call(route, options);
const codeOf = async (route: string, options?: CallOptions) => (await call(route, options)).code;
const { deposit, paidDeposit, authorizedDeposit } = paymentsOf(() => service);

async function firstPayment(more: object = {}): Promise<string> {
  const id = await deposit({ startRecurring: true, ...more });
  await service.drive(id, 'COMPLETED');
  await service.until(id, 'COMPLETED');
  return id;
}

it('403 without a signature', async () => {
  for (const route of ROUTES) {
    const body = route.startsWith('POST') ? { body: {} } : {};
    const at = { id: NO_SUCH_ID, referenceId: NO_SUCH_ID };
    expect((await call(route, { at, ...body, unsigned: true })).status).toBe(403);
  }
});

describe(CHARGE, () => {
  const charge = (parentPaymentId: string) => ({
    referenceId: newId('renewal'),
    amount: 10,
    currency: 'EUR',
    parentPaymentId,
  });

  it('201, then 200; 400; 409 with other content', async () => {
    const body = charge(await firstPayment());
    expect((await call(CHARGE, { body })).status).toBe(201);
    expect((await call(CHARGE, { body })).status).toBe(200);
    expect(await codeOf(CHARGE, { body: { ...body, recurringToken: 'x' } })).toBe('request.invalid');
    expect(await codeOf(CHARGE, { body: { ...body, amount: 11 } })).toBe('payment.reference_conflict');
  });

  it('404, 409 and 503 where there is no token', async () => {
    expect(await codeOf(CHARGE, { body: charge(NO_SUCH_ID) })).toBe('payment.not_found');
    const plain = charge(await paidDeposit());
    expect(await codeOf(CHARGE, { body: plain })).toBe('payment.state_conflict');
    await service.fault('get', 'reset', 2);
    expect(await codeOf(CHARGE, { body: plain })).toBe('gateway.unavailable');
  });

  it('422, and 503 when the outcome is unknown', async () => {
    const parent = await firstPayment();
    const customer = { phone: '4402072243688' };
    expect(await codeOf(CHARGE, { body: { ...charge(parent), customer } })).toBe('gateway.rejected');
    await service.fault('create', 'reset');
    expect(await codeOf(CHARGE, { body: charge(parent) })).toBe('payment.outcome_unknown');
  });
});

describe(DISPUTE, () => {
  const at = async () => ({ at: { id: await paidDeposit() } });

  it('200, and 200 again', async () => {
    const payment = { ...(await at()), body: { description: 'never arrived' } };
    expect((await call(DISPUTE, payment)).json.chargeback).toMatchObject({ state: 'OPEN' });
    expect((await call(DISPUTE, payment)).status).toBe(200);
  });

  it('400, 404, 409 and 422', async () => {
    expect(await codeOf(DISPUTE, { ...(await at()), body: { state: 'OPEN' } })).toBe('request.invalid');
    expect(await codeOf(DISPUTE, { at: { id: NO_SUCH_ID } })).toBe('payment.not_found');
    expect(await codeOf(DISPUTE, { at: { id: await deposit() } })).toBe('payment.state_conflict');
    const authorized = await authorizedDeposit();
    await service.fault('capture', 'reset');
    await call(action('capture'), { at: { id: authorized } });
    expect(await codeOf(DISPUTE, { at: { id: authorized } })).toBe('operation.conflict');
    const declined = await at();
    await service.fault('webhook', 'drop');
    await service.drive(declined.at.id, 'DECLINED');
    expect(await codeOf(DISPUTE, declined)).toBe('gateway.rejected');
  });

  it('503', async () => {
    const payment = await at();
    await service.fault('chargeback', 'reset');
    expect(await codeOf(DISPUTE, payment)).toBe('operation.outcome_unknown');
    const notThere = await seenAs(service, 'DEPOSIT', 'COMPLETED');
    expect(await codeOf(DISPUTE, { at: { id: notThere } })).toBe('gateway.unavailable');
  });
});

it(`${CARDS} 200, 400 and 503`, async () => {
  const customer = { referenceId: newId('customer') };
  const id = await deposit({ customer });
  await service.simulator('POST', `/simulator/payments/${id}/pay`, { cardNumber: '4000 0000 0000 0408' });
  const of = (referenceId: string) => ({ at: { referenceId } });
  expect((await call(CARDS, of(customer.referenceId))).json.cards).toHaveLength(1);
  expect((await call(CARDS, of(NO_SUCH_ID))).json.cards).toEqual([]);
  expect(await codeOf(CARDS, of('jane@example.com'))).toBe('request.invalid');
  await service.fault('cards', '429');
  expect(await codeOf(CARDS, of(NO_SUCH_ID))).toBe('gateway.unavailable');
});

describe('a subscription', () => {
  async function subscribed(): Promise<{ at: { id: string } }> {
    const first = await firstPayment({
      subscription: { frequency: 1, frequencyUnit: 'MONTH', numberOfCycles: 1 },
    });
    const all = JSON.parse((await service.simulator('GET', '/simulator/subscriptions')).text);
    return { at: all.find(({ parentPaymentId }: { parentPaymentId: string }) => parentPaymentId === first) };
  }

  it(`${SUBSCRIPTION} 200, 404 and 503`, async () => {
    const { at } = await subscribed();
    expect((await call(SUBSCRIPTION, { at })).json).toMatchObject({ state: 'ACTIVE', cycles: [] });
    expect(await codeOf(SUBSCRIPTION, { at: { id: NO_SUCH_ID } })).toBe('subscription.not_found');
    await service.fault('subscriptions', '429');
    expect(await codeOf(SUBSCRIPTION, { at })).toBe('gateway.unavailable');
  });

  it(`${CANCEL} 503, 200, 400 and 404`, async () => {
    const { at } = await subscribed();
    await service.fault('subscriptions', '429');
    expect(await codeOf(CANCEL, { at })).toBe('gateway.unavailable');
    await service.fault('subscriptions', 'reset', 3);
    expect(await codeOf(CANCEL, { at })).toBe('operation.outcome_unknown');
    expect((await call(CANCEL, { at })).json).toMatchObject({ state: 'CANCELLED' });
    expect(await codeOf(CANCEL, { at, body: { colour: 'red' } })).toBe('request.invalid');
    expect(await codeOf(CANCEL, { at: { id: NO_SUCH_ID } })).toBe('subscription.not_found');
  });

  it(`${CANCEL} 422 after its end`, async () => {
    const { at } = await subscribed();
    const cycle = (await service.simulator('POST', `/simulator/subscriptions/${at.id}/cycle`)).json();
    await service.until(String(cycle.id), 'COMPLETED');
    expect(await codeOf(CANCEL, { at })).toBe('gateway.rejected');
  });
});

it('no more and no less is documented than was seen here', () => {
  const elsewhere = [
    // test/integration/recurring.test.ts has them.
    ...['409 payment.in_progress', '409 claim.flagged'].map((end) => `${CHARGE} ${end}`),
    // paytech refuses a question only where we have refused it before; that may change.
    ...[CARDS, SUBSCRIPTION].map((route) => `${route} 422 gateway.rejected`),
    // Nothing but a fault of ours that no test can make.
    ...ROUTES.map((route) => `${route} 500 internal`),
  ];
  const isOurs = (answer: string) =>
    ROUTES.some((route) => answer.startsWith(`${route} `)) && !elsewhere.includes(answer);
  expect(differenceToDocument(isOurs)).toEqual({ unseen: [], undocumented: [] });
});
