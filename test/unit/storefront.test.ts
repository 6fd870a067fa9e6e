import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { expect, onTestFinished, test, vi } from 'vitest';
import {
  openStorefront,
  type Payment,
  PaymentError,
  redirect,
  type StorefrontOptions,
  showInFrame,
} from '../../shared/storefront/paytech-storefront.js';

/** The storefront's module over real HTTP, against answers that the running service does not give when asked. */

interface Answer {
  status?: number;
  headers?: Record<string, string>;
  body?: string;
  /** Cuts the connection. */
  cut?: boolean;
  /** Says nothing at all. */
  silent?: boolean;
}

const AT_ONCE = { 'retry-after': '0' };
const open = (version: number) =>
  `{"id":"p","state":"CHECKOUT","final":false,"version":${version},"amount":"1"}`;
const paid = '{"id":"p","state":"COMPLETED","final":true,"version":3,"amount":"11.120000000000000001"}';
const problem = (code: string, status: number, headers = {}): Answer => ({
  status,
  headers,
  body: JSON.stringify({ code, status, title: 'No', detail: `It is ${code}.` }),
});

/** The answers in their order; the last one for ever. */
async function startApi(...answers: Answer[]) {
  return startImpatientApi(undefined, ...answers);
}

async function startImpatientApi(options: StorefrontOptions | undefined, ...answers: Answer[]) {
  const requests: { method: string; url: string; body: string }[] = [];
  const server = createServer(async (request: IncomingMessage, response) => {
    const { method = '', url = '' } = request;
    requests.push({ method, url, body: await text(request) });
    const {
      status = 200,
      headers = {},
      body = '{}',
      cut,
      silent,
    } = answers.length > 1 ? answers.shift()! : answers[0]!;
    if (silent) return;
    if (cut) response.destroy();
    else response.writeHead(status, headers).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { requests, storefront: openStorefront(url, options) };
}

const order = { referenceId: 'order-1', amount: '11.12', currency: 'EUR' };

test.each([
  ['an unknown outcome', problem('payment.outcome_unknown', 503, AT_ONCE)],
  ['another request that creates it', problem('payment.in_progress', 409, AT_ONCE)],
  ['a throttle of the API gateway, which does not say when', { status: 429, body: '{"message":"No"}' }],
  ['a lost answer', { cut: true }],
  ['an answer that is not the service’s', { body: '<html>Log in to the Wi-Fi</html>' }],
  ['a proxy that fails', { status: 502, headers: AT_ONCE, body: '<html>Bad gateway</html>' }],
])('sends the same order again after %s', async (_name, first) => {
  const { storefront, requests } = await startApi(first, { status: 201, body: open(1) });
  expect(await storefront.create(order)).toMatchObject({ id: 'p', amount: '1' });
  expect(requests.map(({ method, url }) => `${method} ${url}`)).toEqual(['POST /payments', 'POST /payments']);
  expect(requests[1]!.body).toBe(requests[0]!.body);
});

test.each([
  ['request.invalid', 400],
  ['order.token_invalid', 401],
  ['payment.reference_conflict', 409],
  ['gateway.rejected', 422],
])('does not repeat what repeating cannot help: %s', async (code, status) => {
  const { storefront, requests } = await startApi(problem(code, status));
  const error = await storefront.create(order).catch((thrown) => thrown);
  expect(error).toBeInstanceOf(PaymentError);
  expect(error).toMatchObject({ code, status, mayRetry: false, message: `It is ${code}.` });
  expect(requests).toHaveLength(1);
});

test('gives up when its time is over, and says what the last answer was', async () => {
  const { storefront, requests } = await startImpatientApi(
    { patienceMs: 2_000 },
    problem('gateway.unavailable', 503, AT_ONCE),
  );
  await expect(storefront.create(order)).rejects.toMatchObject({
    code: 'gateway.unavailable',
    mayRetry: true,
  });
  expect(requests.length).toBeGreaterThan(1);
});

test('gives another try the time that is left and no more', async () => {
  const { storefront, requests } = await startImpatientApi(
    { patienceMs: 300 },
    problem('payment.in_progress', 409, AT_ONCE),
    { silent: true },
  );
  await expect(storefront.create(order)).rejects.toBeInstanceOf(PaymentError);
  expect(requests).toHaveLength(2);
});

test('does not wait for longer than it has time left', async () => {
  const { storefront, requests } = await startApi(
    problem('payment.in_progress', 409, AT_ONCE),
    problem('payment.outcome_unknown', 503, { 'retry-after': '31' }),
  );
  await expect(storefront.create(order)).rejects.toMatchObject({ code: 'payment.outcome_unknown' });
  expect(requests).toHaveLength(2);
});

test.each([
  ['payment.under_way', 409, /another way/],
  ['claim.flagged', 409, /do not pay again/],
  ['payment.reference_conflict', 409, /has changed/],
  ['gateway.rejected', 422, /choose another/],
  ['request.invalid', 400, /not possible/],
] as const)('has a text for the customer about %s, and does not repeat it', async (code, status, text) => {
  const { storefront, requests } = await startApi(problem(code, status));
  const error = await storefront.create(order).catch((thrown) => thrown);
  expect(error).toMatchObject({ mayRetry: false, customerMessage: expect.stringMatching(text) });
  expect(error.customerMessage).not.toMatch(/not been charged|new referenceId/);
  expect(requests).toHaveLength(1);
});

test('leaves every member as it is, amounts of other objects included', async () => {
  const { storefront, requests } = await startApi({ status: 201, body: open(1) });
  const more = { additionalParameters: { amount: '5', nested: '1e3' }, customer: { depositsAmount: '7' } };
  const amount = '999999999.123456789012345678';
  await storefront.create({ ...order, amount, ...more });
  expect(JSON.parse(requests[0]!.body)).toEqual({ ...order, amount, ...more });
});

const withUrl = (redirectUrl: string) => ({
  status: 201,
  body: JSON.stringify({ ...JSON.parse(open(1)), redirectUrl }),
});
const UNSAFE = [
  'javascript:alert(1)',
  'JavaScript:alert(1)',
  ' javascript:alert(1)',
  'data:text/html,x',
  'http://pay.example/checkout',
  'http://localhost.evil.example/',
  'http://127.0.0.1.evil.example/',
  '//pay.example/',
  '/checkout',
  'checkout',
];

test.each(UNSAFE)('nobody is sent to %s', async (redirectUrl) => {
  const { storefront } = await startApi(withUrl(redirectUrl));
  const calls = [
    () => storefront.create(order),
    () => storefront.execute('p'),
    () => storefront.waitForFinal('p'),
  ];
  for (const call of calls) await expect(call()).rejects.toThrow(/no https address/);
  const frame = { src: '' } as Parameters<typeof showInFrame>[0];
  await expect(showInFrame(frame, { id: 'p', redirectUrl })).rejects.toThrow(/no https address/);
  expect(frame.src).toBe('');
  expect(() => redirect({ redirectUrl })).toThrow(/no https address/);
});

test.each(['https://pay.example/checkout/1', 'http://localhost:3001/checkout/1', 'http://127.0.0.1/c'])(
  'the customer is sent to %s',
  async (redirectUrl) => {
    const { storefront } = await startApi(withUrl(redirectUrl));
    const payment = await storefront.create(order);
    const assign = vi.fn();
    vi.stubGlobal('location', { assign });
    onTestFinished(() => void vi.unstubAllGlobals());
    redirect(payment);
    expect(assign.mock.calls).toEqual([[redirectUrl]]);
  },
);

test('only the checkout that is shown in the frame says that it is over', async () => {
  const window = new EventTarget();
  vi.stubGlobal('addEventListener', window.addEventListener.bind(window));
  onTestFinished(() => void vi.unstubAllGlobals());
  const contentWindow = {};
  const frame = { src: '', contentWindow } as Parameters<typeof showInFrame>[0];
  const isOver = vi.fn();
  const payment = { id: 'p', redirectUrl: 'https://pay.example/checkout/p' };
  const shown = showInFrame(frame, payment).then(isOver);
  const state = { source: 'payment-checkout', type: 'checkout.state', paymentId: 'p' };
  const right = { origin: 'https://pay.example', source: contentWindow, data: state };
  const says = async (message: object) => {
    window.dispatchEvent(Object.assign(new Event('message'), message));
    await new Promise(setImmediate);
  };
  expect(frame.src).toBe('https://pay.example/checkout/p');
  for (const wrong of [
    { origin: 'https://evil.example' },
    { source: {} },
    { data: undefined },
    { data: { ...state, source: 'other' } },
    { data: { ...state, type: 'other' } },
    { data: { ...state, paymentId: 'q' } },
  ]) {
    await says({ ...right, ...wrong });
    expect(isOver, JSON.stringify(wrong)).not.toHaveBeenCalled();
  }
  await says(right);
  await shown;
  expect(isOver).toHaveBeenCalledOnce();
});

test('an order that was paid before sends nobody anywhere', () => {
  expect(() => redirect({})).toThrow(TypeError);
});

test('executes a payment of an id that is no path', async () => {
  const { storefront, requests } = await startApi({ body: open(2) });
  await storefront.execute('a/b', { browserLanguage: 'en' });
  expect(requests).toEqual([{ method: 'PATCH', url: '/payments/a%2Fb', body: '{"browserLanguage":"en"}' }]);
});

test('waits for the end through changes and failures, and reports each change once', async () => {
  const { storefront, requests } = await startApi(
    { body: open(1) },
    { body: open(1) },
    { cut: true },
    problem('internal', 500, AT_ONCE),
    { body: open(2) },
    { body: paid },
  );
  const versions: number[] = [];
  const payment = await storefront.waitForFinal('p', { onUpdate: ({ version }) => versions.push(version) });
  expect(payment.state).toBe('COMPLETED');
  expect(versions).toEqual([1, 2, 3]);
  expect(requests).toHaveLength(6);
});

test('waits for what it is asked to wait for', async () => {
  const { storefront } = await startApi({ body: open(1) }, { body: open(2) });
  const isDone = ({ version }: Payment) => version === 2;
  expect(await storefront.waitForFinal('p', { isDone })).toMatchObject({ final: false, version: 2 });
});

test('does not wait for a payment that is none', async () => {
  const { storefront } = await startApi(problem('payment.not_found', 404));
  await expect(storefront.waitForFinal('nobody')).rejects.toMatchObject({ code: 'payment.not_found' });
});

test('an error of the page’s own is thrown and not taken for one of the network', async () => {
  const { storefront, requests } = await startApi({ body: open(1) });
  const onUpdate = () => {
    throw new RangeError('mine');
  };
  await expect(storefront.waitForFinal('p', { onUpdate })).rejects.toThrow('mine');
  expect(requests).toHaveLength(1);
});

test('stops at once when it is asked to, also while it honours Retry-After', async () => {
  const { storefront, requests } = await startImpatientApi(
    { patienceMs: 7_200_000 },
    problem('gateway.unavailable', 503, { 'retry-after': '3600' }),
  );
  for (const ask of ['create', 'wait'] as const) {
    const stop = new AbortController();
    const { signal } = stop;
    const asked =
      ask === 'create' ? storefront.create(order, { signal }) : storefront.waitForFinal('p', { signal });
    const before = requests.length;
    await expect.poll(() => requests.length).toBeGreaterThan(before);
    stop.abort(new Error('the customer left'));
    await expect(asked).rejects.toThrow('the customer left');
  }
  expect(requests).toHaveLength(2);
});
