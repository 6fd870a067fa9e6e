import { describe, expect, test } from 'vitest';
import { ANSWER_FORMS, type AnswerForm } from '../../infra/local/simulator/answer-forms.ts';
import { parseJson } from '../../shared/payment/json.ts';
import { decimal } from '../../shared/payment/money.ts';
import { answerProblem, webhookProblem } from '../support/paytech-forms.ts';
import { type Fields, OK_CARD, type Shop, startShop, startWebhookEndpoint } from '../support/simulator.ts';

const EUR = (amount: string) => ({ amount: decimal(amount), currency: 'EUR' });
const CUSTOMER = {
  referenceId: 'jane',
  email: 'jane@example.com',
  accountNumber: 'DE89370400440532013000',
  depositsCnt: decimal('3'),
};

/** One call of each kind that succeeds, and the webhooks that come of them. */
async function callEverything(shop: Shop): Promise<void> {
  const { ok, control, deposit } = shop;
  const act = (id: string, action: string, body?: Fields) => ok('POST', `/payments/${id}/${action}`, body);
  const pay = (id: unknown, how: Fields) => control('POST', `/payments/${id}/pay`, how);
  const reaches = (id: string, state: string) =>
    expect.poll(async () => (await control('GET', `/payments/${id}`)).body).toMatchObject({ state });

  const order = {
    referenceId: 'order-1',
    customer: CUSTOMER,
    description: 'Shoes',
    additionalParameters: { shelf: '7' },
  };
  const first = await deposit({
    ...order,
    startRecurring: true,
    subscription: { frequency: decimal('1'), frequencyUnit: 'MONTH' },
  });
  await pay(first, { cardNumber: OK_CARD, savedByCustomer: true });
  await control('POST', `/payments/${first}/cascade`);
  const [{ id: subscription }] = (await control('GET', '/subscriptions')).body as [Fields];
  await control('POST', `/subscriptions/${subscription}/cycle`);
  await ok('GET', `/subscriptions/${subscription}`);
  await ok('PATCH', `/subscriptions/${subscription}`, { state: 'CANCELLED' });

  const declined = await deposit(order);
  await pay(declined, { state: 'DECLINED' });
  const executed = await deposit({ ...order, paymentMethod: 'PIX' });
  await ok('PATCH', `/payments/${executed}`, { customerIp: '2001:db8::1' });
  const converted = await deposit(order);
  await pay(converted, { state: 'COMPLETED', amount: decimal('9.5'), currency: 'USD' });
  for (const action of ['capture', 'void']) {
    const authorized = await deposit({ ...order, preAuth: true });
    await pay(authorized, { cardNumber: OK_CARD });
    await act(authorized, action);
  }
  const withdrawal = {
    ...order,
    ...EUR('5'),
    paymentType: 'WITHDRAWAL',
    additionalParameters: { approval: 'required' },
  };
  for (const action of ['approve', 'reject']) {
    const id = String((await ok('POST', '/payments', withdrawal)).id);
    await reaches(id, 'AWAITING_APPROVAL');
    await act(id, action, action === 'reject' ? { rejectReason: 'Wrong account' } : undefined);
  }
  await ok('POST', '/payments', { ...EUR('1'), paymentType: 'REFUND', parentPaymentId: first });
  await act(first, 'chargebacks', { description: 'Not mine', state: 'DECLINED' });
  for (const id of [first, declined, executed, converted]) await ok('GET', `/payments/${id}`);
  await ok('GET', `/payments/${first}/operations`);
  await ok('GET', '/payments');
  await ok('GET', '/customers/jane/card-tokens');
  await ok('GET', '/balances');
  await ok('GET', '/available-withdrawal-balances');
}

interface Seen {
  answers: { call: string; result: unknown }[];
  webhooks: Fields[];
}

/** What the shop gets while it calls everything; throws on what is not as the contract says. */
async function heardIn(form: AnswerForm, seed = 1): Promise<Seen> {
  const { url: webhookUrl } = await startWebhookEndpoint();
  const shop = await startShop({ webhookUrl, answers: { form, seed } });
  await callEverything(shop);
  const requests = (await shop.control('GET', '/requests')).body as Fields[];
  const answers = requests.map(({ method, path, status, answer }) => {
    const call = String(path).replace('/api/v1', '');
    expect(
      answerProblem(String(method), call, Number(String(status)), answer),
      `${method} ${path}`,
    ).toBeUndefined();
    return { call: `${method} ${call.replaceAll(/\w{32}/g, '{id}')}`, result: (answer as Fields).result };
  });
  const webhooks = ((await shop.control('GET', '/webhooks')).body as Fields[]).map(
    ({ body }) => parseJson(String(body)) as Fields,
  );
  for (const webhook of webhooks) expect(webhookProblem(webhook)).toBeUndefined();
  return { answers, webhooks };
}

