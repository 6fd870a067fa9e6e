import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { LOCAL_KEYS } from '../../infra/local/account.ts';
import { request, sharedHandlers } from '../support/handlers.ts';
import { validatorOf } from '../support/openapi.ts';
import { paymentId, webhookEvent } from '../support/world.ts';

/** The routes that send paytech the customer's address, with CloudFront in front. */

const { world, memory, secrets, start } = await sharedHandlers();

const { answer: faultOf } = validatorOf(
  JSON.parse(readFileSync(join(import.meta.dirname, '../../openapi.json'), 'utf8')),
);

const OLD = LOCAL_KEYS.originKey;
const NEW = 'another-origin-key-another-origin-key';
const VIEWER = { 'CloudFront-Viewer-Address': '2001:db8::1:46532' };
const SIGNER = 'arn:aws:iam::000000000000:user/shop';

type Call = (caller?: string) => Promise<{
  event: (headers: Record<string, string>) => object;
  /** Where paytech was told that the customer is; undefined where it was told of nobody. */
  told: () => string | undefined;
  /** What of it is in the table. */
  written: () => Promise<unknown>;
}>;

interface Told {
  customer?: { ip?: string };
  customerIp?: string;
}
const sent = (method: string) =>
  memory.requests.find((each) => each.method === method)?.body as Told | undefined;
const item = async (pk: string) => (await world.scan()).find((each) => each.pk === pk);

const createPayment: Call = async (caller) => {
  const referenceId = randomUUID();
  const order = { referenceId, amount: '10', currency: 'EUR' };
  return {
    event: (headers) => request('POST /payments', order, { caller: caller ?? null, headers }),
    told: () => sent('POST')?.customer?.ip,
    written: () => item(`deposit#${referenceId}`),
  };
};

const executePayment: Call = async () => {
  const id = paymentId();
  await world.apply({
    ...webhookEvent({ id, state: 'CHECKOUT', paymentType: 'DEPOSIT' }),
    source: 'refresh',
  });
  return {
    event: (headers) => request('PATCH /payments/{id}', {}, { id, caller: null, headers }),
    told: () => sent('PATCH')?.customerIp,
    written: async () => (await item(`payment#${id}`))?.operations,
  };
};

describe.each([
  ['create-payment', createPayment, 'POST /payments'],
  ['execute-payment', executePayment, 'PATCH /payments/{id}'],
] as const)('%s', (name, call, route) => {
  it.each<[string, string, string]>([
    ['the key', OLD, OLD],
    ['the new key during a rotation', JSON.stringify([NEW, OLD]), NEW],
    ['the old key during a rotation', JSON.stringify([NEW, OLD]), OLD],
  ])('takes a call with %s, and tells paytech the viewer’s address', async (_, kept, key) => {
    secrets.set('origin-keys', kept);
    const handler = await start(name, { cloudFront: 'required' });
    const { event, told, written } = await call();
    await handler(event({ ...VIEWER, 'X-Origin-Key': key }));
    expect(told()).toBe('2001:db8::1');
    expect(await written()).toBeDefined();
  });

  it('takes a key that was put in after its start', async () => {
    const handler = await start(name, { cloudFront: 'required' });
    const first = await call();
    await handler(first.event({ ...VIEWER, 'x-origin-key': OLD }));
    secrets.set('origin-keys', JSON.stringify([NEW]));
    memory.requests.length = 0;
    const { event, told } = await call();
    await handler(event({ ...VIEWER, 'x-origin-key': NEW }));
    expect(told()).toBe('2001:db8::1');
  });

  it.each<[string, Record<string, string>]>([
    ['without the key', VIEWER],
    ['with a wrong key', { ...VIEWER, 'x-origin-key': NEW }],
    ['with the key in the place of another header', { ...VIEWER, 'x-origin-secret': OLD }],
  ])('refuses a call %s before anything is read or written', async (_, headers) => {
    const handler = await start(name, { cloudFront: 'required' });
    const { event, written } = await call();
    const before = await written();
    // Nothing of it is parsed: not even that it is no JSON is noticed.
    const { statusCode, headers: told, body } = await handler({ ...event(headers), body: 'no JSON' });
    const answer = { status: statusCode, headers: new Headers(told), text: body };
    expect(faultOf(route, answer)).toBeUndefined();
    expect([statusCode, JSON.parse(body)]).toEqual([
      403,
      expect.objectContaining({
        code: 'cloudfront.required',
        detail: expect.stringContaining('public address of this service'),
      }),
    ]);
    expect((await handler(event(headers))).statusCode).toBe(403);
    expect(await written()).toEqual(before);
    expect(memory.requests).toEqual([]);
  });

  it('answers 500 and sends nothing where CloudFront does not tell the address', async () => {
    const handler = await start(name, { cloudFront: 'required' });
    const { event } = await call();
    expect(await handler(event({ 'x-origin-key': OLD }))).toMatchObject({ statusCode: 500 });
    expect(memory.requests).toEqual([]);
  });

  it('answers 500 and sends nothing without the secret at hand', async () => {
    secrets.delete('origin-keys');
    const handler = await start(name, { cloudFront: 'required' });
    const { event } = await call();
    expect(await handler(event({ ...VIEWER, 'x-origin-key': OLD }))).toMatchObject({ statusCode: 500 });
    expect(memory.requests).toEqual([]);
  });

  it.each([
    ['accepted', 'the key', { 'x-origin-key': OLD }, '2001:db8::1'],
    ['accepted', 'no key', {}, '203.0.113.7'],
    ['accepted', 'a wrong key', { 'x-origin-key': NEW }, '203.0.113.7'],
    ['off', 'the key', { 'x-origin-key': OLD }, '203.0.113.7'],
  ] as const)(
    'with CloudFront %s tells of a call with %s its own address',
    async (cloudFront, _, headers, ip) => {
      const handler = await start(name, { cloudFront });
      const { event, told } = await call();
      await handler(event({ ...VIEWER, ...headers }));
      expect(told()).toBe(ip);
    },
  );
});

it('the merchant’s server, which signs its calls, needs no key and is no customer', async () => {
  const handler = await start('create-payment', { cloudFront: 'required' });
  const { event, told } = await createPayment(SIGNER);
  expect(await handler(event(VIEWER))).toMatchObject({ statusCode: 201 });
  expect(told()).toBeUndefined();
});

it('get-payment, which tells paytech no address, answers whoever has the id', async () => {
  const id = paymentId();
  await world.apply({
    ...webhookEvent({ id, state: 'COMPLETED', paymentType: 'DEPOSIT' }),
    source: 'refresh',
  });
  const handler = await start('get-payment', { cloudFront: 'required' });
  const event = request('GET /payments/{id}', {}, { id, caller: null });
  expect(await handler(event)).toMatchObject({ statusCode: 200 });
});
