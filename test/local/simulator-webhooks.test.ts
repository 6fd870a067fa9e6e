import { describe, expect, test } from 'vitest';
import { decimal } from '../../shared/payment/money.ts';
import { verify } from '../../shared/paytech/signature.ts';
import {
  type Fields,
  NOWHERE,
  OK_CARD,
  SIGNING_KEY,
  startShop,
  startWebhookEndpoint,
} from '../support/simulator.ts';

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
