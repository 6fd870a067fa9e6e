import { randomUUID } from 'node:crypto';
import type { SQSRecord } from 'aws-lambda';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { applyBatch } from '../../functions/apply-payment-event/batch.ts';
import { noteWebhooks } from '../../functions/apply-payment-event/webhook-heard.ts';
import { orderTokens } from '../../functions/create-payment/order-token.ts';
import { getPayment } from '../../functions/get-payment/pipeline.ts';
import { refresh } from '../../functions/get-payment/refresh.ts';
import { receiveWebhook } from '../../functions/receive-webhook/pipeline.ts';
import { reconcile } from '../../functions/reconcile/pipeline.ts';
import { acknowledgeAlarm } from '../../shared/calls/acknowledge.ts';
import { act } from '../../shared/calls/act.ts';
import { claimedCall } from '../../shared/calls/claimed-call.ts';
import type { HttpEvent } from '../../shared/http/api.ts';
import { httpHandler } from '../../shared/http/api.ts';
import { decimal } from '../../shared/payment/money.ts';
import { OPEN_INTERVAL_MS } from '../../shared/payment/schedule.ts';
import { parseSubject, STANDING_ALARMS, type StandingAlarm } from '../../shared/payment/standing.ts';
import { sign } from '../../shared/paytech/signature.ts';
import { AwsError } from '../../shared/runtime/aws-call.ts';
import { openSecret, readKey } from '../../shared/runtime/secrets.ts';
import { readClaim, saveClaim } from '../../shared/store/claims.ts';
import { readPayment } from '../../shared/store/payments.ts';
import { idOfEntry, partitionOf } from '../../shared/store/standing.ts';
import { synthesize } from '../infra/synthesized.ts';
import { alarmsOf, type TemplateAlarm } from '../support/alarm.ts';
import { countMetrics, metricNamed } from '../support/counted.ts';
import { EUR_10, objectBytes, paymentId, startWorld, type World } from '../support/world.ts';

/**
 * Each alarm over logged metrics, by what the template says that it watches: its condition is caused in the
 * pipelines, and their log lines are read as CloudWatch reads them.
 */

let alarms: Map<string, TemplateAlarm>;
beforeAll(async () => {
  const { template } = await synthesize({ stage: 'sandbox', hostToHost: true });
  const isLogged = ({ metric }: TemplateAlarm) => metric.startsWith('PaytechPayments ');
  alarms = new Map([...alarmsOf(template)].filter(([, alarm]) => isLogged(alarm)));
}, 240_000);

let world: World;
let counted: ReturnType<typeof countMetrics>;
beforeEach(async () => {
  world = await startWorld();
  counted = countMetrics(world.now);
});
afterEach(async () => {
  counted.stop();
  await world.stop();
  // Whatever was caused, and however it ended.
  const log = counted.lines.join('');
  for (const kept of [CUSTOMER.email, SIGNING_KEY, ORDER_TOKEN, ...bodies]) expect(log).not.toContain(kept);
});

const SIGNING_KEY = 'signing-key-of-the-shop';
/** What no line of a log may hold. */
const CUSTOMER = { email: 'anna@planted.example' };
const ORDER_TOKEN = 'planted.order.token';
/** In base64, as the queue has them. */
const bodies = new Set<string>();
const MINUTE = 60_000;
const pass = (milliseconds: number) => {
  world.clock.at += milliseconds;
};

