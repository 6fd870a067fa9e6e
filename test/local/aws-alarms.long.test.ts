import { randomUUID } from 'node:crypto';
import {
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { clientFor, LOCAL_STACK } from '../../infra/local/account.ts';
import type { Measured } from '../../infra/local/measured.ts';
import { functionNames } from '../../infra/stack/settings.ts';
import { METRICS_NAMESPACE } from '../../shared/runtime/metrics.ts';
import type { FunctionName } from '../../shared/runtime/settings.ts';
import { synthesize } from '../infra/synthesized.ts';
import { alarmsOf, type TemplateAlarm } from '../support/alarm.ts';
import { metricNamed, type Sample } from '../support/counted.ts';
import { startLocalService } from '../support/service.ts';
import { signedCalls } from '../support/signed.ts';

/**
 * Each alarm over what AWS itself measures, as the template has it, over what the local run measures in its place:
 * how its functions and routes ended and how long they took, and what is in its queues. Alarms over the service's
 * own metrics are in alarms.test.ts.
 */

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

let alarms: Map<string, TemplateAlarm>;
let service: Awaited<ReturnType<typeof startLocalService>>;
let sqs: SQSClient;
let samples: Sample[] = [];
beforeAll(async () => {
  const { template } = await synthesize({
    stage: 'sandbox',
    hostToHost: true,
    // Of which a tenth is refused when the alarm over refusals goes off.
    throttle: { rate: 1, burst: 1 },
  });
  const isCounted = (metric: string) => metric.startsWith(`${METRICS_NAMESPACE} `);
  alarms = new Map([...alarmsOf(template)].filter(([, { metric }]) => !isCounted(metric)));
  service = await startLocalService({ onMeasured: (measured) => samples.push(...asCloudWatch(measured)) });
  sqs = new SQSClient(clientFor(service.sqsUrl));
});
afterAll(async () => {
  sqs.destroy();
  await service.stop();
});

/** A webhook on the path of payments that were made here. */
const ownWebhook = () => service.api('POST', `/webhooks/paytech/${LOCAL_STACK}`, '{}');

/** What AWS/Lambda and AWS/ApiGateway would have of it. */
function asCloudWatch(measured: Measured): Sample[] {
  const at = Date.now();
  if (measured.of === 'function') {
    const errors = metricNamed('AWS/Lambda', 'Errors', { FunctionName: measured.name });
    return [{ metric: errors, at, value: measured.failed ? 1 : 0 }];
  }
  const { method, status, milliseconds } = measured;
  const path = measured.path.replace(LOCAL_STACK, 'unique-to-stack');
  const api = { ApiId: 'api', Stage: '$default' };
  return [api, { ...api, Method: method, Resource: path }].flatMap((dimensions) => [
    { metric: metricNamed('AWS/ApiGateway', '5xx', dimensions), at, value: status >= 500 ? 1 : 0 },
    {
      metric: metricNamed('AWS/ApiGateway', '4xx', dimensions),
      at,
      value: Math.floor(status / 100) === 4 ? 1 : 0,
    },
    { metric: metricNamed('AWS/ApiGateway', 'Latency', dimensions), at, value: milliseconds },
  ]);
}

async function visible(queue: string): Promise<number> {
  const { Attributes = {} } = await sqs.send(
    new GetQueueAttributesCommand({ QueueUrl: service.queueUrl(queue), AttributeNames: ['All'] }),
  );
  return Number(Attributes.ApproximateNumberOfMessages);
}

async function depthOf(queue: string): Promise<Sample> {
  const metric = metricNamed('AWS/SQS', 'ApproximateNumberOfMessagesVisible', { QueueName: queue });
  return { metric, at: Date.now(), value: await visible(queue) };
}

const oldestOf = (queue: string) =>
  metricNamed('AWS/SQS', 'ApproximateAgeOfOldestMessage', { QueueName: queue });
const throttledRequests = metricNamed('PaytechPayments/paytech-payments-sandbox', 'ApiThrottled', {});
const crashes = metricNamed('AWS/Lambda', 'Errors', { FunctionName: 'apply-payment-event' });
const throttles = (name: string) => metricNamed('AWS/Lambda', 'Throttles', { FunctionName: name });

/** The same in the periods before, as when a condition lasts. */
function lasting(some: readonly Sample[], { windowMs }: TemplateAlarm): Sample[] {
  const minutes = Array.from({ length: windowMs / MINUTE }, (_, minute) => minute * MINUTE);
  return minutes.flatMap((before) => some.map((each) => ({ ...each, at: each.at - before })));
}

const simulate = (path: string, body: object) => service.simulator('POST', `/simulator/${path}`, body);
const fault = (on: string, kind: string, times = 1) => simulate('faults', { on, kind, times });
const operations = (path: string) => signedCalls(service)('GET', path);
const order = () =>
  JSON.stringify({
    referenceId: `order-${randomUUID()}`,
    amount: 10,
    currency: 'EUR',
    paymentMethod: 'PIX',
  });
const create = () => service.api('POST', '/payments', order());
const execute = (id: string) =>
  service.api('PATCH', `/payments/${id}`, JSON.stringify({ customerUserAgent: 'test' }));

async function created(): Promise<string> {
  const { json, status, text } = await create();
  expect(status, text).toBe(201);
  return json().id as unknown as string;
}

const until = (check: () => Promise<void>) => vi.waitFor(check, { timeout: 20_000, interval: 50 });
const isWorkedOff = () => until(async () => expect(await service.depth('webhooks')).toBe(0));

async function completed(): Promise<string> {
  const id = await created();
  await simulate(`payments/${id}/pay`, { state: 'COMPLETED' });
  await until(async () => expect((await service.item(`payment#${id}`))?.state).toBe('COMPLETED'));
  return id;
}

const askedOf = async () => JSON.parse((await service.simulator('GET', '/simulator/requests')).text).length;

/** The function's process is killed while it waits for paytech, as when it runs out of memory. */
async function dies(name: FunctionName, on: string, call: () => Promise<unknown>): Promise<void> {
  await fault(on, 'slow');
  const before = await askedOf();
  const called = call().catch(() => {});
  await until(async () => expect(await askedOf()).toBeGreaterThan(before));
  service.functions.get(name)!.kill();
  await called;
}

const times = async (count: number, cause: () => Promise<unknown>) => {
  for (let time = 0; time < count; time++) await cause();
};

async function diesWhileReading(ids: readonly string[]): Promise<void> {
  for (const id of ids) await dies('get-payment', 'get', () => untilRefreshed(id));
}

/** paytech is asked only about what is some seconds old. */
async function untilRefreshed(id: string): Promise<void> {
  const startedAt = await askedOf();
  let status: number;
  do ({ status } = await service.api('GET', `/payments/${id}`));
  while (status === 200 && (await askedOf()) === startedAt);
}

/** Two calls keep both processes of a function busy with paytech, so that a third waits for them. */
const crowded = (calls: (() => Promise<unknown>)[]) => Promise.all(calls.map((call) => call()));

const contradiction = async () => simulate(`payments/${await completed()}/webhook`, { state: 'DECLINED' });

/** What causes each; alarms over queues and throttles bring their samples themselves. */
const CAUSES: Record<string, () => Promise<unknown>> = {
  'create-payment-errors': () => dies('create-payment', 'create', create),
  'get-payment-errors': async () => diesWhileReading([await created()]),
  'execute-payment-errors': async () => {
    const id = await created();
    await dies('execute-payment', 'patch', () => execute(id));
  },
  'operations-errors': () => dies('operations', 'balances', () => operations('/operations/balances')),
  'reconcile-errors': () => dies('reconcile', 'list', () => service.functions.get('reconcile')!.invoke({})),
  'apply-payment-event-errors': async () => {
    const id = await completed();
    await dies('apply-payment-event', 'get', async () => {
      await simulate(`payments/${id}/webhook`, { state: 'DECLINED' });
      await until(async () => expect(samples.some(({ value }) => value === 1)).toBe(true));
    });
  },
  // The same crash, again and again: one more would leave another message that comes back when others are looked at.
  'apply-payment-event-failing': async () => samples.push({ metric: crashes, at: Date.now(), value: 1 }),
  'receive-webhook-errors': () =>
    service.functions
      .get('receive-webhook')!
      .invoke('no event of API Gateway')
      .catch(() => {}),

  'api-5xx': async () => {
    await fault('create', '429', 10);
    await times(10, create);
  },
  'api-4xx': () => times(30, () => service.api('GET', `/payments/${randomUUID()}`)),
  // The local run lets requests wait instead.
  'api-throttled': async () => samples.push({ metric: throttledRequests, at: Date.now(), value: 20 }),
  'create-payment-5xx': async () => {
    await fault('create', '429', 5);
    await times(5, create);
  },
  'get-payment-5xx': async () => diesWhileReading(await Promise.all(Array.from({ length: 5 }, created))),
  'execute-payment-5xx': async () => {
    const id = await created();
    await fault('patch', '429', 5);
    await times(5, () => execute(id));
  },
  'receive-webhook-5xx': async () => {
    const key = service.secrets.get('signing-keys')!;
    service.secrets.delete('signing-keys');
    service.functions.get('receive-webhook')!.kill();
    await times(5, ownWebhook);
    service.secrets.set('signing-keys', key);
  },

  'create-payment-latency': async () => {
    await fault('create', 'timeout');
    await fault('list', 'timeout');
    await create();
  },
  'get-payment-latency': async () => {
    const ids = [await created(), await created(), await created(), await created()];
    await untilRefreshed(ids.pop()!);
    samples = [];
    await fault('get', 'timeout', 3);
    await crowded(ids.map((id) => () => service.api('GET', `/payments/${id}`)));
  },
  'execute-payment-latency': async () => {
    const ids = [await created(), await created(), await created()];
    await fault('patch', 'timeout', 3);
    await crowded(ids.map((id) => () => execute(id)));
  },
  'receive-webhook-latency': async () => {
    // Without its keys it cannot answer, and they take their time.
    const get = vi.spyOn(service.secrets, 'get').mockImplementation((name) => {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 3.1 * SECOND);
      get.mockRestore();
      return service.secrets.get(name);
    });
    service.functions.get('receive-webhook')!.kill();
    await ownWebhook();
  },

  'webhooks-dlq': async () => {
    await service.webhook(`no payment ${randomUUID()}`);
    await until(async () => expect(await visible('webhooks-dlq')).toBeGreaterThan(0));
    samples.push(await depthOf('webhooks-dlq'));
  },
  'webhooks-age': async () => {
    await fault('get', '500', 50);
    const sentAt = Date.now();
    await contradiction();
    await until(async () => expect(await service.depth('webhooks')).toBe(1));
    // Others follow, and the minutes go by; of what was received three times SQS tells no age.
    for (let minute = 0; minute <= 12; minute++) {
      const value = Math.min(minute * 60, 360);
      samples.push({ metric: oldestOf('webhooks'), at: sentAt + minute * MINUTE, value });
    }
    await service.simulator('DELETE', '/simulator/faults');
    await isWorkedOff();
  },
  'payment-events-age': async () => {
    await completed();
    const sentAt = Date.now();
    await until(async () => expect(await visible('payment-events')).toBeGreaterThan(0));
    // Nobody reads it, and the hours go by.
    for (let minute = 0; minute <= 75; minute++) {
      samples.push({ metric: oldestOf('payment-events'), at: sentAt + minute * MINUTE, value: minute * 60 });
    }
  },
  'payment-events-dlq': async () => {
    await completed();
    const QueueUrl = service.queueUrl('payment-events');
    await until(async () => {
      await sqs.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, VisibilityTimeout: 0 }));
      expect(await visible('payment-events-dlq')).toBeGreaterThan(0);
    });
    samples.push(await depthOf('payment-events-dlq'));
  },
  'payment-events-undelivered': async () => {
    // The embedded SNS gives up without a trace; this is what SNS does with what it cannot deliver.
    const QueueUrl = service.queueUrl('payment-events-undelivered');
    await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: '{}' }));
    samples.push(await depthOf('payment-events-undelivered'));
  },
  // The local run lets requests wait instead; AWS counts one for each that it rejects.
  ...Object.fromEntries(
    functionNames.map((name) => [
      `${name}-throttles`,
      async () => samples.push({ metric: throttles(name), at: Date.now(), value: 1 }),
    ]),
  ),
};

