import { describe, expect, test } from 'vitest';
import {
  BODY,
  ENOUGH,
  type Ending,
  error,
  half,
  html,
  json,
  made,
  notAccepted,
  PAYMENT,
  paytech,
  READ,
  reset,
  silence,
  unknown,
} from '../support/paytech-server.ts';

/* The client against a real HTTP server: what matters is what it makes of each way in which a call can end. */

describe('a GET', () => {
  const path = '/api/v1/payments/p1';

  test('that is answered is sent once, without a body', async () => {
    const { client, received } = await paytech(made);
    expect(await client.get('p1', ENOUGH)).toEqual({ kind: 'answered', result: READ });
    expect(received).toMatchObject([{ method: 'GET', path, body: '' }]);
    expect(received[0]!.headers).not.toHaveProperty('content-type');
  });

  test.each<[string, Ending]>([
    ['html', html(200)],
    ['a 500', error(500)],
    ['a reset', reset],
    ['half an answer', half],
  ])('that ends in %s is sent again, once', async (_name, ending) => {
    const second = await paytech(ending, made);
    expect(await second.client.get('p1', ENOUGH)).toEqual({ kind: 'answered', result: READ });
    expect(second.received.map((each) => each.path)).toEqual([path, path]);

    const never = await paytech(ending);
    expect(await never.client.get('p1', ENOUGH)).toEqual(unknown);
    expect(never.received).toHaveLength(2);
  });

  test.each([401, 403, 404, 429])('that ends in %i is not sent again', async (status) => {
    const { client, received } = await paytech(error(status), made);
    expect(await client.get('p1', ENOUGH)).toEqual(notAccepted(status));
    expect(received).toHaveLength(1);
  });

  test('is given up at its limit, the second try included', async () => {
    const late: Ending = (response) => setTimeout(() => error(500)(response, response.req), 400);
    const { client, received } = await paytech(late, silence);
    expect(await client.get('p1', 500)).toEqual(unknown);
    expect(received).toHaveLength(2);

    const silent = await paytech(silence);
    expect(await silent.client.get('p1', 100)).toEqual(unknown);
    expect(silent.received).toHaveLength(1);
  });

  test('of an id that is none stays below its path', async () => {
    const { client, received } = await paytech(error(404));
    await client.get('a/b?c=d', ENOUGH);
    expect(received).toMatchObject([{ path: '/api/v1/payments/a%2Fb%3Fc%3Dd' }]);
    expect([...received[0]!.query]).toEqual([]);
  });
});