const functions = {
  create: (kind: 'deposit' | 'withdrawal' = 'deposit', referenceId: string = randomUUID()) => {
    const service = kind === 'deposit' ? 'create-payment' : 'operations';
    const paymentType = kind === 'deposit' ? ('DEPOSIT' as const) : ('WITHDRAWAL' as const);
    return claimedCall({ ...world, logger: counted.logger(service) })({
      kind,
      referenceId,
      request: EUR_10,
      body: (reference) => ({ paymentType, referenceId: reference, ...EUR_10 }),
      owner: randomUUID(),
      deadline: world.now() + 14_000,
    });
  },
  receive: async (bytes: Buffer, signature: string) => {
    const logger = counted.logger('receive-webhook');
    const signingKeys = { get: async () => [SIGNING_KEY], refreshed: async () => undefined };
    const now = () => new Date(world.now());
    const handler = httpHandler(logger, receiveWebhook({ signingKeys, queue: world.queue, now, logger }));
    bodies.add(bytes.toString('base64'));
    const event = { body: bytes.toString(), headers: { signature }, requestContext: { requestId: 'r' } };
    return (await handler(event as unknown as HttpEvent, {} as never)).statusCode;
  },
  /** Works off the queue, as often as messages come back. */
  apply: async (publisher: World['publisher'] = world.publisher) => {
    const logger = counted.logger('apply-payment-event');
    const { deadLetters, applyWith } = world;
    const records = (await world.drain('webhooks')).map(({ MessageId, Body, MessageAttributes = {} }) => ({
      messageId: MessageId,
      body: Body,
      messageAttributes: Object.fromEntries(
        Object.entries(MessageAttributes).map(([name, { StringValue }]) => [
          name,
          { stringValue: StringValue },
        ]),
      ),
    }));
    const apply = applyWith({ logger });
    const messages = records as unknown as SQSRecord[];
    const response = await applyBatch({ apply, publisher, deadLetters, logger })(messages);
    await noteWebhooks({ ...world, logger })(messages);
    return response;
  },
  act: (kind: 'execute' | 'capture', paymentId: string) => {
    const logger = counted.logger(kind === 'execute' ? 'execute-payment' : 'operations');
    const deadline = world.now() + 14_000;
    return act({ ...world, ready: async () => {}, logger })({
      kind,
      paymentId,
      owner: randomUUID(),
      deadline,
    });
  },
  reconcile: (queue: World['queue'] = world.queue) => {
    const { table, index, gateway, now } = world;
    const logger = counted.logger('reconcile');
    const maxAgeMs = 400 * 24 * 60 * MINUTE;
    const overdueLimits = { AUTHORIZED: 72 * 60 * MINUTE, AWAITING_APPROVAL: 24 * 60 * MINUTE };
    const run = reconcile({ table, index, gateway, queue, now, logger, graceMs: 0, maxAgeMs, overdueLimits });
    return run({ deadline: now() + 55_000 });
  },
};

async function created(): Promise<string> {
  const result = await functions.create();
  if (!('record' in result)) throw new Error(result.is);
  return result.record.id;
}

/** paytech's webhook, through the queue to the table. */
async function webhook(fields: Record<string, unknown> & { id: string; state: string }): Promise<void> {
  const bytes = objectBytes({
    paymentType: 'DEPOSIT',
    amount: '10',
    currency: 'EUR',
    customer: CUSTOMER,
    ...fields,
  });
  expect(await functions.receive(bytes, sign(bytes, SIGNING_KEY))).toBe(200);
  await functions.apply();
}

async function paid(fields: { referenceId?: string } = {}): Promise<string> {
  const id = await created();
  world.gateway.set(id, { state: 'COMPLETED' });
  await webhook({ id, state: 'COMPLETED', ...fields });
  return id;
}

async function refundedElsewhere(parentPaymentId: string, amount: string): Promise<void> {
  const refund = { paymentType: 'REFUND' as const, referenceId: randomUUID(), parentPaymentId };
  const { id } = world.gateway.make({ ...refund, amount: decimal(amount), currency: 'EUR' });
  world.gateway.set(id, { state: 'COMPLETED' });
  await webhook({ ...refund, id, amount, state: 'COMPLETED' });
}

const times = async (count: number, cause: () => Promise<unknown>) => {
  for (let time = 0; time < count; time++) await cause();
};
const failing = (on: 'create' | 'execute' | 'capture' | 'list' | 'get', ends: 'unknown' | 401 | 429) =>
  world.gateway.endings.push({ on, ends } as never);
const authorized = async () => {
  const id = await created();
  world.gateway.set(id, { state: 'AUTHORIZED' });
  await webhook({ id, state: 'AUTHORIZED' });
  return id;
};
/** Two payments under one reference: which one was made by the call that follows? */
const ambiguous = async (paymentType: 'DEPOSIT' | 'WITHDRAWAL') => {
  const referenceId = randomUUID();
  await times(2, async () => world.gateway.make({ paymentType, referenceId, ...EUR_10 }));
  failing('create', 'unknown');
  return referenceId;
};

