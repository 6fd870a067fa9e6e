import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LOCAL_KEYS } from '../../infra/local/account.ts';
import { readFunctions } from '../../infra/local/functions.ts';
import { startSecretsManager } from '../../infra/local/secrets.ts';
import { synthesize } from '../../infra/local/synthesize.ts';
import { openTemplate } from '../../infra/local/template.ts';
import type { FunctionDefinition } from '../../infra/local/workers.ts';
import { sign } from '../../shared/paytech/signature.ts';
import type { FunctionName } from '../../shared/runtime/settings.ts';
import { httpApiEvent, scheduledEvent, sqsRecord } from '../support/aws-events.ts';
import { installRuntimeClient, type RunningFunction, runFunction } from '../support/runtime-api.ts';
import { type LocalRunService, startLocalService } from '../support/service.ts';

/** The bundles under AWS's own runtime client, with the events that AWS sends; all other tests have a client of ours. */

let service: LocalRunService;
let definitions: Map<string, FunctionDefinition>;
const running: RunningFunction[] = [];
const closers: (() => unknown)[] = [];

beforeAll(async () => {
  await installRuntimeClient();
  service = await startLocalService();
  const secrets = await startSecretsManager(
    new Map([
      ['api-key', LOCAL_KEYS.apiKey],
      ['signing-keys', LOCAL_KEYS.signingKey],
      ['fingerprint-key', LOCAL_KEYS.fingerprintKey],
    ]),
  );
  const { apiUrl, sqsUrl, dynamoDbUrl, simulatorUrl } = service;
  const { template, folderOf, remove } = await synthesize({
    paytechUrl: simulatorUrl,
    orderTokens: 'off',
    createPaymentAuth: 'none',
    hostToHost: true,
    webhookGraceSeconds: 0,
  });
  closers.push(secrets.close, remove);
  const functions = readFunctions(openTemplate(template, { apiUrl, sqsUrl }), folderOf, {
    dynamoDbUrl,
    sqsUrl,
    secretsUrl: secrets.url,
    // Nobody is started there.
    lambdaUrl: secrets.url,
  });
  definitions = new Map(functions.map((each) => [each.name, each]));
}, 240_000);
afterAll(async () => {
  for (const each of running) await each.stop();
  for (const close of closers) await close();
  await service.stop();
});

async function start(
  name: FunctionName,
  changed: Partial<FunctionDefinition> = {},
): Promise<RunningFunction> {
  const started = await runFunction({ ...definitions.get(name)!, ...changed });
  running.push(started);
  return started;
}

interface HttpAnswer {
  statusCode: number;
  headers: Record<string, string>;
  body: string;
}

async function answered(name: FunctionName, event: unknown): Promise<HttpAnswer> {
  const { response, error } = await (await start(name)).invoke(event);
  expect(error).toBeUndefined();
  return response as HttpAnswer;
}

const create = (body: object) =>
  answered(
    'create-payment',
    httpApiEvent('POST /payments', { path: '/payments', body: JSON.stringify(body) }),
  );

const anOrder = () => ({ referenceId: `order-${randomUUID()}`, amount: '10', currency: 'EUR' });

/** A payment here that nothing has been heard of. */
async function created(): Promise<string> {
  const { statusCode, body } = await create(anOrder());
  expect(statusCode, body).toBe(201);
  return JSON.parse(body).id;
}