describe('a list', () => {
  const list = (result: unknown, more: object = {}) => json(200, { status: 200, result, ...more });
  const createdFrom = new Date('2026-03-01T10:00:00.999Z');

  test('always asks from when, in UTC and without fractions, and for the reference as it is', async () => {
    const { client, received } = await paytech(list([]));
    await client.list({ createdFrom, referenceId: 'order/1:a~2' }, ENOUGH);
    await client.list({ createdFrom, limit: 1000, offset: 2000 }, ENOUGH);
    expect(received.map(({ path }) => path)).toEqual(['/api/v1/payments', '/api/v1/payments']);
    expect(received.map(({ query }) => Object.fromEntries(query))).toEqual([
      { 'created.gte': '2026-03-01T10:00:00', 'referenceId.eq': 'order/1:a~2' },
      { 'created.gte': '2026-03-01T10:00:00', limit: '1000', offset: '2000' },
    ]);
  });

  test.each([
    [list([PAYMENT], { hasMore: true }), { payments: [READ], hasMore: true }],
    [list([], { hasMore: false }), { payments: [], hasMore: false }],
    [list([]), { payments: [], hasMore: false }],
    [list([], { hasMore: null }), { payments: [], hasMore: false }],
  ])('is answered', async (ending, result) => {
    const { client } = await paytech(ending);
    expect(await client.list({ createdFrom }, ENOUGH)).toEqual({ kind: 'answered', result });
  });

  test.each([
    [1, undefined, false],
    [2, undefined, true],
    [2, null, true],
    [2, false, false],
    [50, undefined, true, null],
    [49, undefined, false, null],
  ])(
    'of %i entries that says of more %s has more: %s',
    async (length, said, hasMore, limit: number | null = 2) => {
      const more = said === undefined ? {} : { hasMore: said };
      const query = { createdFrom, ...(limit === null ? {} : { limit }) };
      const entries = Array.from({ length }, () => PAYMENT);
      const { client } = await paytech(list(entries, more), list(entries, more));
      expect(await client.list(query, ENOUGH)).toMatchObject({ result: { hasMore } });
      expect(await client.listReadable(query, ENOUGH)).toMatchObject({ result: { hasMore } });
    },
  );

  test.each([
    [{ paymentType: 'DEPOSIT' }, 'CHECKOUT'],
    [{ paymentType: null }, 'CHECKOUT'],
    [{ paymentType: 'DEPOSIT', state: null }, 'CHECKOUT'],
    [{ paymentType: 'DEPOSIT', state: 'SETTLING' }, 'PENDING'],
    [{ paymentType: 'DEPOSIT', state: 'COMPLETED' }, 'COMPLETED'],
    [{ paymentType: 'DEPOSIT', redirectUrl: null }, 'PENDING'],
    [{ paymentType: 'WITHDRAWAL' }, 'PENDING'],
  ])('and create read %j with where the customer pays as %s', async (more, state) => {
    const payment = { id: 'p1', redirectUrl: 'https://engine.pay.tech/checkout/1', ...more };
    const listed = await paytech(list([payment]));
    expect(await listed.client.list({ createdFrom }, ENOUGH)).toMatchObject({
      result: { payments: [{ facts: { state } }] },
    });
    const created = await paytech(json(200, { status: 200, result: payment }));
    expect(await created.client.create(BODY, ENOUGH)).toMatchObject({ result: { facts: { state } } });
  });

  test('is no example for an execution, whose redirectUrl says nothing of the state', async () => {
    const executed = { id: 'p1', paymentType: 'DEPOSIT', redirectUrl: 'https://3ds.example/' };
    const { client } = await paytech(json(200, { status: 200, result: executed }));
    expect(await client.execute('p1', {}, ENOUGH)).toMatchObject({ result: { facts: { state: 'PENDING' } } });
  });

  test.each([undefined, null, 'SETTLING'])(
    'and create read the state %j as PENDING: the payment exists',
    async (state) => {
      const listed = await paytech(list([{ ...PAYMENT, state }]));
      const result = { payments: [{ id: 'p1', facts: { state: 'PENDING' } }] };
      expect(await listed.client.list({ createdFrom }, ENOUGH)).toMatchObject({ result });
      const created = await paytech(json(200, { status: 200, result: { ...PAYMENT, state } }));
      expect(await created.client.create(BODY, ENOUGH)).toMatchObject({
        result: { id: 'p1', facts: { state: 'PENDING' } },
      });
      const got = await paytech(json(200, { status: 200, result: { ...PAYMENT, state } }));
      expect(await got.client.get('p1', ENOUGH)).toEqual(unknown);
    },
  );

  test('and create read an unknown type as none: one such entry hides no other', async () => {
    const strange = { ...PAYMENT, id: 'p2', paymentType: 'REVERSAL' };
    const listed = await paytech(list([strange, PAYMENT]));
    const answer = await listed.client.list({ createdFrom }, ENOUGH);
    expect(answer).toMatchObject({
      result: { payments: [{ id: 'p2' }, { id: 'p1', paymentType: 'DEPOSIT' }] },
    });
    expect(answer).not.toHaveProperty('result.payments.0.paymentType');
    const created = await paytech(json(200, { status: 200, result: strange }));
    expect(await created.client.create(BODY, ENOUGH)).toMatchObject({
      kind: 'answered',
      result: { id: 'p2' },
    });
    const got = await paytech(json(200, { status: 200, result: strange }));
    expect(await got.client.get('p2', ENOUGH)).toEqual(unknown);
  });

  // "Nothing found" must never be read from an answer that does not say so.
  test.each([
    ['no result', json(200, { status: 200 })],
    ['a result that is no list', list(PAYMENT)],
    ['null', list(null)],
    ['an entry that is no payment', list([PAYMENT, { state: 'CHECKOUT' }])],
    ['html', html(200)],
  ])('with %s is unknown', async (_name, ending) => {
    const { client } = await paytech(ending);
    expect(await client.list({ createdFrom }, ENOUGH)).toEqual(unknown);
  });

  test('for those who can do without a few leaves out what is no payment, and counts it', async () => {
    const strange = [5, {}, { ...PAYMENT, id: 'p2', state: 'MELTED' }, { ...PAYMENT, amount: '11.12' }];
    const ending = json(200, { status: 200, result: [PAYMENT, ...strange], hasMore: true });
    const { client, received } = await paytech(ending);
    expect(await client.listReadable({ createdFrom, offset: 250 }, ENOUGH)).toEqual({
      kind: 'answered',
      result: { payments: [expect.objectContaining({ id: PAYMENT.id })], unreadable: 4, hasMore: true },
    });
    expect(received[0]?.query.get('offset')).toBe('250');
  });

  test.each([
    ['a result that is no list', json(200, { result: PAYMENT })],
    ['an error page', html(200)],
  ])('for them too, %s is unknown', async (_name, ending) => {
    const { client } = await paytech(ending);
    expect(await client.listReadable({ createdFrom }, ENOUGH)).toEqual(unknown);
  });
});