/** Nothing of a call leaves the process. */
const unreachable = () => {
  const notSent = async () => ({
    kind: 'not-sent' as const,
    reason: 'getaddrinfo ENOTFOUND engine.pay.tech',
  });
  Object.assign(world.gateway, { create: notSent, execute: notSent });
};

/** A key is used each minute, while Secrets Manager does not answer. */
const agesInAnOutage = async (service: string) => {
  let isAway = false;
  const getSecretValue = async () => {
    if (isAway) throw new AwsError('TimeoutError', 'timeout');
    return { SecretString: 'key' };
  };
  const options = { logger: counted.logger(service), secretsManager: { getSecretValue }, now: world.now };
  const secret = openSecret('api-key', readKey, options);
  await secret.get();
  isAway = true;
  pass(5 * MINUTE);
  await times(5, async () => {
    await secret.get();
    pass(MINUTE);
  });
};

/** A run in which paytech refuses every question. */
/** With enough that is due to be asked about. */
const withDue = async () => {
  await times(5, created);
  pass(OPEN_INTERVAL_MS);
};
const givesUp = async () => {
  for (let count = 0; count < 5; count++) failing('get', 401);
  await functions.reconcile();
};

/** A call that makes or moves money, and that paytech does not take, by the function that makes it. */
function turnedDown(status: 401 | 429): Record<string, () => Promise<unknown>> {
  return {
    'create-payment': async () => {
      failing('create', status);
      await functions.create();
    },
    operations: async () => {
      failing('create', status);
      await functions.create('withdrawal');
    },
    'execute-payment': async () => {
      const id = await created();
      failing('execute', status);
      await functions.act('execute', id);
    },
  };
}

/** Ends of payments of ours, an hour apart, of which nobody but paytech itself tells. */
const untold = (count: number) =>
  times(count, async () => {
    world.gateway.set(await created(), { state: 'COMPLETED' });
    pass(MINUTE);
    await functions.reconcile();
    await functions.apply();
    // The list is read once more after a quarter of an hour.
    pass(20 * MINUTE);
    await functions.reconcile();
    pass(39 * MINUTE);
  });

