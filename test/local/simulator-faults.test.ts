import { describe, expect, test, vi } from 'vitest';
import { decimal } from '../../shared/payment/money.ts';
import { type Fields, NOWHERE, startShop } from '../support/simulator.ts';

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
    expect((await control('POST', '/faults', fault)).body).toMatchObject(fault);
    for (let call = 0; call < 3; call++) expect((await api('GET', '/payments')).status).toBe(500);
    expect((await control('GET', '/faults')).body).toMatchObject([fault]);
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

  test('are taken away one by one, also two alike', async () => {
    const { api, control } = await startShop();
    const ids = [];
    for (const kind of ['500', '429', '500'])
      ids.push(((await control('POST', '/faults', { on: 'create', kind })).body as { id: unknown }).id);
    for (const id of [ids[2], ids[0], ids[0], decimal('99')])
      expect((await control('DELETE', `/faults/${id}`)).status).toBe(204);
    expect((await api('POST', '/payments', create)).status).toBe(429);
    expect((await api('POST', '/payments', create)).status).toBe(200);
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
