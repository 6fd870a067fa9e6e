import { randomUUID } from 'node:crypto';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { getPayment } from '../../functions/get-payment/pipeline.ts';
import { refresh } from '../../functions/get-payment/refresh.ts';
import { acknowledgeAlarm } from '../../shared/calls/acknowledge.ts';
import type { HttpEvent } from '../../shared/http/api.ts';
import { OPEN_INTERVAL_MS } from '../../shared/payment/schedule.ts';
import { parseSubject, STANDING_ALARMS, type StandingAlarm } from '../../shared/payment/standing.ts';
import { readClaim, saveClaim } from '../../shared/store/claims.ts';
import { readPayment } from '../../shared/store/payments.ts';
import { idOfEntry, partitionOf } from '../../shared/store/standing.ts';
import { synthesize } from '../infra/synthesized.ts';
import { alarmsOf, type TemplateAlarm } from '../support/alarm.ts';
import { metricNamed } from '../support/counted.ts';
import { countedWorld } from '../support/counted-world.ts';
import { EUR_10, objectBytes, paymentId, type World } from '../support/world.ts';
import { causesIn } from './alarm-causes.ts';

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

const scene = countedWorld();
const { functions, pass, created, webhook, paid, authorized, withDue, givesUp, untold } = scene;
const CAUSES = causesIn(scene);
const MINUTE = 60_000;

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
  const { table, index, now, logger } = scene.world;
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
    const isOn = () => alarm.isOn(scene.counted.samples, scene.world.now());
    await CAUSES[name]![service]!();
    expect(isOn(), scene.counted.all().join('\n')).toBe(true);
    if (isStanding(name)) {
      for (let hour = 0; hour < 3; hour++) {
        pass(60 * MINUTE);
        expect(isOn(), `where nobody has scene.counted for an hour, in hour ${hour}`).toBe(true);
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
  const isOn = () => alarm.isOn(scene.counted.samples, scene.world.now());
  const referenceId = randomUUID();
  const elsewhere = async () => {
    const { id } = scene.world.gateway.make({ paymentType: 'DEPOSIT', referenceId, ...EUR_10 });
    scene.world.gateway.set(id, { state: 'COMPLETED' });
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

it('a webhook that waits for paytech is not stuck yet', async () => {
  const alarm = alarms.get('webhooks-stuck')!;
  scene.world.gateway.weather.get = 'down';
  const bytes = objectBytes({ id: paymentId(), paymentType: 'DEPOSIT', state: 'COMPLETED' });
  await scene.signed(bytes);
  expect((await functions.apply(scene.world.publisher, 2)).batchItemFailures).toHaveLength(1);
  expect(alarm.isOn(scene.counted.samples, scene.world.now())).toBe(false);
});

it('a run that fails for any cause is none that has worked', async () => {
  const alarm = alarms.get('reconcile-failing')!;
  const isOn = () => alarm.isOn(scene.counted.samples, scene.world.now());
  const lost = { send: () => Promise.reject(new Error('the queue is down')) };
  const inWeather = async (weather: Partial<World['gateway']['weather']>) => {
    Object.assign(scene.world.gateway.weather, weather);
    await functions.reconcile();
    Object.assign(scene.world.gateway.weather, { list: 'well', get: 'well' });
  };
  const causes: Record<string, () => Promise<unknown>> = {
    'the list is down': () => inWeather({ list: 'down' }),
    'GET is down': () => inWeather({ get: 'down' }),
    'the queue is down': () => functions.reconcile(lost),
    'it is killed': async () => {},
  };
  await created();
  scene.world.gateway.set(await created(), { state: 'COMPLETED' });
  await functions.reconcile();
  for (const [cause, fails] of Object.entries(causes)) {
    scene.world.gateway.set(await created(), { state: 'COMPLETED' });
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
  const isOn = () => alarms.get('webhooks-not-arriving')!.isOn(scene.counted.samples, scene.world.now());
  beforeEach(() => functions.reconcile());

  it('are noticed at one payment an hour, and two may be chance', async () => {
    await untold(2);
    expect(isOn()).toBe(false);
    await untold(1);
    expect(isOn()).toBe(true);
  });

  it('are noticed where customers are shown the end before', async () => {
    const logger = scene.counted.logger('get-payment');
    const ask = refresh({ ...scene.world, logger });
    for (let payment = 0; payment < 3; payment++) {
      const id = await created();
      scene.world.gateway.set(id, { state: 'COMPLETED' });
      pass(10_000);
      await ask((await readPayment(scene.world.table, id))!, 'r');
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
  const logger = scene.counted.logger('apply-payment-event', 'paytech-payments-production');
  logger.error('paid twice', { metric: 'OrderPaidTwice' });
  expect(scene.counted.all()).toEqual([
    metricNamed('PaytechPayments', 'OrderPaidTwice', { stack: 'paytech-payments-production' }),
  ]);
  expect(alarms.get('order-paid-twice')!.isOn(scene.counted.samples, scene.world.now())).toBe(false);
});

it('stays quiet, each of them, over ordinary payments', async () => {
  const id = await paid();
  const logger = scene.counted.logger('get-payment');
  const show = getPayment({
    readPayment: (id) => readPayment(scene.world.table, id),
    refresh: refresh({ ...scene.world, logger }),
  });
  await show({ pathParameters: { id }, requestContext: { requestId: 'r' } } as unknown as HttpEvent);
  await functions.create('withdrawal');
  await functions.act('capture', await authorized());
  await functions.apply();
  await functions.act('execute', await created());
  await functions.apply();
  pass(MINUTE);
  await functions.reconcile();
  const loud = [...alarms.values()].filter((alarm) => alarm.isOn(scene.counted.samples, scene.world.now()));
  // Missing data count against it, and by now there is a run in one of its two periods.
  expect(loud.map(({ name }) => name)).toEqual([]);
  const more = scene.counted.samples.filter(({ metric, value }) => value > 0 && !metric.includes('Seconds'));
  const names = more.map(({ metric }) => metric.split(' ')[1]);
  expect(names).toEqual(['ReconcileWorked', 'Reconciled']);
});

it('a moment without reconcile, and one in which paytech cannot be asked, wake nobody', async () => {
  await functions.reconcile();
  const { windowMs } = alarms.get('reconcile-not-running')!;
  pass(windowMs / 2);
  expect(alarms.get('reconcile-not-running')!.isOn(scene.counted.samples, scene.world.now())).toBe(false);
  await withDue();
  await givesUp();
  expect(alarms.get('reconcile-gave-up')!.isOn(scene.counted.samples, scene.world.now())).toBe(false);
});

it('the alarm of a payment that waits stays on while it waits, and ends once it has moved', async () => {
  const alarm = alarms.get('authorized-for-long')!;
  const id = await authorized();
  pass(72 * 60 * MINUTE);
  const runsFor = async (minutes: number) => {
    const states = new Set<boolean>();
    for (let minute = 0; minute < minutes; minute += 7) {
      await functions.reconcile();
      states.add(alarm.isOn(scene.counted.samples, scene.world.now()));
      pass(7 * MINUTE);
    }
    return [...states];
  };
  expect(await runsFor(200)).toEqual([true]);
  scene.world.gateway.set(id, { state: 'COMPLETED' });
  await webhook({ id, state: 'COMPLETED' });
  await runsFor(alarm.windowMs / MINUTE);
  expect(alarm.isOn(scene.counted.samples, scene.world.now())).toBe(false);
});