/** By the alarm, then by the function that notices. */
const CAUSES: Record<string, Record<string, () => Promise<unknown>>> = {
  'webhook-signature': {
    'receive-webhook': () =>
      times(5, async () =>
        expect(await functions.receive(Buffer.from(JSON.stringify(CUSTOMER)), 'forged')).toBe(401),
      ),
  },
  'order-tokens': {
    'create-payment': () => {
      const keys = { get: async () => ['k'.repeat(32)], refreshed: async () => undefined };
      const logger = counted.logger('create-payment');
      const read = orderTokens({ keys, audience: 'urn:x', now: world.now, logger });
      return times(20, () => read(ORDER_TOKEN).catch(() => {}));
    },
  },
  'payment-corrected': {
    'apply-payment-event': async () => {
      const id = await paid();
      world.gateway.set(id, { state: 'CANCELLED' });
      await webhook({ id, state: 'CANCELLED' });
    },
  },
  'event-quarantined': {
    'apply-payment-event': async () => webhook({ id: await paid(), state: 'CANCELLED' }),
  },
  'unknown-states': {
    'apply-payment-event': async () => {
      const id = await created();
      await times(20, () => webhook({ id, state: 'RECONCILIATION' }));
    },
  },
  'unknown-state-for-long': {
    reconcile: async () => {
      await webhook({ id: await created(), state: 'RECONCILIATION' });
      await functions.reconcile();
      pass(24 * 60 * MINUTE);
      await functions.reconcile();
    },
  },
  'outcome-unknown': {
    'create-payment': () =>
      times(5, async () => {
        failing('create', 'unknown');
        await functions.create();
      }),
    operations: () =>
      times(5, async () => {
        failing('create', 'unknown');
        await functions.create('withdrawal');
      }),
    'execute-payment': () =>
      times(5, async () => {
        const id = await created();
        failing('execute', 'unknown');
        await functions.act('execute', id);
      }),
  },
  'outcome-unknown-for-long': {
    reconcile: async () => {
      const id = await authorized();
      failing('capture', 'unknown');
      await functions.act('capture', id);
      pass(16 * MINUTE);
      await functions.reconcile();
    },
  },
  'claim-flagged': {
    // More attempts than any customer makes.
    'create-payment': async () => {
      const referenceId = randomUUID();
      const claim = { kind: 'deposit', referenceId, stage: 'released', attempt: 21 } as const;
      const lease = { owner: 'somebody', sentAt: 0, leaseUntil: 0 };
      await saveClaim(world.table, undefined, { ...claim, ...lease, request: EUR_10, earlierPaymentIds: [] });
      return functions.create('deposit', referenceId);
    },
    operations: async () => functions.create('withdrawal', await ambiguous('WITHDRAWAL')),
    // More payments under one reference than anybody makes.
    'apply-payment-event': async () => {
      const referenceId = randomUUID();
      const claim = { kind: 'deposit', referenceId, stage: 'released', attempt: 1 } as const;
      const lease = { owner: 'somebody', sentAt: 0, leaseUntil: 0 };
      const otherPaymentIds = Array.from({ length: 20 }, paymentId);
      const rest = { ...lease, request: EUR_10, earlierPaymentIds: [], otherPaymentIds };
      await saveClaim(world.table, undefined, { ...claim, ...rest });
      const { id } = world.gateway.make({ paymentType: 'DEPOSIT', referenceId, ...EUR_10 });
      world.gateway.set(id, { state: 'COMPLETED' });
      await webhook({ id, state: 'COMPLETED', referenceId });
    },
    reconcile: async () => {
      const referenceId = await ambiguous('WITHDRAWAL');
      failing('list', 'unknown');
      await functions.create('withdrawal', referenceId);
      pass(MINUTE);
      await functions.reconcile();
    },
  },
  'order-paid-twice': {
    'apply-payment-event': async () => {
      const referenceId = randomUUID();
      const again = async () => {
        const result = await functions.create('deposit', referenceId);
        return (result as { record: { id: string } }).record.id;
      };
      const first = await again();
      world.gateway.set(first, { state: 'DECLINED' });
      await webhook({ id: first, state: 'DECLINED', referenceId });
      const second = await again();
      await webhook({ id: second, state: 'COMPLETED', referenceId: `${referenceId}~2` });
      world.gateway.set(first, { state: 'COMPLETED' });
      await webhook({ id: first, state: 'COMPLETED', referenceId });
    },
  },
  'paid-out-twice': {
    'apply-payment-event': async () => {
      const referenceId = randomUUID();
      await functions.create('withdrawal', referenceId);
      const { id } = world.gateway.make({ paymentType: 'WITHDRAWAL', referenceId, ...EUR_10 });
      await webhook({ id, state: 'PENDING', paymentType: 'WITHDRAWAL', referenceId });
    },
  },
  'webhook-not-confirmed': {
    reconcile: async () => {
      await webhook({ id: await created(), state: 'COMPLETED' });
      pass(5 * MINUTE);
      await functions.reconcile();
    },
  },
  'authorized-for-long': {
    reconcile: async () => {
      await authorized();
      pass(72 * 60 * MINUTE);
      await functions.reconcile();
    },
  },
  'awaiting-approval-for-long': {
    reconcile: async () => {
      const referenceId = randomUUID();
      const { id } = world.gateway.make({ paymentType: 'WITHDRAWAL', referenceId, ...EUR_10 });
      world.gateway.set(id, { state: 'AWAITING_APPROVAL' });
      await webhook({ id, state: 'AWAITING_APPROVAL', paymentType: 'WITHDRAWAL' });
      pass(24 * 60 * MINUTE);
      await functions.reconcile();
    },
  },
  'refunded-too-much': {
    'apply-payment-event': async () => {
      const parentPaymentId = await paid();
      await refundedElsewhere(parentPaymentId, '11');
    },
  },
  'refund-without-parent': {
    'apply-payment-event': () => refundedElsewhere(paymentId(), '10'),
  },
  'message-parked': {
    'apply-payment-event': async () => {
      const bytes = Buffer.from('not json');
      await functions.receive(bytes, sign(bytes, SIGNING_KEY));
      await functions.apply();
    },
  },
  'publish-failed': {
    'apply-payment-event': async () => {
      const ids = await Promise.all(Array.from({ length: 5 }, created));
      for (const id of ids) {
        const bytes = objectBytes({
          id,
          paymentType: 'DEPOSIT',
          state: 'COMPLETED',
          amount: '10',
          currency: 'EUR',
        });
        await functions.receive(bytes, sign(bytes, SIGNING_KEY));
      }
      const publish: World['publisher']['publish'] = async (all) =>
        new Map(all.map(({ id }) => [id, 'AccessDenied']));
      expect((await functions.apply({ publish })).batchItemFailures).toHaveLength(5);
    },
  },
  'gateway-not-accepted': turnedDown(429),
  'api-key-refused': {
    ...turnedDown(401),
    reconcile: async () => {
      failing('list', 401);
      await functions.reconcile();
    },
  },
  'gateway-not-reached': {
    'create-payment': () =>
      times(5, async () => {
        unreachable();
        await functions.create();
      }),
    operations: () =>
      times(5, async () => {
        unreachable();
        await functions.create('withdrawal');
      }),
    'execute-payment': async () => {
      const id = await created();
      await times(5, async () => {
        unreachable();
        await functions.act('execute', id);
      });
    },
  },
  'secret-stale': {
    'create-payment': () => agesInAnOutage('create-payment'),
    'receive-webhook': () => agesInAnOutage('receive-webhook'),
    reconcile: () => agesInAnOutage('reconcile'),
  },
  'webhooks-missed': {
    reconcile: async () => {
      await times(5, async () => world.gateway.set(await created(), { state: 'COMPLETED' }));
      pass(MINUTE);
      await functions.reconcile();
    },
  },
  'reconcile-gave-up': {
    reconcile: async () => {
      await withDue();
      await givesUp();
      pass(3 * MINUTE);
      await givesUp();
    },
  },
  'reconcile-failed': {
    reconcile: async () => {
      await times(20, async () => world.gateway.set(await created(), { state: 'COMPLETED' }));
      pass(MINUTE);
      await functions.reconcile({ send: () => Promise.reject(new Error('the queue is down')) });
    },
  },
  'list-part-not-compared': {
    reconcile: async () => {
      world.gateway.make({ paymentType: 'DEPOSIT', referenceId: randomUUID(), ...EUR_10 });
      pass(MINUTE);
      await functions.reconcile({ send: () => Promise.reject(new Error('the queue is down')) });
    },
  },
  'list-filter-ignored': {
    reconcile: async () => {
      await created();
      const { listReadable } = world.gateway;
      world.gateway.listReadable = ({ createdFrom }, limit) => listReadable({ createdFrom }, limit);
      await functions.reconcile();
    },
  },
  'reconcile-not-running': { reconcile: async () => {} },
  'reconcile-failing': { reconcile: async () => {} },
  'reconcile-walk-behind': {
    reconcile: async () => {
      await created();
      pass(OPEN_INTERVAL_MS + 16 * MINUTE);
      await functions.reconcile();
    },
  },
  'reconcile-list-behind': {
    reconcile: async () => {
      await functions.reconcile();
      pass(20 * MINUTE);
      await functions.reconcile();
    },
  },
  'webhooks-not-arriving': {
    reconcile: async () => {
      await functions.reconcile();
      await untold(3);
    },
  },
};

