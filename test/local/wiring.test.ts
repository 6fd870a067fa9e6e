import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { DeleteItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { LOCAL_KEYS } from '../../infra/local/account.ts';
import type { SettingsInput } from '../../infra/stack/settings-types.ts';
import type { FunctionName, SettingsOf } from '../../shared/runtime/settings.ts';
import { DAY_MS, HOUR_MS, SECOND_MS } from '../../shared/runtime/time.ts';
import { openShard } from '../../shared/store/table.ts';
import { editedItems } from '../support/edited-item.ts';
import { orderToken } from '../support/order-token.ts';
import { type LocalRunService, startLocalService } from '../support/service.ts';
import { signedCalls } from '../support/signed.ts';
import { watchedGateway } from '../support/watched-gateway.ts';

/**
 * Each setting of each function, from the settings of the stack through the template and the bundle to what it does:
 * no two numbers are alike, and none is the default. A setting without an entry here does not compile.
 */

const SETTINGS = {
  // Nothing listens there.
  publicUrl: 'http://127.0.0.1:9',
  allowedOrigins: ['https://a.example', 'https://b.example'],
  cloudFront: 'required',
  openAmounts: true,
  eventParameters: ['shop'],
  confirmWebhooks: true,
  paymentRetentionDays: 437,
  reconcileWorkers: 2,
  reconcileConcurrency: 3,
  reconcileQuestionsPerSecond: 10,
  openShards: 60,
  webhookGraceSeconds: 240,
  sweepCreatedDays: 401,
  captureWithinHours: 7,
  approveWithinHours: 5,
} satisfies Partial<SettingsInput>;

let gateway: Awaited<ReturnType<typeof watchedGateway>>;
let service: LocalRunService;
/** The same with what can be off switched off. */
let plain: LocalRunService;
beforeAll(async () => {
  gateway = await watchedGateway();
  const settings = { ...SETTINGS, paytechUrl: gateway.url };
  service = await startLocalService({ orderTokens: 'required', settings });
  gateway.passOnTo(service.simulatorUrl);
  plain = await startLocalService({ orderTokens: 'off', settings: { confirmWebhooks: false } });
}, 240_000);
afterAll(async () => {
  gateway.letGo();
  await Promise.all([service?.stop(), plain?.stop()]);
  await gateway.close();
});

const { set, longAgo, forgottenSoon, waitingFor } = editedItems(() => service);

const MARK = { pk: { S: 'sweep#mark' } };
const newId = () => `order-${randomUUID()}`;
const EUR_10 = { amount: '10', currency: 'EUR' };
const PARAMETERS = { additionalParameters: { shop: 'north', note: 'of nobody else' } };

function token(claims: object = {}): string {
  const exp = Math.floor(Date.now() / SECOND_MS) + 600;
  return orderToken({ exp, referenceId: newId(), ...EUR_10, ...claims });
}

/** What CloudFront adds to a browser's call. */
const VIEWER: Record<string, string> = {
  'x-origin-key': LOCAL_KEYS.originKey,
  'cloudfront-viewer-address': '198.51.100.10:46532',
};

const post = (body: object, from = service, headers = VIEWER) =>
  from.api('POST', '/payments', JSON.stringify(body), headers);
const patch = (id: string, headers = VIEWER) => service.api('PATCH', `/payments/${id}`, '{}', headers);

async function created(claims: object = {}): Promise<string> {
  const answer = await post({ orderToken: token(claims) });
  expect(answer.status, answer.text).toBe(201);
  return String(answer.json().id);
}

async function paidOut(more: object = {}): Promise<string> {
  const customer = { referenceId: 'c-1' };
  const body = JSON.stringify({ referenceId: newId(), ...EUR_10, customer, ...more });
  const answer = await signedCalls(service)('POST', '/operations/withdrawals', body);
  expect(answer.status, answer.text).toBe(201);
  return String(answer.json().id);
}

const drive = (id: string, body: object, at = service) =>
  at.simulator('POST', `/simulator/payments/${id}/pay`, body);

/** Its item, once a webhook of paytech has said so. */
async function seenIn(id: string, state: string, of = service) {
  await webhook(id, state, of);
  return recorded(id, state, of);
}

async function webhook(id: string, state: string, to = service): Promise<void> {
  const body = JSON.stringify({ id, paymentType: 'DEPOSIT', state, amount: 10, currency: 'EUR' });
  expect((await to.webhook(body)).status).toBe(200);
}

async function recorded(id: string, state: string, of = service) {
  return vi.waitFor(
    async () => {
      const item = await of.item(`payment#${id}`);
      expect(item?.state).toBe(state);
      return item as Record<string, never>;
    },
    { timeout: 20_000 },
  );
}

async function isListed(id: string, pk = `payment#${id}`): Promise<void> {
  expect(await service.item(pk)).toMatchObject({ openShard: openShard(pk, { shards: SETTINGS.openShards }) });
}

/** As if the payment were in another partition of the index until it is written again. */
async function listedElsewhere(): Promise<string> {
  const id = await created();
  await set(id, 'openShard', { S: 'elsewhere' });
  return id;
}

/** What was asked of paytech meanwhile. */
async function askedBy(work: () => Promise<unknown>) {
  const before = gateway.asked.length;
  await work();
  return gateway.asked.slice(before);
}
const asks = async (method: string, path: string, work: () => Promise<unknown>) => {
  expect((await askedBy(work)).map((each) => `${each.method} ${each.path}`)).toContain(`${method} ${path}`);
};

const reconcile = () => service.invoke('reconcile', {});

/** As the first of a stack, which has all that paytech's list still shows to read. */
async function firstReconcile(): Promise<void> {
  await service.dynamo.send(new DeleteItemCommand({ TableName: 'payments', Key: MARK }));
  await reconcile();
}

/** The ages in milliseconds of a bound of time, in what the first sweep of a stack asks paytech's list for. */
async function agesIn(bound: 'created.gte' | 'updated.lt'): Promise<number[]> {
  const asked = await askedBy(firstReconcile);
  const listed = asked.filter(({ path, query }) => path === '/api/v1/payments' && query.has('updated.lt'));
  expect(listed).not.toEqual([]);
  const ages = listed.map(({ query, at }) => at - Date.parse(`${query.get(bound)}Z`));
  // A slice in the future only shows that the list heeds its filter.
  return ages.filter((age) => age > 0);
}

async function authorized(): Promise<string> {
  const id = await created({ payment: { preAuth: true } });
  await drive(id, { state: 'AUTHORIZED' });
  await seenIn(id, 'AUTHORIZED');
  return id;
}

async function awaitingApproval(): Promise<string> {
  const id = await paidOut();
  await drive(id, { state: 'AWAITING_APPROVAL' });
  await longAgo('dueAt', id);
  await reconcile();
  await recorded(id, 'AWAITING_APPROVAL');
  return id;
}

/** Which payments a run of reconcile has counted as this. */
async function countedAs(metric: string): Promise<string[]> {
  const before = service.logs.length;
  await reconcile();
  const lines = await vi.waitFor(() => {
    const fresh = service.logs.slice(before).filter((line) => line.startsWith('reconcile {'));
    const parsed = fresh.map((line) => JSON.parse(line.slice('reconcile '.length)));
    expect(parsed).toContainEqual(
      expect.objectContaining({ Reconciled: 1, service: 'reconcile', stack: 'paytech-payments-sandbox' }),
    );
    return parsed;
  });
  return lines.filter((line) => line.metric === metric).map(({ paymentId }) => paymentId);
}

const EFFECTS: { [Name in FunctionName]: Record<keyof SettingsOf<Name>, () => Promise<void>> } = {
  'create-payment': {
    openShards: async () => isListed(await created()),
    paytechUrl: () => asks('POST', '/api/v1/payments', created),
    webhookUrl: async () => {
      const [asked] = (await askedBy(created)).filter(({ method }) => method === 'POST');
      expect(JSON.parse(asked!.body).webhookUrl).toBe('http://127.0.0.1:9/webhooks/paytech/local-stack');
    },
    allowedOrigins: async () => {
      const statusOf = async (returnUrl: string) => (await post({ orderToken: token(), returnUrl })).status;
      expect(await statusOf('https://a.example/thanks')).toBe(201);
      expect(await statusOf('https://b.example/thanks')).toBe(201);
      expect(await statusOf('https://shop.example/thanks')).toBe(400);
    },
    eventSource: async () => {
      const statusOf = async (aud: string) => (await post({ orderToken: token({ aud }) })).status;
      expect(await statusOf('urn:paytech-payments:sandbox')).toBe(201);
      expect(await statusOf('urn:paytech-payments:production')).toBe(401);
    },
    orderTokens: async () => {
      const order = () => ({ referenceId: newId(), ...EUR_10 });
      expect((await post(order())).json().code).toBe('order.token_required');
      expect((await post(order(), plain)).status).toBe(201);
    },
    cloudFront: async () => {
      const [asked] = (await askedBy(created)).filter(({ method }) => method === 'POST');
      expect(JSON.parse(asked!.body).customer).toEqual({ ip: '198.51.100.10' });
      const direct = await post({ orderToken: token() }, service, { ...VIEWER, 'x-origin-key': '' });
      expect([direct.status, direct.json().code]).toEqual([403, 'cloudfront.required']);
    },
    openAmounts: async () => {
      const { amount: _, ...open } = { referenceId: newId(), ...EUR_10 };
      const signed = orderToken({ exp: Math.floor(Date.now() / SECOND_MS) + 600, ...open });
      expect((await post({ orderToken: signed })).status).toBe(201);
      expect((await post(open, plain)).status).toBe(400);
    },
    eventParameters: async () => {
      const id = await created({ payment: PARAMETERS });
      expect(await service.item(`payment#${id}`)).toMatchObject({ additionalParameters: { shop: 'north' } });
    },
  },
  'receive-webhook': {},
  'apply-payment-event': {
    openShards: async () => {
      const id = await listedElsewhere();
      await seenIn(id, 'COMPLETED');
      await isListed(id);
    },
    paytechUrl: async () => {
      const id = await created();
      await drive(id, { state: 'COMPLETED' });
      await seenIn(id, 'COMPLETED');
      // Only paytech itself can say whether that is so.
      await asks('GET', `/api/v1/payments/${id}`, async () => {
        await webhook(id, 'CANCELLED');
        await vi.waitFor(async () =>
          expect(await service.item(`payment#${id}`)).toMatchObject({ quarantined: '1' }),
        );
      });
    },
    eventSource: async () => {
      const id = await created();
      await seenIn(id, 'DECLINED');
      const [event] = await vi.waitFor(async () => {
        const events = await service.eventsOf(id);
        expect(events).toHaveLength(1);
        return events;
      });
      expect(JSON.parse(event!.body).source).toBe('urn:paytech-payments:sandbox');
    },
    confirmWebhooks: async () => {
      expect(await seenIn(await created(), 'COMPLETED')).toMatchObject({ unconfirmed: true });
      const { id } = (await post({ referenceId: newId(), ...EUR_10 }, plain)).json();
      expect(await seenIn(String(id), 'COMPLETED', plain)).not.toHaveProperty('unconfirmed');
    },
    webhookGraceSeconds: async () => {
      // Once the sweep has had its time, after four minutes of grace.
      const { dueAt } = await seenIn(await created(), 'COMPLETED');
      expect(Math.round((Number(dueAt) - Date.now()) / (60 * SECOND_MS))).toBe(7);
    },
    paymentRetentionDays: async () => {
      const { expiresAt } = await seenIn(await created(), 'DECLINED');
      expect(Math.round((Number(expiresAt) * SECOND_MS - Date.now()) / DAY_MS)).toBe(437);
      const { id } = (await post({ referenceId: newId(), ...EUR_10 }, plain)).json();
      expect(await seenIn(String(id), 'DECLINED', plain)).not.toHaveProperty('expiresAt');
    },
  },
  'get-payment': {
    paytechUrl: async () => {
      const id = await created();
      await drive(id, { state: 'COMPLETED' });
      await longAgo('checkedAt', id);
      await asks('GET', `/api/v1/payments/${id}`, async () => {
        expect((await service.api('GET', `/payments/${id}`)).json().state).toBe('COMPLETED');
      });
    },
  },
  'execute-payment': {
    cloudFront: async () => {
      const id = await created();
      expect((await patch(id, { ...VIEWER, 'x-origin-key': '' })).status).toBe(403);
      const [asked] = (await askedBy(() => patch(id))).filter(({ method }) => method === 'PATCH');
      expect(JSON.parse(asked!.body).customerIp).toBe('198.51.100.10');
    },
    openShards: async () => {
      const id = await listedElsewhere();
      expect((await patch(id)).status).toBe(200);
      await isListed(id);
    },
    paytechUrl: async () => {
      const id = await created();
      await asks('PATCH', `/api/v1/payments/${id}`, async () => {
        expect((await patch(id)).status).toBe(200);
      });
    },
  },
  operations: {
    openShards: async () => isListed(await paidOut()),
    paytechUrl: () =>
      asks('GET', '/api/v1/balances', async () => {
        expect((await signedCalls(service)('GET', '/operations/balances')).status).toBe(200);
      }),
    webhookUrl: async () => {
      const [asked] = (await askedBy(() => paidOut())).filter(({ method }) => method === 'POST');
      expect(JSON.parse(asked!.body).webhookUrl).toBe('http://127.0.0.1:9/webhooks/paytech/local-stack');
    },
    eventParameters: async () => {
      const id = await paidOut(PARAMETERS);
      expect(await service.item(`payment#${id}`)).toMatchObject({ additionalParameters: { shop: 'north' } });
    },
    paymentRetentionDays: async () => {
      const parent = await created({ payment: { startRecurring: true } });
      await drive(parent, { state: 'COMPLETED' });
      await seenIn(parent, 'COMPLETED');
      await forgottenSoon(parent);
      const body = JSON.stringify({ referenceId: newId(), ...EUR_10, parentPaymentId: parent });
      expect((await signedCalls(service)('POST', '/operations/deposits', body)).status).toBe(201);
      const item = await service.item(`payment#${parent}`);
      expect(Math.round((Number(item?.expiresAt) * SECOND_MS - Date.now()) / DAY_MS)).toBe(437);
    },
  },
  reconcile: {
    openShards: async () => {
      const id = await created();
      await longAgo('dueAt', id);
      await asks('GET', `/api/v1/payments/${id}`, reconcile);
    },
    paytechUrl: () => asks('GET', '/api/v1/payments', firstReconcile),
    reconcileWorkers: async () => {
      const mark = { ...MARK, schema: { N: '1' }, at: { N: String(Date.now() - HOUR_MS) } };
      await service.dynamo.send(new PutItemCommand({ TableName: 'payments', Item: mark }));
      const before = service.logs.length;
      await reconcile();
      const parts = await vi.waitFor(() => {
        const lines = service.logs.slice(before).filter((line) => line.includes('"message":"worked"'));
        expect(lines).not.toEqual([]);
        return lines.map((line) => JSON.parse(line.slice('reconcile '.length)).part);
      });
      expect(parts).toEqual([{ index: expect.any(Number), of: 2 }]);
    },
    reconcileConcurrency: async () => {
      for (let count = 0; count < 6; count++) await longAgo('dueAt', await created());
      gateway.holdBack(({ path }) => /^\/api\/v1\/payments\/./.test(path));
      const run = reconcile();
      await vi.waitFor(() => expect(gateway.held()).toBe(3), { timeout: 20_000 });
      // Were there more at once, they would be here by now.
      await delay(300);
      expect(gateway.held()).toBe(3);
      gateway.letGo();
      await run;
    },
    reconcileQuestionsPerSecond: async () => {
      for (let count = 0; count < 5; count++) await longAgo('dueAt', await created());
      const asked = (await askedBy(reconcile)).filter(({ path }) => /^\/api\/v1\/payments\/./.test(path));
      expect(asked).toHaveLength(5);
      // Ten a second are a tenth of a second apart, but for what timers and the way to paytech vary.
      expect(asked.at(-1)!.at - asked[0]!.at).toBeGreaterThan(300);
    },
    webhookGraceSeconds: async () => {
      // What has changed within the grace is left to its webhook.
      const age = Math.min(...(await agesIn('updated.lt')));
      expect(age).toBeGreaterThanOrEqual(240 * SECOND_MS);
      expect(age).toBeLessThan(300 * SECOND_MS);
    },
    sweepCreatedDays: async () => {
      expect((await agesIn('created.gte')).map((age) => Math.round(age / DAY_MS))).toContain(401);
    },
    captureWithinHours: async () => {
      const [late, early] = [await authorized(), await authorized()];
      await waitingFor(8, late);
      await waitingFor(6, early);
      expect(await countedAs('AuthorizedForLong')).toEqual([late]);
    },
    approveWithinHours: async () => {
      const [late, early] = [await awaitingApproval(), await awaitingApproval()];
      await waitingFor(6, late);
      await waitingFor(4, early);
      expect(await countedAs('AwaitingApprovalForLong')).toEqual([late]);
    },
  },
};

const each = Object.entries(EFFECTS).flatMap(([name, effects]) =>
  Object.entries<() => Promise<void>>(effects).map(([setting, effect]) => [name, setting, effect] as const),
);

it.each(each)('%s does as %s says', (_name, _setting, effect) => effect());
