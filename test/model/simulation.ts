import { randomUUID } from 'node:crypto';
import type { PublishBatchCommand, SNSClient } from '@aws-sdk/client-sns';
import type { SendMessageCommandInput } from '@aws-sdk/client-sqs';
import type { SQSRecord } from 'aws-lambda';
import { applyBatch } from '../../functions/apply-payment-event/batch.ts';
import { applyEvent } from '../../functions/apply-payment-event/pipeline.ts';
import { createPayment } from '../../functions/create-payment/pipeline.ts';
import { readCreateRequest } from '../../functions/create-payment/request.ts';
import { receiveWebhook } from '../../functions/receive-webhook/pipeline.ts';
import { claimedCall } from '../../shared/claims/claimed-call.ts';
import type { HttpEvent } from '../../shared/http/api.ts';
import type { Claim } from '../../shared/payment/claim.ts';
import { stringifyJson } from '../../shared/payment/json.ts';
import { decimal } from '../../shared/payment/money.ts';
import { isFinal, type PaymentState, statesBefore } from '../../shared/payment/state.ts';
import { sign } from '../../shared/paytech/signature.ts';
import { type GatewayPayment, writePayment } from '../../shared/paytech/wire.ts';
import {
  eventKey,
  openDeadLetterQueue,
  openEventQueue,
  type QueuedEvent,
  type Sqs,
} from '../../shared/queue/event-queue.ts';
import { openPublisher } from '../../shared/queue/publisher.ts';
import { readClaim } from '../../shared/store/claims.ts';
import type { Table } from '../../shared/store/table.ts';
import { memoryGateway } from '../support/memory-gateway.ts';
import { memoryLogger } from '../support/world.ts';
import { type Answer, answerOf } from './answer.ts';
import { type BackOfficeRequest, createBackOffice, waitsForApproval } from './back-office.ts';
import { ownTable } from './own-table.ts';
import { type Crash, createConductor, runProcess } from './process.ts';
import { createReaders } from './readers.ts';
import type { Activity, Delivery, Round, TableFault } from './schedule.ts';

const SIGNING_KEY = 'the-signing-key-of-the-model';
export const EVENT_SOURCE = 'urn:paytech-payments:model';

interface Order {
  referenceId: string;
  amount: string;
}

interface Webhook {
  bytes: Buffer;
  signature: string;
}

/**
 * The real pipelines around the embedded DynamoDB, with paytech, SQS and SNS as the schedule wants them, and
 * what a person who sees everything would have written down.
 */