it('has a cause for every alarm over logged metrics', () => {
  expect(Object.keys(CAUSES).sort()).toEqual([...alarms.keys()].sort());
});

/** Those that end in a run of reconcile only. */
const COUNTED_IN_RUNS = [
  'reconcile-not-running',
  'reconcile-failing',
  'reconcile-walk-behind',
  'reconcile-list-behind',
  'webhooks-not-arriving',
];

const isStanding = (name: string): name is StandingAlarm => STANDING_ALARMS.some((each) => each === name);

/** What a person does at last about all that an alarm stands on. */
async function decide(alarm: StandingAlarm): Promise<void> {
  const { table, index, now, logger } = world;
  const { keys } = await index.due(partitionOf(alarm), { after: 0, until: now() }, 10);
  expect(keys).not.toEqual([]);
  for (const { pk } of keys) {
    const id = idOfEntry(alarm, pk);
    const by = { reason: 'seen to', caller: 'somebody' };
    const { is } = await acknowledgeAlarm({ table, now, logger })({ kind: alarm, id, ...by });
    if (alarm !== 'claim-flagged') {
      expect(is).toBe('acknowledged');
      continue;
    }
    expect(is).toBe('resolve-only');
    const subject = parseSubject(id);
    const claim = (await readClaim(table, subject.kind as 'deposit', subject.id))!;
    await saveClaim(table, claim, { ...claim, stage: 'released' });
  }
}

