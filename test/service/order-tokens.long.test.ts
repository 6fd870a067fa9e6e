import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it, vi } from 'vitest';
import { LOCAL_KEYS } from '../../infra/local/local-service.ts';
import { orderToken } from '../support/order-token.ts';
import { sharedService, startLocalService } from '../support/service.ts';
import { isDeployed } from '../support/target.ts';

/** The price is not the browser's: the service as a stack deploys it by default, with order tokens required. */

const service = await sharedService({ orderTokens: 'required' });

const HOUR = 3600;
const newOrder = () => `order-${randomUUID()}`;
const inSeconds = (seconds: number) => Math.floor(Date.now() / 1000) + seconds;
const claimsOf = (referenceId: string, more: object = {}) => ({
  referenceId,
  amount: '11.12',
  currency: 'EUR',
  exp: inSeconds(HOUR),
  ...more,
});
const post = (body: object) => service.api('POST', '/payments', JSON.stringify(body));

async function gatewayCalls(): Promise<{ method: string; body: Record<string, unknown> }[]> {
  return JSON.parse((await service.simulator('GET', '/simulator/requests')).text);
}

const createCalls = async (referenceId: string) =>
  (await gatewayCalls()).filter(({ method, body }) => method === 'POST' && body?.referenceId === referenceId);

describe('POST /payments with an order token', () => {
  it('takes price and order from the token, and from the browser what a browser may choose', async () => {
    const referenceId = newOrder();
    const payment = {
      preAuth: true,
      additionalParameters: { network: 'TRC20' },
      customer: { referenceId: 'customer-7', kycStatus: true, depositsCnt: 3, depositsAmount: '100.50' },
    };
    const answer = await post({
      orderToken: orderToken(claimsOf(referenceId, { payment })),
      paymentMethod: 'BASIC_CARD',
      customer: { firstName: 'Ada' },
    });
    expect(answer.status, answer.text).toBe(201);
    expect(answer.json()).toMatchObject({ referenceId, amount: '11.12', currency: 'EUR' });
    const [call] = await createCalls(referenceId);
    expect(call?.body).toMatchObject({
      amount: 11.12,
      currency: 'EUR',
      preAuth: true,
      additionalParameters: { network: 'TRC20' },
      paymentMethod: 'BASIC_CARD',
      customer: {
        firstName: 'Ada',
        referenceId: 'customer-7',
        kycStatus: true,
        depositsCnt: 3,
        depositsAmount: 100.5,
        ip: '127.0.0.1',
      },
    });
    expect(call?.body).not.toHaveProperty('orderToken');
    expect(call?.body).not.toHaveProperty('payment');
  });

  it('keeps the token’s amount to the last digit', async () => {
    const amount = '999999999.123456789012345678';
    const answer = await post({ orderToken: orderToken(claimsOf(newOrder(), { amount })) });
    expect(answer.text).toContain(`"amount":"${amount}",`);
  });

  it('answers a fresh token for the same order with the same payment', async () => {
    const referenceId = newOrder();
    const first = await post({ orderToken: orderToken(claimsOf(referenceId)) });
    const fresh = orderToken(claimsOf(referenceId, { exp: inSeconds(2 * HOUR), iat: inSeconds(0) }));
    const again = await post({ orderToken: fresh, referenceId, amount: 11.12 });
    expect([first.status, again.status]).toEqual([201, 200]);
    expect(again.json()).toEqual(first.json());
    expect(await createCalls(referenceId)).toHaveLength(1);
  });

  it('takes one that is for this stack', async () => {
    const body = withClaims({ aud: 'urn:paytech-payments:sandbox' })(newOrder());
    expect((await post(body)).status).toBe(201);
  });

  it.each([
    [
      'no token',
      (id: string) => ({ referenceId: id, amount: 11.12, currency: 'EUR' }),
      'order.token_required',
    ],
    ['a forged one', forged, 'order.token_invalid'],
    ['an expired one', withClaims({ exp: inSeconds(-61) }), 'order.token_invalid'],
    ['one for too long', withClaims({ exp: inSeconds(25 * HOUR) }), 'order.token_invalid'],
    ['one for another stack', withClaims({ aud: 'urn:paytech-payments:other' }), 'order.token_invalid'],
    ['one that names no end', withClaims({ exp: undefined }), 'order.token_invalid'],
    ['one for another order', withBody({ referenceId: 'another' }), 'order.token_conflict'],
    ['another amount', withBody({ amount: 0.01 }), 'order.token_conflict'],
    ['another currency', withBody({ currency: 'USD' }), 'order.token_conflict'],
    ['preAuth of the browser’s own', withBody({ preAuth: true }), 'request.invalid'],
    ['its own KYC', withBody({ customer: { kycStatus: true } }), 'request.invalid'],
    ['a card', withBody({ card: { number: '4000000000000408' } }), 'request.invalid'],
    ['a withdrawal', withBody({ paymentType: 'WITHDRAWAL' }), 'request.invalid'],
  ] as const)('refuses %s, and nothing is called or written', async (_what, bodyFor, code) => {
    const [items, calls] = [await service.items(), await gatewayCalls()];
    const answer = await post(bodyFor(newOrder()));
    expect([answer.status, answer.json().code]).toEqual([STATUS[code], code]);
    expect(await service.items()).toHaveLength(items.length);
    expect(await gatewayCalls()).toHaveLength(calls.length);
  });

  it('logs why a token was refused, and neither token nor key', async () => {
    const expired = orderToken(claimsOf(newOrder(), { exp: inSeconds(-61) }));
    const problem = await post({ orderToken: expired });
    const { requestId, detail } = problem.json() as Record<string, string>;
    // The local run says it to the developer as well.
    if (isDeployed) expect(detail).not.toMatch(/exp/);
    const logs = await vi.waitFor(async () => {
      const lines = await service.logLines();
      expect(lines.find((line) => line.includes(requestId!))).toContain('"members":["exp"]');
      return lines.join('\n');
    });
    expect(logs).not.toContain(expired.split('.')[1]!);
    expect(logs).not.toContain(LOCAL_KEYS.orderTokenKey);
  });

  it('takes both keys while they are rotated, and fails closed on a key that is too short', async () => {
    const newKey = 'the-new-key-that-is-as-long-as-need-be';
    const signedBy = (key: string) => ({ orderToken: orderToken(claimsOf(newOrder()), { key }) });
    expect((await post(signedBy(newKey))).status).toBe(401);
    // A start of its own, since a service that is running looks for new keys once a minute.
    const rotating = await startLocalService({ orderTokens: 'required' });
    const postThere = (key: string) => rotating.api('POST', '/payments', JSON.stringify(signedBy(key)));
    try {
      rotating.secrets.set('order-token-keys', 'too-short');
      // What was started ahead has fetched the key that was there.
      for (const workers of rotating.functions.values()) workers.kill();
      expect((await postThere('too-short')).status).toBe(500);
      rotating.secrets.set('order-token-keys', JSON.stringify([newKey, LOCAL_KEYS.orderTokenKey]));
      expect((await postThere(newKey)).status).toBe(201);
      expect((await postThere(LOCAL_KEYS.orderTokenKey)).status).toBe(201);
    } finally {
      await rotating.stop();
    }
  });
});