const resultsOf = ({ answers }: Seen, call: string) =>
  answers.filter((answer) => answer.call === call).flatMap(({ result }) => result as Fields[]);
const namesIn = (objects: readonly Fields[]) => new Set(objects.flatMap((object) => Object.keys(object)));

describe('everything that the simulator says is as the contract has it', () => {
  test.each(ANSWER_FORMS)('in the form %s', async (form) => {
    const seen = await heardIn(form);
    expect(new Set(seen.answers.map(({ call }) => call)).size).toBe(15);
    expect(seen.webhooks.length).toBeGreaterThan(8);
  });

  test('and what is not is noticed', () => {
    const answered = (payment: Fields) => ({
      timestamp: '2026-03-01T12:00:00.000+00:00',
      status: decimal('200'),
      result: { id: 'a'.repeat(32), state: 'COMPLETED', ...payment },
    });
    const problem = (payment: Fields) => answerProblem('GET', '/payments/1', 200, answered(payment));
    expect(problem({ referenceId: null, internalState: 'ROUTED' })).toBeUndefined();
    for (const wrong of [
      { refundable: decimal('1') },
      { amount: '1' },
      { customer: { accountNumber: 'DE89' } },
      { paymentMethodDetails: { customerAccountNumber: '4000000000000408' } },
      { redirectUrl: `https://x.example/${'x'.repeat(256)}` },
      { created: '2026-03-01T12:00:00Z' },
      { id: 'short' },
      { state: undefined },
    ]) {
      expect(problem(wrong), JSON.stringify(wrong)).toBeDefined();
    }
    expect(webhookProblem({ id: 'a'.repeat(32), refundable: null })).toBeDefined();
    expect(answerProblem('GET', '/balances', 200, { ...answered({}), result: [], hasMore: false })).toMatch(
      'hasMore',
    );
    expect(answerProblem('GET', '/payments', 400, {})).toBeDefined();
    expect(answerProblem('GET', '/refunds', 200, {})).toMatch('no such call');
  });
});

describe('whole', () => {
  test('describes the customer, in lists the account too, and leaves out there what lists do not have', async () => {
    const seen = await heardIn('whole');
    for (const each of [...resultsOf(seen, 'GET /payments/{id}'), ...seen.webhooks]) {
      expect(namesIn([(each.customer ?? {}) as Fields])).not.toContain('accountNumber');
      expect(namesIn([(each.customer ?? {}) as Fields])).not.toContain('depositsCnt');
    }
    const listed = resultsOf(seen, 'GET /payments');
    expect(listed).toContainEqual(
      expect.objectContaining({
        customer: expect.objectContaining({ accountNumber: CUSTOMER.accountNumber }),
      }),
    );
    const names = namesIn(listed);
    for (const name of ['externalId', 'externalRefs', 'additionalParameters', 'redirectUrl']) {
      expect(names).not.toContain(name);
    }
    expect(namesIn(resultsOf(seen, 'GET /payments/{id}'))).toContain('externalRefs');
    expect(seen.webhooks).toContainEqual(
      expect.objectContaining({
        amount: decimal('9.5'),
        customerAmount: decimal('10'),
        customerCurrency: 'EUR',
      }),
    );
  });
});