describe.each(Object.keys(CAUSES))('the alarm %s', (name) => {
  it.each(Object.keys(CAUSES[name]!))('goes off over its cause in %s, and ends', async (service) => {
    const alarm = alarms.get(name)!;
    const isOn = () => alarm.isOn(counted.samples, world.now());
    await CAUSES[name]![service]!();
    expect(isOn(), counted.all().join('\n')).toBe(true);
    if (isStanding(name)) {
      for (let hour = 0; hour < 3; hour++) {
        pass(60 * MINUTE);
        expect(isOn(), `where nobody has counted for an hour, in hour ${hour}`).toBe(true);
        await functions.reconcile();
        expect(isOn(), `in hour ${hour}`).toBe(true);
      }
      await decide(name);
    }
    if (name === 'webhooks-not-arriving') await webhook({ id: await created(), state: 'DECLINED' });
    pass(alarm.windowMs);
    if (isStanding(name) || COUNTED_IN_RUNS.includes(name)) await functions.reconcile();
    expect(isOn()).toBe(false);
  });
});

it('an alarm that was acknowledged is raised by what is found later, and by nothing else', async () => {
  const alarm = alarms.get('order-paid-twice')!;
  const isOn = () => alarm.isOn(counted.samples, world.now());
  const referenceId = randomUUID();
  const elsewhere = async () => {
    const { id } = world.gateway.make({ paymentType: 'DEPOSIT', referenceId, ...EUR_10 });
    world.gateway.set(id, { state: 'COMPLETED' });
    await webhook({ id, state: 'COMPLETED', referenceId });
    return id;
  };
  const last = [await elsewhere(), await elsewhere()][1]!;
  expect(isOn()).toBe(true);
  await decide('order-paid-twice');
  pass(alarm.windowMs);
  // The same webhook once more.
  await webhook({ id: last, state: 'COMPLETED', referenceId });
  await functions.reconcile();
  expect(isOn()).toBe(false);

  await elsewhere();
  expect(isOn()).toBe(true);
  pass(alarm.windowMs);
  await functions.reconcile();
  expect(isOn()).toBe(true);
});

it('a run that fails for any cause is none that has worked', async () => {
  const alarm = alarms.get('reconcile-failing')!;
  const isOn = () => alarm.isOn(counted.samples, world.now());
  const lost = { send: () => Promise.reject(new Error('the queue is down')) };
  const inWeather = async (weather: Partial<World['gateway']['weather']>) => {
    Object.assign(world.gateway.weather, weather);
    await functions.reconcile();
    Object.assign(world.gateway.weather, { list: 'well', get: 'well' });
  };
  const causes: Record<string, () => Promise<unknown>> = {
    'the list is down': () => inWeather({ list: 'down' }),
    'GET is down': () => inWeather({ get: 'down' }),
    'the queue is down': () => functions.reconcile(lost),
    'it is killed': async () => {},
  };
  await created();
  world.gateway.set(await created(), { state: 'COMPLETED' });
  await functions.reconcile();
  for (const [cause, fails] of Object.entries(causes)) {
    world.gateway.set(await created(), { state: 'COMPLETED' });
    pass(OPEN_INTERVAL_MS);
    for (let minute = 0; minute < 16; minute++) {
      pass(MINUTE);
      await fails();
    }
    expect(isOn(), cause).toBe(true);
    await functions.reconcile();
    expect(isOn(), `${cause}, and not any more`).toBe(false);
  }
});

