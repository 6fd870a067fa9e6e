import { openEventQueue } from '../../shared/messaging/event-queue.ts';
import { sign } from '../../shared/paytech/signature.ts';
import { createBackOffice } from './back-office.ts';
import { createChargebacks } from './chargebacks.ts';
import { createLambdas } from './lambdas.ts';
import type { Subject } from './ledger.ts';
import type { openOrders } from './orders.ts';
import { openOutside } from './outside.ts';
import { createPaytech } from './paytech.ts';
import { createPerson } from './person.ts';
import { createReaders } from './readers.ts';
import type { Activity } from './schedule.ts';
import { pick, type State, signed } from './simulation-state.ts';

export type Actors = ReturnType<typeof createActors>;

/** Who acts in a schedule: the functions with what they find outside, the people, and paytech. */
export function createActors(state: State, orderBook: ReturnType<typeof openOrders>) {
  const { own, table, index, clock, now, conductor, logger, count, gateway, ledger, queue, noteTruth, send } =
    state;
  const outside = openOutside(state, orderBook.noteSoldAgain);
  const { faulty, gatewayThat, listThat, sqsInto } = outside;
  const lambdas = createLambdas(state, orderBook, outside);

  const backOffice = createBackOffice({
    conductor,
    clock,
    table,
    count,
    gateway,
    changed: (payment) => {
      noteTruth(payment);
      if (payment.facts.state !== 'PENDING') send(payment, 'sent');
    },
    outsideOf: (outside, { table: fault, ends, lookUp }) => ({
      table: outside(faulty(fault)),
      gateway: outside(gatewayThat(ends, lookUp)),
      queue: outside(openEventQueue('webhooks', sqsInto(queue))),
      now,
      logger,
    }),
  });

  const person = createPerson({
    conductor,
    ledger,
    count,
    dependencies: (outside, { table: fault }) => ({
      table: outside(faulty(fault)),
      gateway: outside({ get: gateway.get, list: listThat('well') }),
      queue: outside(openEventQueue('webhooks', sqsInto(queue))),
      now,
      logger,
    }),
  });

  function flagged(): Subject[] {
    return [...own.latest].flatMap(([pk, { stage }]) => {
      const [kind, id] = [pk.slice(0, pk.indexOf('#')), pk.slice(pk.indexOf('#') + 1)];
      return stage === 'flagged' ? [{ kind: kind as Subject['kind'], id }] : [];
    });
  }

  const readers = createReaders({
    conductor,
    clock,
    logger,
    count,
    gateway,
    index,
    list: listThat('well'),
    tableWith: faulty,
    queueThat: (fault) => openEventQueue('webhooks', sqsInto(queue, fault)),
  });

  const paytech = createPaytech(state, backOffice.withdrawalId);
  const chargebacks = createChargebacks(state, outside, lambdas);

  return { lambdas, backOffice, readers, person, paytech, chargebacks, flagged };
}

/** Does one activity of a schedule. */
export function performer(state: State, actors: Actors) {
  const { own, skew, count, gateway, transit, queue, endure, payments } = state;
  const { lambdas, backOffice, readers, person, paytech, chargebacks, flagged } = actors;

  return async function perform(activity: Activity): Promise<void> {
    switch (activity.do) {
      case 'create':
        await lambdas.create(activity);
        return;
      case 'refund':
        return backOffice.refund(activity);
      case 'withdraw':
        return backOffice.withdraw(activity);
      case 'charge':
        return backOffice.charge(activity);
      case 'act':
        return backOffice.act(activity);
      case 'charge-back':
        return chargebacks.chargeBackOne(activity);
      case 'bank':
        return chargebacks.bank(activity);
      case 'make-up-chargeback':
        return chargebacks.makeUp(activity);
      case 'release':
        return chargebacks.releaseOne(activity);
      case 'refresh':
        return refresh(activity);
      case 'reconcile':
        return readers.reconcile(activity);
      case 'customer':
        return paytech.customer(activity);
      case 'elsewhere':
        return paytech.elsewhere(activity);
      case 'cascade':
        return paytech.cascade(activity);
      case 'cycle':
        return paytech.cycle(activity);
      case 'move-money':
        return paytech.moveMoney(activity);
      case 'strange-state':
        return paytech.strangeState(activity);
      case 'add-shards':
        return addShards(activity);
      case 'weather':
        return change(activity);
      case 'resolve':
        return resolve(activity);
      case 'gateway-corrects':
        return paytech.gatewayCorrects(activity);
      case 'contradict':
        return paytech.lie(activity);
      case 'forge':
        return forge(activity);
      case 'poison':
        return poison(activity);
      case 'deliver':
        return deliver(activity);
      case 'apply':
        return apply(activity);
      default:
        return activity satisfies never;
    }
  };

  async function refresh(activity: Extract<Activity, { do: 'refresh' }>): Promise<void> {
    const payment = pick(payments(), activity.payment);
    if (payment) await readers.refresh(payment, activity);
  }

  function addShards({ shards }: Extract<Activity, { do: 'add-shards' }>): void {
    count('shards added');
    own.addShards(shards);
  }

  function poison({ bytes }: Extract<Activity, { do: 'poison' }>): void {
    count('poison');
    transit.push(signed(Buffer.from(bytes)));
  }

  async function resolve(activity: Extract<Activity, { do: 'resolve' }>): Promise<void> {
    const subject = pick(flagged(), activity.claim);
    if (subject) await person.resolve(subject, activity);
  }

  async function deliver(activity: Extract<Activity, { do: 'deliver' }>): Promise<void> {
    const webhook = pick(transit, activity.webhook);
    if (webhook) await lambdas.deliver(webhook, activity.queue, activity.crash);
  }

  async function apply(activity: Extract<Activity, { do: 'apply' }>): Promise<void> {
    const records = [...new Set(activity.messages.map((index) => pick(queue, index)))];
    const present = records.filter((record) => record !== undefined);
    if (present.length > 0) await lambdas.apply(present, activity);
  }

  function change(activity: Extract<Activity, { do: 'weather' }>): void {
    Object.assign(gateway.weather, activity.change);
    skew.ms = activity.skewMs;
    if (skew.ms !== 0) count('clock skewed');
    endure();
  }

  function forge(activity: Extract<Activity, { do: 'forge' }>): Promise<void> | undefined {
    const payment = pick(payments(), activity.payment);
    if (!payment) return;
    count(`forged webhook of a ${activity.of}`);
    const bytes = gateway.webhook({ ...payment, facts: { ...payment.facts, state: activity.state } });
    const about = activity.of === 'chargeback' ? { about: activity.of } : {};
    const forged = { bytes, signature: sign(bytes, 'the-key-of-somebody-else'), ...about };
    transit.push(forged);
    return lambdas.deliver(forged, 'well', undefined);
  }
}