it('has a cause for every alarm over what AWS measures', () => {
  expect(Object.keys(CAUSES).sort()).toEqual([...alarms.keys()].sort());
});

describe('over ordinary traffic', () => {
  let ordinary: Sample[];
  beforeAll(async () => {
    const ids = [await completed(), await created()];
    for (const id of ids) expect((await service.api('GET', `/payments/${id}`)).status).toBe(200);
    expect((await execute(ids[1]!)).status).toBe(200);
    expect((await operations('/operations/balances')).status).toBe(200);
    await service.functions.get('reconcile')!.invoke({});
    await isWorkedOff();
    for (const queue of ['webhooks-dlq', 'payment-events-dlq', 'payment-events-undelivered']) {
      samples.push(await depthOf(queue));
    }
    // Nothing waits, and nothing was rejected.
    for (const queue of ['webhooks', 'payment-events'])
      samples.push({ metric: oldestOf(queue), at: Date.now(), value: 0 });
    for (const name of functionNames) samples.push({ metric: throttles(name), at: Date.now(), value: 0 });
    samples.push({ metric: throttledRequests, at: Date.now(), value: 0 });
    ordinary = samples;
  });

  it.each(Object.keys(CAUSES))('%s is quiet, and has seen it', (name) => {
    const alarm = alarms.get(name)!;
    expect(ordinary.some(({ metric }) => metric === alarm.metric)).toBe(true);
    expect(alarm.isOn(lasting(ordinary, alarm), Date.now())).toBe(false);
  });
});

describe('over its cause', () => {
  it.each(Object.keys(CAUSES))('%s goes off', async (name) => {
    const alarm = alarms.get(name)!;
    samples = [];
    await CAUSES[name]!();
    const last = Math.max(...samples.map(({ at }) => at));
    const own = samples.filter(({ metric }) => metric === alarm.metric);
    expect(
      alarm.isOn(lasting(own, alarm), last),
      `${own.length} samples: ${own.slice(-9).map(({ value }) => value)}`,
    ).toBe(true);
    // And ends when it does.
    expect(alarm.isOn(own, last + alarm.windowMs)).toBe(false);
  });
});

it('a slow call or an old webhook of a moment wakes nobody', () => {
  for (const name of ['get-payment-latency', 'webhooks-age', 'payment-events-age']) {
    const { isOn, metric } = alarms.get(name)!;
    const now = Date.now();
    expect(isOn([{ metric, at: now, value: 1e6 }], now), name).toBe(false);
  }
});