describe('webhooks that do not arrive', () => {
  const isOn = () => alarms.get('webhooks-not-arriving')!.isOn(counted.samples, world.now());
  beforeEach(() => functions.reconcile());

  it('are noticed at one payment an hour, and two may be chance', async () => {
    await untold(2);
    expect(isOn()).toBe(false);
    await untold(1);
    expect(isOn()).toBe(true);
  });

  it('are noticed where customers are shown the end before', async () => {
    const logger = counted.logger('get-payment');
    const ask = refresh({ ...world, logger });
    for (let payment = 0; payment < 3; payment++) {
      const id = await created();
      world.gateway.set(id, { state: 'COMPLETED' });
      pass(10_000);
      await ask((await readPayment(world.table, id))!, 'r');
      await functions.apply();
      pass(60 * MINUTE);
      await functions.reconcile();
    }
    expect(isOn()).toBe(true);
  });

  it('are none where most arrive', async () => {
    for (let payment = 0; payment < 4; payment++) {
      await untold(1);
      await paid();
    }
    await functions.reconcile();
    expect(isOn()).toBe(false);
  });
});

it('counts for its own stack, and not for another in the same account', async () => {
  const logger = counted.logger('apply-payment-event', 'paytech-payments-production');
  logger.error('paid twice', { metric: 'OrderPaidTwice' });
  expect(counted.all()).toEqual([
    metricNamed('PaytechPayments', 'OrderPaidTwice', { stack: 'paytech-payments-production' }),
  ]);
  expect(alarms.get('order-paid-twice')!.isOn(counted.samples, world.now())).toBe(false);
});

it('stays quiet, each of them, over ordinary payments', async () => {
  const id = await paid();
  const logger = counted.logger('get-payment');
  const show = getPayment({
    readPayment: (id) => readPayment(world.table, id),
    refresh: refresh({ ...world, logger }),
  });
  await show({ pathParameters: { id }, requestContext: { requestId: 'r' } } as unknown as HttpEvent);
  await functions.create('withdrawal');
  await functions.act('capture', await authorized());
  await functions.apply();
  await functions.act('execute', await created());
  await functions.apply();
  pass(MINUTE);
  await functions.reconcile();
  const loud = [...alarms.values()].filter((alarm) => alarm.isOn(counted.samples, world.now()));
  // Missing data count against it, and by now there is a run in one of its two periods.
  expect(loud.map(({ name }) => name)).toEqual([]);
  const more = counted.samples.filter(({ metric, value }) => value > 0 && !metric.includes('Seconds'));
  const names = more.map(({ metric }) => metric.split(' ')[1]);
  expect(names).toEqual(['ReconcileWorked', 'Reconciled']);
});

it('a moment without reconcile, and one in which paytech cannot be asked, wake nobody', async () => {
  await functions.reconcile();
  const { windowMs } = alarms.get('reconcile-not-running')!;
  pass(windowMs / 2);
  expect(alarms.get('reconcile-not-running')!.isOn(counted.samples, world.now())).toBe(false);
  await withDue();
  await givesUp();
  expect(alarms.get('reconcile-gave-up')!.isOn(counted.samples, world.now())).toBe(false);
});

it('the alarm of a payment that waits stays on while it waits, and ends once it has moved', async () => {
  const alarm = alarms.get('authorized-for-long')!;
  const id = await authorized();
  pass(72 * 60 * MINUTE);
  const runsFor = async (minutes: number) => {
    const states = new Set<boolean>();
    for (let minute = 0; minute < minutes; minute += 7) {
      await functions.reconcile();
      states.add(alarm.isOn(counted.samples, world.now()));
      pass(7 * MINUTE);
    }
    return [...states];
  };
  expect(await runsFor(200)).toEqual([true]);
  world.gateway.set(id, { state: 'COMPLETED' });
  await webhook({ id, state: 'COMPLETED' });
  await runsFor(alarm.windowMs / MINUTE);
  expect(alarm.isOn(counted.samples, world.now())).toBe(false);
});