export function createSimulation(shared: Table, amounts: readonly string[]) {
  const { table, index, catchUp } = ownTable(shared, randomUUID());
  const clock = { at: Date.parse('2026-11-23T12:00:00Z') };
  const now = () => clock.at;
  const conductor = createConductor();
  const logger = memoryLogger();
  const gateway = memoryGateway(now, { waitsForApproval });
  const orders: Order[] = amounts.map((amount) => ({ referenceId: `order-${randomUUID()}`, amount }));
  const transit: Webhook[] = [];
  const queue: SQSRecord[] = [];
  const deadLetters: SQSRecord[] = [];
  const published = new Map<string, Set<string>>();
  /** The keys of the webhooks that were answered with 200, and those of the events whose fate is known. */
  const acknowledged = new Map<string, Webhook>();
  const settled = new Map<string, string>();
  /** Payments whose redirectUrl a storefront was given: nobody can pay another. */
  const shown = new Set<string>();
  /** Every state and amount that was ever true at paytech, by payment. */
  const truths = new Map<string, Set<string>>();
  const corrected = new Set<string>();
  const late: { at: number; make: () => void }[] = [];
  const counts: Record<string, number> = {};
  const count = (what: string) => {
    counts[what] = (counts[what] ?? 0) + 1;
  };

  function messageOf({ MessageBody = '', MessageAttributes = {} }: SendMessageCommandInput): SQSRecord {
    const attributes = Object.entries(MessageAttributes).map(([name, { StringValue = '' }]) => [
      name,
      { stringValue: StringValue, dataType: 'String' },
    ]);
    return {
      messageId: randomUUID(),
      body: MessageBody,
      messageAttributes: Object.fromEntries(attributes),
    } as SQSRecord;
  }

  const sqsInto = (messages: SQSRecord[], fault: 'well' | 'down' = 'well'): Sqs => ({
    async sendMessage(input) {
      if (fault === 'down') throw new Error('SQS is down');
      messages.push(messageOf(input));
    },
  });

  function snsWith(fault: 'well' | 'down' | 'lost' | 'partly'): SNSClient {
    return {
      async send(command: PublishBatchCommand) {
        if (fault !== 'well') count(`publish ${fault}`);
        if (fault === 'down') throw new Error('SNS is down');
        const entries = command.input.PublishBatchRequestEntries ?? [];
        for (const { Message = '' } of fault === 'partly' ? entries.slice(1) : entries) {
          const { id } = JSON.parse(Message);
          published.set(id, (published.get(id) ?? new Set()).add(Message));
        }
        if (fault === 'lost') throw new Error('the answer of SNS was lost');
        return { Failed: fault === 'partly' ? [{ Id: '0', Code: 'InternalError' }] : [] };
      },
    } as unknown as SNSClient;
  }

  /** The table with one fault at one of its writes, as the AWS SDK would show it. */
  function faulty(plan: { atWrite: number; fault: TableFault } | undefined): Table {
    let writes = 0;
    const write = async <R>(action: () => Promise<R>): Promise<R> => {
      if (plan?.atWrite !== writes++) return action();
      count(`table ${plan.fault}`);
      if (plan.fault === 'refused') throw new Error('the write was throttled');
      const first = await action();
      if (plan.fault === 'lost') throw new Error('the answer of the table was lost');
      return plan.fault === 'repeated' ? action() : first;
    };
    return {
      get: table.get,
      put: (...args) => write(() => table.put(...args)),
      update: (...args) => write(() => table.update(...args)),
    };
  }

  async function create(activity: Extract<Activity, { do: 'create' }>): Promise<Answer | undefined> {
    const order = orders[activity.order % orders.length]!;
    const amount = activity.changed === 'amount' ? `1${order.amount}` : order.amount;
    const method = activity.changed === 'method' ? { paymentMethod: 'PIX' } : {};
    return storefront({ ...activity, request: { referenceId: order.referenceId, amount, ...method } });
  }

  async function storefront({
    request,
    ends,
    lookUp,
    table: fault,
    crash,
  }: {
    request: { referenceId: string; amount: string; paymentMethod?: string };
    ends?: Extract<Activity, { do: 'create' }>['ends'];
    lookUp?: 'well' | 'unknown';
    table?: { atWrite: number; fault: TableFault } | undefined;
    crash?: Crash | undefined;
  }): Promise<Answer | undefined> {
    const { amount, ...rest } = request;
    const ended = await runProcess(conductor, crash, async (outside): Promise<Answer> => {
      const route = createPayment({
        create: claimedCall({
          table: outside(faulty(fault)),
          gateway: outside(gatewayThat(ends ?? 'well', lookUp ?? 'well')),
          queue: outside(openEventQueue('webhooks', sqsInto(queue))),
          now,
          logger,
        }),
        readRequest: (json) => readCreateRequest(json, []),
        webhookUrl: 'https://shop.example/webhooks/paytech',
      });
      const body = stringifyJson({ ...rest, amount: decimal(amount), currency: 'EUR' });
      const event = { body, headers: {}, requestContext: { http: { sourceIp: '192.0.2.1' } } };
      return answerOf(() => route(event as unknown as HttpEvent, randomUUID(), clock.at + 14_000));
    });
    if (ended.died) {
      count('crash of create-payment');
      return undefined;
    }
    count(`answer ${ended.value.status} ${ended.value.code ?? ''}`.trim());
    if (ended.value.body?.redirectUrl) shown.add(ended.value.body.id);
    return ended.value;
  }

  function gatewayThat(ends: Extract<Activity, { do: 'create' }>['ends'], lookUp: 'well' | 'unknown') {
    const next: typeof gateway.create = async (body, limit) => {
      if (ends !== 'well') count(`gateway ${ends}`);
      if (ends === 'late') {
        gateway.bodies.push(body);
        late.push({ at: clock.at + 12_000, make: () => noteTruth(gateway.make(body)) });
        return { kind: 'unknown', reason: 'timeout' };
      }
      if (ends === 'lost' || ends === 'unknown' || ends === 'refused')
        gateway.endings.push({ on: 'create', ends });
      if (ends === 'limited') gateway.endings.push({ on: 'create', ends: 429 });
      const before = new Set(gateway.payments.keys());
      const answer = await gateway.create(body, limit);
      const made = [...gateway.payments.values()].find(({ id }) => !before.has(id));
      if (made && ends === 'declined') made.facts = { ...made.facts, state: 'DECLINED', errorCode: '4.02' };
      if (made) noteTruth(made);
      return answer;
    };
    const list: typeof gateway.list = async (query, limit) => {
      if (lookUp === 'unknown') {
        count('look-up unknown');
        gateway.endings.push({ on: 'list', ends: 'unknown' });
      }
      return gateway.list(query, limit);
    };
    return { create: next, list, get: gateway.get };
  }

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

  const readers = createReaders({
    conductor,
    clock,
    logger,
    count,
    gateway,
    index,
    tableWith: faulty,
    queueThat: (fault) => openEventQueue('webhooks', sqsInto(queue, fault)),
  });

  async function deliver(webhook: Webhook, fault: 'well' | 'down', crash: Crash | undefined): Promise<void> {
    const ended = await runProcess(conductor, crash, (outside) => {
      const route = receiveWebhook({
        signingKeys: outside({ get: async () => [SIGNING_KEY], refreshed: async () => undefined }),
        queue: outside(openEventQueue('webhooks', sqsInto(queue, fault))),
        now: () => new Date(clock.at),
        logger,
      });
      const event = {
        body: webhook.bytes.toString('base64'),
        isBase64Encoded: true,
        headers: { signature: webhook.signature },
        requestContext: { requestId: randomUUID() },
      };
      return answerOf(() => route(event as unknown as HttpEvent));
    });
    if (ended.died) return count('crash of receive-webhook');
    count(`webhook ${ended.value.status}`);
    // paytech sends again whatever was not answered with 200, and does so for ever in the model.
    if (ended.value.status === 200)
      acknowledged.set(eventKey({ bytes: webhook.bytes, source: 'webhook' }), webhook);
    if (ended.value.status < 500) transit.splice(transit.indexOf(webhook), 1);
  }

  async function apply(
    records: SQSRecord[],
    faults: Pick<Extract<Activity, { do: 'apply' }>, 'publish' | 'ask' | 'table' | 'crash'>,
  ): Promise<void> {
    const get: typeof gateway.get = async (...args) => {
      if (faults.ask === 'unknown') {
        count('question unanswered');
        gateway.endings.push({ on: 'get', ends: 'unknown' });
      }
      count('question');
      return gateway.get(...args);
    };
    const ended = await runProcess(conductor, faults.crash, (outside) => {
      const applyOne = applyEvent({
        table: outside(faulty(faults.table)),
        gateway: outside({ get }),
        eventSource: EVENT_SOURCE,
        policy: { confirmAfterMs: 300_000 },
        now,
        logger,
      });
      const noted = async (event: QueuedEvent) => {
        const outcome = await applyOne(event);
        count(`outcome ${outcome.outcome}`);
        settled.set(eventKey(event), outcome.outcome);
        return outcome;
      };
      return applyBatch({
        apply: noted,
        publisher: outside(openPublisher('topic', snsWith(faults.publish))),
        deadLetters: outside(openDeadLetterQueue('dlq', sqsInto(deadLetters))),
        logger,
      })(records);
    });
    if (ended.died) return count('crash of apply-payment-event');
    const failed = new Set(ended.value.batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
    for (const record of records) {
      if (failed.has(record.messageId)) count('redelivery');
      else if (queue.includes(record)) queue.splice(queue.indexOf(record), 1);
    }
  }

  function noteTruth({ id, facts }: GatewayPayment): void {
    truths.set(id, (truths.get(id) ?? new Set()).add(truthOf(facts)));
  }

  function send(payment: GatewayPayment, delivery: Delivery): void {
    count(`webhook ${delivery}`);
    const webhook = signed(writePayment(payment));
    if (delivery !== 'dropped') transit.push(webhook);
    if (delivery === 'doubled') transit.push(webhook);
  }

  const pick = <T>(from: readonly T[], index: number): T | undefined =>
    from[index % Math.max(1, from.length)];
  const payments = () => [...gateway.payments.values()];
  const less = ({ facts }: GatewayPayment) => facts.amount!.div(2).round(18);

  /** A customer pays a deposit or leaves it; a provider carries out a payout or does not. */
  function customer({ payment: index, state, pays, webhook }: Extract<Activity, { do: 'customer' }>): void {
    const payment = pick(payments(), index);
    const { paymentType = 'DEPOSIT' } = payment ?? {};
    if (!payment || !statesBefore(paymentType, state).includes(payment.facts.state)) return;
    const needsCustomer = paymentType === 'DEPOSIT' && state !== 'DECLINED' && state !== 'CANCELLED';
    if (needsCustomer && !shown.has(payment.id)) return;
    count(`truth ${state}`);
    const paysLess = pays === 'less' && state === 'COMPLETED' && paymentType === 'DEPOSIT';
    // paytech names what was asked for only where the provider got something else.
    if (paysLess) payment.customerAmount ??= payment.facts.amount!;
    const amount = paysLess ? { amount: less(payment) } : {};
    noteTruth(gateway.set(payment.id, { state, ...amount }));
    send(payment, webhook);
  }

  function elsewhere({ amount, webhook }: Extract<Activity, { do: 'elsewhere' }>): void {
    count('made elsewhere');
    const body = {
      paymentType: 'DEPOSIT',
      referenceId: `elsewhere-${randomUUID()}`,
      amount: decimal(amount),
      currency: 'EUR',
    } as const;
    gateway.bodies.push(body);
    const payment = gateway.make(body);
    noteTruth(payment);
    shown.add(payment.id);
    send(payment, webhook);
  }

  function gatewayCorrects({ payment: index, webhook }: Extract<Activity, { do: 'gateway-corrects' }>): void {
    const final = payments().filter(({ id, facts }) => isFinal(facts.state) && !corrected.has(id));
    const payment = pick(final, index);
    if (!payment) return;
    count('gateway corrected itself');
    corrected.add(payment.id);
    const state = payment.facts.state === 'COMPLETED' ? 'DECLINED' : 'COMPLETED';
    noteTruth(gateway.set(payment.id, { state }));
    send(payment, webhook);
  }

  /** A webhook that was signed with the right key and is not true. */
  function lie({ payment: index, state, pays }: Extract<Activity, { do: 'contradict' }>): void {
    const payment = pick(payments(), index);
    if (!payment) return;
    count('contradicting webhook');
    const amount = pays === 'less' ? less(payment) : payment.facts.amount!;
    const facts = { ...payment.facts, state, amount, externalId: 'lie' };
    const customerAmount = payment.customerAmount ?? payment.facts.amount!;
    transit.push(signed(writePayment({ ...payment, customerAmount, facts })));
  }

  async function perform(activity: Activity): Promise<void> {
    switch (activity.do) {
      case 'create':
        await create(activity);
        return;
      case 'refund':
        return backOffice.refund(activity);
      case 'withdraw':
        return backOffice.withdraw(activity);
      case 'act':
        return backOffice.act(activity);
      case 'refresh': {
        const payment = pick(payments(), activity.payment);
        return payment && readers.refresh(payment, activity);
      }
      case 'reconcile':
        return readers.reconcile(activity);
      case 'customer':
        return customer(activity);
      case 'elsewhere':
        return elsewhere(activity);
      case 'gateway-corrects':
        return gatewayCorrects(activity);
      case 'contradict':
        return lie(activity);
      case 'forge': {
        const payment = pick(payments(), activity.payment);
        if (!payment) return;
        count('forged webhook');
        const bytes = writePayment({ ...payment, facts: { ...payment.facts, state: activity.state } });
        const forged = { bytes, signature: sign(bytes, 'the-key-of-somebody-else') };
        transit.push(forged);
        return deliver(forged, 'well', undefined);
      }
      case 'poison':
        count('poison');
        transit.push(signed(Buffer.from(activity.bytes)));
        return;
      case 'deliver': {
        const webhook = pick(transit, activity.webhook);
        return webhook && deliver(webhook, activity.queue, activity.crash);
      }
      case 'apply': {
        const records = [...new Set(activity.messages.map((index) => pick(queue, index)))];
        const present = records.filter((record) => record !== undefined);
        return present.length > 0 ? apply(present, activity) : undefined;
      }
      default:
        return activity satisfies never;
    }
  }

  function tick(milliseconds: number): void {
    clock.at += milliseconds;
    for (const { make } of late.filter(({ at }) => at <= clock.at)) make();
    late.splice(0, late.length, ...late.filter(({ at }) => at > clock.at));
    catchUp();
  }

  const WELL = { publish: 'well', ask: 'well', table: undefined, crash: undefined } as const;
  const WELL_READ = { ask: 'well', list: 'well', queue: 'well', table: undefined, crash: undefined } as const;

  return {
    orders,
    gateway,
    logger,
    transit,
    queue,
    deadLetters,
    published,
    acknowledged,
    settled,
    truths,
    corrected,
    counts,
    async round({ activities, picks, tick: passes }: Round): Promise<void> {
      await conductor.run(
        activities.map((activity) => () => perform(activity)),
        picks,
      );
      tick(passes);
    },
    tick,
    /** Everything on its way arrives and is applied, without faults. */
    async drain(): Promise<void> {
      for (const webhook of [...transit]) await alone(() => deliver(webhook, 'well', undefined));
      for (const record of [...queue]) await alone(() => apply([record], WELL));
    },
    /** What the customer's browser would send again: the request that holds the claim, or else the order's. */
    async retry(order: Order): Promise<Answer | undefined> {
      const claim: Claim | undefined = await readClaim(table, 'deposit', order.referenceId);
      const amount = claim ? claim.request.amount.toFixed() : order.amount;
      const method = claim?.request.paymentMethod ? { paymentMethod: claim.request.paymentMethod } : {};
      return alone(() => storefront({ request: { referenceId: order.referenceId, amount, ...method } }));
    },
    backOffice,
    /** What the back office would send again. */
    resendPayout: (request: BackOfficeRequest) => alone(() => backOffice.resend(request)),
    /** paytech says once more how things are. */
    announceTruth(payment: GatewayPayment): void {
      transit.push(signed(writePayment(payment)));
    },
    /** An abandoned checkout ends by itself. */
    expire(payment: GatewayPayment, webhook: Delivery): void {
      noteTruth(gateway.set(payment.id, { state: 'CANCELLED', errorCode: '1.04' }));
      send(payment, webhook);
    },
    reconcile: () => alone(() => readers.reconcile(WELL_READ)),
    resend(webhook: Webhook): void {
      transit.push(webhook);
    },
  };

  async function alone<T>(work: () => Promise<T>): Promise<T> {
    const [result] = await conductor.run([work], [0]);
    return result as T;
  }
}

export type Simulation = ReturnType<typeof createSimulation>;

export function truthOf({ state, amount }: { state: PaymentState; amount?: { toFixed(): string } }): string {
  return `${state} ${amount?.toFixed()}`;
}

function signed(bytes: Buffer): Webhook {
  return { bytes, signature: sign(bytes, SIGNING_KEY) };
}