describe('npm run order-token', () => {
  const script = join(import.meta.dirname, '../../infra/local/order-token.ts');
  const print = async (...args: string[]) =>
    (await promisify(execFile)(process.execPath, [script, ...args])).stdout.trim();

  it('prints a token that works', async () => {
    const referenceId = newOrder();
    const token = await print('--reference', referenceId, '--amount', '11.12', '--currency', 'EUR');
    const answer = await post({ orderToken: token });
    expect(answer.status, answer.text).toBe(201);
    expect(answer.json()).toMatchObject({ referenceId, amount: '11.12' });
  });

  it.each([
    [['--amount', '11.12', '--currency', 'EUR'], /referenceId/],
    [['--reference', 'a', '--amount', 'much', '--currency', 'EUR'], /amount must be a decimal string/],
    [['--reference', 'a', '--amount', '1', '--currency', 'EUR', '--expires', '86401'], /86400/],
    [['--reference', 'a', '--amount', '1', '--currency', 'EUR', '--key', 'short'], /32 bytes/],
  ])('says what is wrong with %j', async (args, reason) => {
    await expect(print(...args)).rejects.toMatchObject({ code: 1, stderr: expect.stringMatching(reason) });
  });
});

const STATUS = {
  'order.token_required': 401,
  'order.token_invalid': 401,
  'order.token_conflict': 409,
  'request.invalid': 400,
};

function forged(id: string): object {
  const [header, , signature] = orderToken(claimsOf(id)).split('.');
  const payload = Buffer.from(JSON.stringify(claimsOf(id, { amount: '0.01' }))).toString('base64url');
  return { orderToken: [header, payload, signature].join('.') };
}

function withClaims(more: object) {
  return (id: string) => ({ orderToken: orderToken(claimsOf(id, more)) });
}

function withBody(more: object) {
  return (id: string) => ({ orderToken: orderToken(claimsOf(id)), ...more });
}

it('paytech-ops doctor --pay signs an order as the server would, and sees its webhook come', async () => {
  const { PATH, HOME } = process.env;
  const entry = join(import.meta.dirname, '../../infra/cli/paytech-ops.ts');
  const running = promisify(execFile)(
    process.execPath,
    [entry, ...service.ops.args, 'doctor', '--pay', '--json'],
    { env: { PATH, HOME, ...service.ops.env } },
    // Whether the rest is in order is not the question here.
  ).catch((error: { stdout: string; stderr: string }) => error);
  await vi.waitFor(
    async () => {
      const payments: Record<string, string>[] = JSON.parse(
        (await service.simulator('GET', '/simulator/payments')).text,
      );
      const { id } = payments.find(({ referenceId = '' }) => referenceId.startsWith('doctor-'))!;
      await service.simulator('POST', `/simulator/payments/${id}/pay`, { state: 'COMPLETED' });
    },
    { timeout: 30_000, interval: 200 },
  );
  const { stdout, stderr } = await running;
  const { checks } = JSON.parse(stdout) as { checks: { check: string; is: string; detail: string }[] };
  expect(stderr).toContain('4000 0000 0000 0408');
  expect(checks).toContainEqual(expect.objectContaining({ check: 'payment created', is: 'ok' }));
  expect(checks).toContainEqual(expect.objectContaining({ check: 'its webhook', is: 'ok' }));
});