describe('behind the HTTP API', () => {
  it('create-payment answers 201, and the body as text', async () => {
    const { statusCode, headers, body } = await create(anOrder());
    expect(statusCode).toBe(201);
    expect(headers).toMatchObject({ 'content-type': 'application/json', 'cache-control': 'no-store' });
    expect(JSON.parse(body)).toMatchObject({ state: 'CHECKOUT', amount: '10' });
  });

  it('get-payment, execute-payment and operations answer', async () => {
    const id = await created();
    const pathParameters = { id };
    const path = `/payments/${id}`;
    const got = await answered('get-payment', httpApiEvent('GET /payments/{id}', { path, pathParameters }));
    expect(got).toMatchObject({ statusCode: 200, body: expect.stringContaining(id) });
    const patch = { path, pathParameters, body: '{"customerIp":"192.0.2.9","browserLanguage":7}' };
    const refused = await answered('execute-payment', httpApiEvent('PATCH /payments/{id}', patch));
    expect(refused).toMatchObject({
      statusCode: 400,
      headers: { 'content-type': 'application/problem+json' },
    });
    const route = httpApiEvent('GET /operations/balances', { path: '/operations/balances' });
    expect(await answered('operations', route)).toMatchObject({ statusCode: 200 });
  });

  it('receive-webhook verifies bytes that come in base64', async () => {
    const body = Buffer.from(JSON.stringify({ id: await created(), state: 'PENDING', note: 'Zürich' }));
    const webhook = {
      path: '/webhooks/paytech',
      body,
      headers: { signature: sign(body, LOCAL_KEYS.signingKey) },
    };
    const route = 'POST /webhooks/paytech';
    expect(await answered('receive-webhook', httpApiEvent(route, webhook))).toMatchObject({
      statusCode: 200,
    });
    const forged = { ...webhook, headers: { signature: 'ab'.repeat(32) } };
    expect(await answered('receive-webhook', httpApiEvent(route, forged))).toMatchObject({ statusCode: 401 });
  });
});

describe('behind the queue', () => {
  const message = (messageId: string, payment: object, schema = '1') =>
    sqsRecord(messageId, Buffer.from(JSON.stringify(payment)).toString('base64'), {
      schema,
      source: 'webhook',
      receivedAt: new Date().toISOString(),
    });

  it('apply-payment-event says which of a batch has to come again, and no other', async () => {
    const id = await created();
    const payment = { id, paymentType: 'DEPOSIT', state: 'PENDING' };
    const apply = await start('apply-payment-event');
    const { response } = await apply.invoke({
      Records: [message('of-a-newer-version', payment, '3'), message('fine', payment)],
    });
    expect(response).toEqual({ batchItemFailures: [{ itemIdentifier: 'of-a-newer-version' }] });
    expect(await service.item(`payment#${id}`)).toMatchObject({ state: 'PENDING' });
    // The process serves one after the other.
    expect((await apply.invoke({ Records: [] })).response).toEqual({ batchItemFailures: [] });
  });
});

describe('on a schedule', () => {
  it('reconcile answers, and what it counts is at the root of its lines', async () => {
    const reconcile = await start('reconcile');
    const { response, error } = await reconcile.invoke(scheduledEvent);
    expect(error).toBeUndefined();
    expect(response).toMatchObject({ failed: 0 });
    const lines = reconcile.lines.map((line) => JSON.parse(line));
    const counting = lines.filter((line) => '_aws' in line);
    expect(counting.length).toBeGreaterThan(1);
    for (const line of counting) {
      const [{ Namespace, Dimensions, Metrics }] = line._aws.CloudWatchMetrics;
      expect([Namespace, Dimensions]).toEqual(['PaytechPayments', [['stack']]]);
      for (const { Name } of Metrics) expect(line[Name], Name).toEqual(expect.any(Number));
    }
    expect(counting.flatMap((line) => line._aws.CloudWatchMetrics[0].Metrics)).toContainEqual(
      expect.objectContaining({ Name: 'Reconciled' }),
    );
    expect(lines.every(({ requestId }) => typeof requestId === 'string')).toBe(true);
  });
});

describe('a start that fails', () => {
  it.each([
    'create-payment',
    'receive-webhook',
    'apply-payment-event',
    'get-payment',
    'execute-payment',
    'operations',
    'reconcile',
  ] as const)('%s without a setting says so, and serves nothing', async (name) => {
    const { STACK_NAME: _, ...environment } = definitions.get(name)!.environment;
    const { initError } = await start(name, { environment });
    expect(await initError).toMatchObject({
      errorType: 'Error',
      errorMessage: 'environment variable STACK_NAME is not set',
    });
  });
});