describe('sparse', () => {
  test('says an id and a state in webhooks, and five fields in the answer to a create', async () => {
    const seen = await heardIn('sparse');
    expect(namesIn(seen.webhooks)).toEqual(new Set(['id', 'state']));
    const [first, ...others] = resultsOf(seen, 'POST /payments');
    const five = ['id', 'paymentType', 'redirectUrl', 'referenceId', 'state'];
    expect(Object.keys(first!).sort()).toEqual([...five, 'recurringToken'].sort());
    for (const created of others) {
      expect(five).toEqual(expect.arrayContaining(Object.keys(created)));
    }
  });

  test('says by GET what is paid, null for the rest, and never what was asked for', async () => {
    const seen = await heardIn('sparse');
    const [, declined, executed, converted] = resultsOf(seen, 'GET /payments/{id}');
    expect(declined).toMatchObject({
      state: 'DECLINED',
      errorCode: null,
      referenceId: null,
      parentPaymentId: null,
    });
    expect(declined?.created).toMatch(/T\d\d:\d\d:\d\d\.\d{9}$/);
    expect(converted).toMatchObject({ amount: decimal('9.5'), currency: 'USD', customerAmount: null });
    expect(JSON.parse(String(executed?.externalRefs))).toMatchObject({ reference: expect.any(String) });
    const [patched] = resultsOf(seen, 'PATCH /payments/{id}');
    expect(JSON.parse(String(patched?.externalRefs))).toMatchObject({
      qrCode: expect.stringMatching(/^data:image\/png;base64,.{2000}/),
    });
    const names = namesIn(resultsOf(seen, 'GET /payments'));
    expect([...names].sort()).toEqual([
      'amount',
      'created',
      'currency',
      'customer',
      'id',
      'parentPaymentId',
      'paymentType',
      'referenceId',
      'state',
    ]);
  });

  test('can be asked for at any time, and for one call or webhook', async () => {
    const { url: webhookUrl, received } = await startWebhookEndpoint();
    const { deposit, ok, control } = await startShop({ webhookUrl });
    const id = await deposit({ referenceId: 'order-1' });
    await control('POST', '/faults', { on: 'get', kind: 'sparse' });
    expect(await ok('GET', `/payments/${id}`)).toMatchObject({ referenceId: null });
    expect(await ok('GET', `/payments/${id}`)).toMatchObject({ referenceId: 'order-1' });

    await control('POST', '/faults', { on: 'webhook', kind: 'sparse' });
    await control('POST', `/payments/${id}/pay`, { state: 'COMPLETED' });
    await expect.poll(() => received).toMatchObject([{ object: { id, state: 'COMPLETED' } }]);
    expect(Object.keys(received[0]!.object)).toEqual(['id', 'state']);

    const sparse = { form: 'sparse', seed: decimal('1') };
    expect((await control('GET', '/answers')).body).toMatchObject({ form: 'whole' });
    expect((await control('POST', '/answers', { form: 'sparse' })).body).toEqual(sparse);
    expect((await control('GET', '/answers')).body).toEqual(sparse);
    const lie = await control('POST', `/payments/${id}/webhook`, { amount: decimal('1') });
    expect(lie.body).toEqual({ id, state: 'COMPLETED', amount: decimal('1') });
    expect((await control('GET', `/payments/${id}`)).body).toMatchObject({ referenceId: 'order-1' });
    await control('POST', '/answers', { form: 'whole' });
    expect(await ok('GET', `/payments/${id}`)).toMatchObject({ referenceId: 'order-1' });
  });

  test.each([{}, { form: 'terse' }, { form: 'random', seed: decimal('0.5') }])(
    'is not %o',
    async (answers) => {
      const { control } = await startShop();
      expect((await control('POST', '/answers', answers)).status).toBe(400);
    },
  );
});

describe('random', () => {
  async function getsOf(seed: number) {
    const now = () => new Date('2026-03-01T12:00:00Z');
    const { deposit, ok, control } = await startShop({ now });
    const id = await deposit({ customer: CUSTOMER, additionalParameters: { shelf: '7' } });
    await control('POST', '/answers', { form: 'random', seed: decimal(String(seed)) });
    const gets: Fields[] = [];
    for (let call = 0; call < 40; call++) gets.push(await ok('GET', `/payments/${id}`));
    return gets.map((fields) => ({ ...fields, id: 'id', redirectUrl: fields.redirectUrl && 'redirectUrl' }));
  }

  test('lets each field come, be null or be missing, in each way that has been seen, the same by a seed', async () => {
    const gets = await getsOf(7);
    const valuesOf = (name: string) =>
      new Set(
        gets.map((fields: Fields) => (name in fields ? String(JSON.stringify(fields[name])) : 'absent')),
      );
    expect(valuesOf('amount')).toEqual(new Set(['"10"', 'null', 'absent']));
    // Seen filled also where it is what the provider got.
    expect(valuesOf('customerAmount')).toEqual(new Set(['"10"', 'null', 'absent']));
    expect(valuesOf('created')).toEqual(
      new Set(['"2026-03-01T12:00:00"', '"2026-03-01T12:00:00.333558401"', 'null', 'absent']),
    );
    expect(valuesOf('additionalParameters')).toContain(JSON.stringify('{"shelf":"7"}'));
    expect(valuesOf('state')).toEqual(new Set(['"CHECKOUT"']));
    expect(await getsOf(7)).toEqual(gets);
    expect(await getsOf(8)).not.toEqual(gets);
  });
});
