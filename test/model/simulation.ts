import { randomUUID } from 'node:crypto';
import type { PublishBatchCommand, SNSClient } from '@aws-sdk/client-sns';
import type { SendMessageCommandInput } from '@aws-sdk/client-sqs';
import type { SQSRecord } from 'aws-lambda';
import { applyBatch } from '../../functions/apply-payment-event/batch.ts';
import { applyEvent } from '../../functions/apply-payment-event/pipeline.ts';
import { createPayment } from '../../functions/create-payment/pipeline.ts';
import { readerWithoutTokens } from '../../functions/create-payment/request.ts';
import { receiveWebhook } from '../../functions/receive-webhook/pipeline.ts';
import { claimedCall } from '../../shared/calls/claimed-call.ts';
import type { HttpEvent } from '../../shared/http/api.ts';
import {
  eventKey,
  openDeadLetterQueue,
  openEventQueue,
  type QueuedEvent,
  type Sqs,
} from '../../shared/messaging/event-queue.ts';
import { openPublisher } from '../../shared/messaging/publisher.ts';
import { KIND_OF } from '../../shared/payment/claim.ts';
import { stringifyJson } from '../../shared/payment/json.ts';
import { type Decimal, decimal } from '../../shared/payment/money.ts';
import { withQueued } from '../../shared/payment/observation.ts';
import { optional, type PaymentRecord } from '../../shared/payment/payment.ts';
import { parseGatewayReference } from '../../shared/payment/reference.ts';
import { isFinal, type PaymentState, statesBefore } from '../../shared/payment/state.ts';
import { sign } from '../../shared/paytech/signature.ts';
import type { BatchTable } from '../../shared/store/batch-table.ts';
import type { MadePayment } from '../support/answered-payment.ts';
import { FAIR, memoryGateway } from '../support/memory-gateway.ts';
import { memoryLogger } from '../support/world.ts';
import { type Answer, answerOf } from './answer.ts';
import { type BackOfficeRequest, createBackOffice, WITHDRAWN, waitsForApproval } from './back-office.ts';
import { type Arrived, type Made, openLedger, type Subject } from './ledger.ts';
import { ownTable } from './own-table.ts';
import { createPerson } from './person.ts';
import { type Crash, createConductor, runProcess } from './process.ts';
import { createReaders } from './readers.ts';
import type { Activity, CreateEnding, Delivery, Lasting, Round, TableFault } from './schedule.ts';

const SIGNING_KEY = 'the-signing-key-of-the-model';
export const EVENT_SOURCE = 'urn:paytech-payments:model';

/** After so many receives a message is given up; the stack's queue survives an hour. */
const MAX_RECEIVES = 15;

export interface Order {
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
export function createSimulation(
  shared: BatchTable,
  amounts: readonly string[],
  { chances = [0], lasting }: { chances?: readonly number[]; lasting?: Lasting } = {},
) {
  const own = ownTable(shared, randomUUID());
  const { table, index, catchUp } = own;
  const clock = { at: Date.parse('2026-11-23T12:00:00Z') };
  const now = () => clock.at;
  const conductor = createConductor();
  const logger = memoryLogger();
  let taken = 0;
  /** paytech's clock against ours. */
  const skew = { ms: 0 };
  const counts: Record<string, number> = {};
  const count = (what: string) => {
    counts[what] = (counts[what] ?? 0) + 1;
  };
  const gateway = memoryGateway(() => clock.at + skew.ms, {
    waitsForApproval,
    chance: (outOf) => (chances[taken++ % chances.length] ?? 0) % outOf,
    met: (what) => count(`met ${what}`),
  });
  const ledger = openLedger(gateway.payments, (id) => own.latest.has(`payment#${id}`));
  const orders: Order[] = amounts.map((amount) => ({ referenceId: `order-${randomUUID()}`, amount }));
  const transit: Webhook[] = [];
  const queue: SQSRecord[] = [];
  const deadLetters: SQSRecord[] = [];
  const published = new Map<string, Set<string>>();
  /** The keys of the webhooks that were answered with 200, and those of the events whose fate is known. */
  const acknowledged = new Map<string, Webhook>();
  const processed = new Map<string, string>();
  /** Payments whose redirectUrl a storefront was given: nobody can pay another. */
  const shown = new Set<string>();
  /** Every state and amount that was ever true at paytech, by payment. */
  const truths = new Map<string, Set<string>>();
  const corrected = new Set<string>();
  const late: { at: number; make: () => void }[] = [];
  /** Messages that the queue delivers later. */
  const delayed: { at: number; make: () => void }[] = [];
  /** Orders sold again after they were paid. */
  const soldAgain: string[] = [];
  /** How many requests of an order are under way. */
  const inFlight = new Map<string, number>();
  /** What stays for good, once it has begun, and the payment that it is about. */
  const forGood: { fault?: Lasting | undefined; paymentId?: string } = {};

  function messageOf({ MessageBody = '', MessageAttributes = {} }: SendMessageCommandInput): SQSRecord {
    const attributes = Object.entries(MessageAttributes).map(([name, { StringValue = '' }]) => [
      name,
      { stringValue: StringValue, dataType: 'String' },
    ]);
    return {
      messageId: randomUUID(),
      body: MessageBody,
      messageAttributes: Object.fromEntries(attributes),
      attributes: { ApproximateReceiveCount: '0' },
    } as unknown as SQSRecord;
  }

  const sqsInto = (messages: SQSRecord[], fault: 'well' | 'down' = 'well'): Sqs => ({
    async sendMessage(input) {
      if (fault === 'down') throw new Error('SQS is down');
      const at = clock.at + (input.DelaySeconds ?? 0) * 1000;
      const arrive = () => messages.push(messageOf(input));
      if (at > clock.at) delayed.push({ at, make: arrive });
      else arrive();
    },
  });

  function snsWith(fault: 'well' | 'down' | 'lost' | 'partly'): SNSClient {
    return {
      async send(command: PublishBatchCommand) {
        if (fault !== 'well') count(`publish ${fault}`);
        if (fault === 'down') throw new Error('SNS is down');
        const entries = command.input.PublishBatchRequestEntries ?? [];
        const refused: { Id: string; Code: string }[] = [];
        for (const { Id = '', Message = '' } of fault === 'partly' ? entries.slice(1) : entries) {
          const { id, subject } = JSON.parse(Message);
          if (forGood.fault === 'subscriber-refuses' && subject === forGood.paymentId) {
            refused.push({ Id, Code: 'InvalidParameter' });
            continue;
          }
          published.set(id, (published.get(id) ?? new Set()).add(Message));
        }
        if (fault === 'lost') throw new Error('the answer of SNS was lost');
        return { Failed: fault === 'partly' ? [{ Id: '0', Code: 'InternalError' }, ...refused] : refused };
      },
    } as unknown as SNSClient;
  }

  /** The table with one fault at one of its writes, as the AWS SDK would show it. */
  function faulty(plan: { atWrite: number; fault: TableFault } | undefined): BatchTable {
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
      getMany: table.getMany,
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

  /** A request for an order, and which of its payments held money when it arrived, as far as we knew. */
  interface OrderRequest {
    referenceId: string;
    amount: string;
    paid: readonly string[];
  }

  async function storefront({
    request,
    ends,
    lookUp,
    table: fault,
    crash,
  }: {
    request: { referenceId: string; amount: string; paymentMethod?: string };
    ends?: CreateEnding;
    lookUp?: 'well' | 'unknown';
    table?: { atWrite: number; fault: TableFault } | undefined;
    crash?: Crash | undefined;
  }): Promise<Answer | undefined> {
    const { amount, ...rest } = request;
    const { referenceId } = request;
    const order: OrderRequest = { referenceId, amount, paid: paidOf(referenceId, amount) };
    inFlight.set(referenceId, (inFlight.get(referenceId) ?? 0) + 1);
    const ended = await runProcess(conductor, crash, async (outside): Promise<Answer> => {
      const route = createPayment({
        create: claimedCall({
          table: outside(faulty(fault)),
          gateway: outside(gatewayThat(ends ?? 'well', lookUp ?? 'well', order)),
          queue: outside(openEventQueue('webhooks', sqsInto(queue))),
          now,
          logger,
        }),
        requestOf: readerWithoutTokens([]),
        webhookUrl: 'https://shop.example/webhooks/paytech',
        eventParameters: [],
      });
      const body = stringifyJson({ ...rest, amount: decimal(amount), currency: 'EUR' });
      const event = { body, headers: {}, requestContext: { http: { sourceIp: '192.0.2.1' } } };
      return answerOf(() => route(event as unknown as HttpEvent, randomUUID(), clock.at + 14_000));
    });
    inFlight.set(referenceId, inFlight.get(referenceId)! - 1);
    if (ended.died) {
      count('crash of create-payment');
      return undefined;
    }
    count(`answer ${ended.value.status} ${ended.value.code ?? ''}`.trim());
    if (ended.value.body?.redirectUrl) {
      shown.add(ended.value.body.id);
      noteSoldAgain(order, `the redirectUrl of ${ended.value.body.id}`);
    }
    return ended.value;
  }

  /** The payments of an order that hold money by their records, or by what one of our callers got and noted there. */
  function paidOf(referenceId: string, amount: string): string[] {
    const claim = own.latest.get(`deposit#${referenceId}`)?.request as { amount: Decimal } | undefined;
    const isTheOrders = (record: PaymentRecord) => {
      const money = record.requestedAmount ?? record.amount;
      const currency = record.requestedCurrency ?? record.currency;
      return currency === 'EUR' && money.eq(amount) && (!claim || money.eq(claim.amount));
    };
    return ledger.siblings({ kind: 'deposit', id: referenceId }).flatMap(({ id }) => {
      const record = own.record(id);
      if (!record || !isLinked(record, referenceId)) return [];
      if (!HOLDS_MONEY.has(withQueued(record).state)) return [];
      return ledger.isElsewhere(id) && !isTheOrders(record) ? [] : [id];
    });
  }

  /** Whether the record says whose it is: by its reference, or by its parent's. */
  function isLinked({ referenceId, parentPaymentId }: PaymentRecord, id: string): boolean {
    if (parseGatewayReference(referenceId ?? '')?.referenceId === id) return true;
    const parent = parentPaymentId === undefined ? undefined : own.record(parentPaymentId);
    return parent !== undefined && isLinked(parent, id);
  }

  function noteSoldAgain({ referenceId, amount, paid }: OrderRequest, by: string): void {
    const still = paidOf(referenceId, amount).filter((id) => paid.includes(id));
    if (still.length > 0) soldAgain.push(`${referenceId} by ${by}, while ${still} held money`);
  }

  function gatewayThat(ends: CreateEnding, lookUp: 'well' | 'unknown', order?: OrderRequest) {
    const arrived = ledger.arrive();
    const next: typeof gateway.create = async (body, limit) => {
      if (ends !== 'well') count(`gateway ${ends}`);
      const subject = ledger.sending(arrived, KIND_OF[body.paymentType], body.referenceId, ends);
      if (order) noteSoldAgain(order, `the attempt ${body.referenceId}`);
      notePairsOf(subject, ends);
      const by = { by: 'us', for: subject, ends } as const;
      if (ends === 'late') {
        gateway.bodies.push(body);
        late.push({ at: clock.at + 12_000, make: () => noteMade(gateway.make(body), by) });
        return { kind: 'unknown', reason: 'timeout' };
      }
      if (ends === 'limited') gateway.endings.push({ on: 'create', ends: 429 });
      else if (ends === 'limited-made') gateway.endings.push({ on: 'create', ends: '429-made' });
      else if (ends !== 'well') gateway.endings.push({ on: 'create', ends });
      const before = new Set(gateway.payments.keys());
      const answer = await gateway.create(body, limit);
      const made = [...gateway.payments.values()].find(({ id }) => !before.has(id));
      if (made) noteMade(made, by);
      return answer;
    };
    return { create: next, list: listThat(lookUp, arrived), get: gateway.get };
  }

  function listThat(lookUp: 'well' | 'unknown', arrived?: Arrived): typeof gateway.list {
    return async (query, limit) => {
      if (lookUp === 'unknown') {
        count('look-up unknown');
        gateway.endings.push({ on: 'list', ends: 'unknown' });
      }
      const answer = await gateway.list(query, limit);
      if (answer.kind === 'answered' && query.referenceId !== undefined) {
        const ids = answer.result.payments.map(({ id }) => id);
        ledger.lookedUp(arrived, query.referenceId, ids);
      }
      return answer;
    };
  }

  /** What storefronts and the back office ask for under an id. */
  function amountsAskedFor({ kind, id }: Subject): string[] {
    const order = orders.find(({ referenceId }) => referenceId === id);
    if (order) return [order.amount, `1${order.amount}`];
    return kind === 'withdrawal' ? [WITHDRAWN.toFixed()] : [];
  }

  function noteMade(payment: MadePayment, by: Made): void {
    ledger.made.set(payment.id, by);
    noteTruth(payment);
    if (forGood.fault && forGood.paymentId === undefined) strike(payment.id);
  }

  function notePairsOf(subject: Subject, ends: CreateEnding): void {
    const { list, form } = gateway.weather;
    if (ends === 'limited-made' && list === 'lags') count('pair lag + 429');
    if (LOSES.has(ends) && form !== 'whole') count('pair terse + lost create');
    const hasElsewhere = ledger.siblings(subject).some(({ id }) => ledger.isElsewhere(id));
    if (LOSES.has(ends) && hasElsewhere) count('pair elsewhere + lost create');
  }

  /** What stays for good begins, with the payment that it is about. */
  function strike(paymentId: string): void {
    forGood.paymentId = paymentId;
    if (forGood.fault === 'payment-unreadable') gateway.garbled.add(paymentId);
  }

  function endure(): void {
    if (forGood.fault === 'list-down') gateway.weather.list = 'down';
    if (forGood.fault === 'get-down') gateway.weather.get = 'down';
    if (forGood.fault === 'terse') gateway.weather.form = 'terse';
    if (forGood.fault === 'webhooks-lost') transit.splice(0);
    if (forGood.fault === 'clock-off') skew.ms = (chances[0] ?? 0) % 2 === 0 ? 120_000 : -120_000;
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
    for (const { attributes } of records) {
      attributes.ApproximateReceiveCount = String(Number(attributes.ApproximateReceiveCount) + 1);
    }
    const isGetDown = faults.ask === 'unknown' || gateway.weather.get === 'down';
    if (isGetDown && records.some(isTerse)) count('pair terse + GET down');
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
        processed.set(eventKey(event), outcome.outcome);
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
      if (!failed.has(record.messageId)) {
        if (queue.includes(record)) queue.splice(queue.indexOf(record), 1);
        continue;
      }
      count('redelivery');
      if (Number(record.attributes.ApproximateReceiveCount) < MAX_RECEIVES || !queue.includes(record))
        continue;
      count('given up by the queue');
      queue.splice(queue.indexOf(record), 1);
      deadLetters.push(record);
    }
  }

  function noteTruth({ id, facts }: MadePayment): void {
    truths.set(id, (truths.get(id) ?? new Set()).add(truthOf(facts)));
  }

  function send(payment: MadePayment, delivery: Delivery): void {
    count(`webhook ${delivery}`);
    const webhook = signed(gateway.webhook(payment));
    if (forGood.fault === 'webhooks-lost') return;
    if (forGood.fault === 'payment-unreadable' && payment.id === forGood.paymentId) return;
    if (delivery !== 'dropped') transit.push(webhook);
    if (delivery === 'doubled') transit.push(webhook);
  }

  const pick = <T>(from: readonly T[], index: number): T | undefined =>
    from[index % Math.max(1, from.length)];
  const payments = () => [...gateway.payments.values()];
  const less = ({ facts }: MadePayment) => facts.amount!.div(2).round(18);

  /** A customer pays a deposit or leaves it; a provider carries out a payout or does not. */
  function customer({ payment: index, state, pays, webhook }: Extract<Activity, { do: 'customer' }>): void {
    const payment = pick(payments(), index);
    if (!payment || !mayBecome(payment, state)) return;
    const { paymentType, facts } = payment;
    const needsCustomer = paymentType === 'DEPOSIT' && state !== 'DECLINED' && state !== 'CANCELLED';
    if (needsCustomer && !shown.has(payment.id)) return;
    count(`truth ${state}`);
    if (facts.state === 'AUTHORIZED' && state === 'DECLINED') count('truth AUTHORIZED then DECLINED');
    if (facts.state === 'PENDING' && state === 'AWAITING_APPROVAL')
      count('truth PENDING then AWAITING_APPROVAL');
    if (state === 'COMPLETED') notePaidLate(payment);
    const paysLess = pays === 'less' && state === 'COMPLETED' && paymentType === 'DEPOSIT';
    const amount = paysLess ? { amount: less(payment) } : {};
    if (paysLess) nameWhatWasAsked(payment);
    noteTruth(gateway.set(payment.id, { state, ...amount }));
    send(payment, webhook);
  }

  /** By paytech's contract, which is wider than what we act on. */
  function mayBecome({ id, paymentType = 'DEPOSIT', facts }: MadePayment, state: PaymentState): boolean {
    if (statesBefore(paymentType, state).includes(facts.state)) return true;
    if (paymentType === 'DEPOSIT') return facts.state === 'AUTHORIZED' && state === 'DECLINED';
    const waits = paymentType === 'WITHDRAWAL' && facts.state === 'PENDING' && state === 'AWAITING_APPROVAL';
    // Once, so that what is approved is told apart from what is approved twice.
    return waits && !(truths.get(id)?.has(truthOf({ ...facts, state })) ?? false);
  }

  /** Money comes in for an order of which another request is under way. */
  function notePaidLate({ id }: MadePayment): void {
    const made = ledger.made.get(id);
    const subject = made?.by === 'elsewhere' ? made.under : made?.for;
    if (subject?.kind === 'deposit' && (inFlight.get(subject.id) ?? 0) > 0)
      count('pair late money + retry in flight');
  }

  /** paytech names what was asked for only where the provider got something else, and then not always. */
  function nameWhatWasAsked(payment: MadePayment): void {
    payment.customerAmount ??= payment.asked!.amount!;
    payment.customerCurrency ??= payment.asked!.currency;
  }

  function elsewhere({ makes, of, money, amount, webhook }: Extract<Activity, { do: 'elsewhere' }>): void {
    const order = orders[of % orders.length]!;
    const other = { amount: decimal(amount), currency: 'EUR' };
    let body: Parameters<typeof gateway.make>[0];
    let under: Subject | undefined;
    switch (makes) {
      case 'deposit':
        body = { paymentType: 'DEPOSIT', referenceId: `elsewhere-${randomUUID()}`, ...other };
        break;
      case 'deposit-of-order': {
        under = { kind: 'deposit', id: order.referenceId };
        const asked = money === 'same' ? { ...other, amount: decimal(order.amount) } : other;
        body = { paymentType: 'DEPOSIT', referenceId: order.referenceId, ...asked };
        break;
      }
      case 'withdrawal': {
        under = { kind: 'withdrawal', id: backOffice.withdrawalId(of) };
        const asked = money === 'same' ? { ...other, amount: WITHDRAWN } : other;
        body = { paymentType: 'WITHDRAWAL', referenceId: under.id, ...asked };
        break;
      }
      case 'refund': {
        const paid = payments().filter(
          ({ paymentType, facts }) => paymentType === 'DEPOSIT' && facts.state === 'COMPLETED',
        );
        const parent = pick(paid, of);
        if (!parent) return;
        const { currency } = parent.facts;
        body = {
          paymentType: 'REFUND',
          parentPaymentId: parent.id,
          amount: less(parent).div(2).round(18),
          currency: currency!,
        };
        break;
      }
      default:
        throw new Error(`nothing is made: ${makes satisfies never}`);
    }
    count(`made elsewhere ${makes}`);
    if (under) count(`made elsewhere under our reference, ${money} money`);
    if (under && ledger.siblings(under).some(({ id }) => ledger.isLost(id)))
      count('pair elsewhere + lost create');
    gateway.bodies.push(body as (typeof gateway.bodies)[number]);
    const payment = gateway.make(body);
    noteMade(payment, { by: 'elsewhere', ...optional('under', under) });
    shown.add(payment.id);
    send(payment, webhook);
  }

  function cascade({
    payment: index,
    repeatsReference,
    declines,
    webhook,
  }: Extract<Activity, { do: 'cascade' }>): void {
    const ours = payments().filter(({ id, paymentType, facts }) => {
      const isOpen = facts.state === 'CHECKOUT' || facts.state === 'PENDING' || facts.state === 'DECLINED';
      return paymentType === 'DEPOSIT' && isOpen && !ledger.isElsewhere(id);
    });
    const first = pick(ours, index);
    const made = first && ledger.made.get(first.id);
    if (!first || !made || made.by === 'elsewhere') return;
    count(`cascade ${repeatsReference ? 'with' : 'without'} the reference`);
    const isLost = ledger.ours(made.for).some(({ id }) => ledger.isLost(id));
    if (isLost) count('pair cascade + lost create');
    if (declines && first.facts.state !== 'DECLINED') {
      noteTruth(gateway.set(first.id, { state: 'DECLINED', errorCode: '3.01' }));
      send(first, webhook);
    }
    const another = gateway.cascade(first.id, { repeatsReference });
    noteMade(another, { by: 'cascade', for: made.for });
    if (shown.has(first.id)) shown.add(another.id);
    send(another, webhook);
  }

  function moveMoney({ payment: index, currency, webhook }: Extract<Activity, { do: 'move-money' }>): void {
    const open = payments().filter(
      ({ paymentType, facts }) =>
        paymentType === 'DEPOSIT' && (facts.state === 'CHECKOUT' || facts.state === 'PENDING'),
    );
    const payment = pick(open, index);
    if (!payment) return;
    count('money moves');
    nameWhatWasAsked(payment);
    const moved = {
      amount: payment.facts.amount!.times(3).div(2).round(18),
      ...(currency ? { currency: 'USD' } : {}),
    };
    noteTruth(gateway.set(payment.id, moved));
    send(payment, webhook);
  }

  function strangeState({ payment: index, webhook }: Extract<Activity, { do: 'strange-state' }>): void {
    const payment = pick(
      payments().filter(({ facts }) => !isFinal(facts.state)),
      index,
    );
    if (!payment) return;
    count('state that nobody knows');
    gateway.set(payment.id, {}, 'AWAITING_WEBHOOK');
    send(payment, webhook);
  }

  function gatewayCorrects({ payment: index, webhook }: Extract<Activity, { do: 'gateway-corrects' }>): void {
    const isPayable = ({ id, paymentType }: MadePayment) => paymentType !== 'DEPOSIT' || shown.has(id);
    const final = payments().filter((each) => {
      const { id, facts } = each;
      // Nobody can pay a deposit whose redirectUrl nobody has seen.
      const mayTurn = facts.state === 'COMPLETED' || isPayable(each);
      return isFinal(facts.state) && !corrected.has(id) && mayTurn;
    });
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
    const { strangeState: _, ...rest } = payment;
    if (forGood.fault === 'webhooks-lost') return;
    transit.push(signed(gateway.webhook({ ...rest, facts })));
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
      case 'cascade':
        return cascade(activity);
      case 'move-money':
        return moveMoney(activity);
      case 'strange-state':
        return strangeState(activity);
      case 'weather':
        Object.assign(gateway.weather, activity.change);
        skew.ms = activity.skewMs;
        if (skew.ms !== 0) count('clock skewed');
        return endure();
      case 'resolve': {
        const subject = pick(flagged(), activity.claim);
        return subject && person.resolve(subject, activity);
      }
      case 'gateway-corrects':
        return gatewayCorrects(activity);
      case 'contradict':
        return lie(activity);
      case 'forge': {
        const payment = pick(payments(), activity.payment);
        if (!payment) return;
        count('forged webhook');
        const bytes = gateway.webhook({ ...payment, facts: { ...payment.facts, state: activity.state } });
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
    for (const coming of [late, delayed]) {
      for (const { make } of coming.filter(({ at }) => at <= clock.at)) make();
      coming.splice(0, coming.length, ...coming.filter(({ at }) => at > clock.at));
    }
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
    delayed,
    deadLetters,
    published,
    acknowledged,
    processed,
    truths,
    corrected,
    counts,
    count,
    own,
    ledger,
    soldAgain,
    forGood,
    isLinked,
    amountsAskedFor,
    flagged,
    decideRightly: (subject: Subject) => alone(() => person.decideRightly(subject)),
    /** From now on one fault stays for good. */
    strikeForGood(): void {
      if (!lasting) return;
      count(`for good ${lasting}`);
      forGood.fault = lasting;
      const first = pick(payments(), chances[0] ?? 0);
      if (first) strike(first.id);
      endure();
    },
    /** Everything heals, but what stays for good. */
    heal(): void {
      Object.assign(gateway.weather, FAIR);
      skew.ms = 0;
      endure();
    },
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
      const claimed = own.latest.get(`deposit#${order.referenceId}`)?.request as
        | { amount: Decimal; paymentMethod?: string }
        | undefined;
      const isTheOrders =
        claimed &&
        amountsAskedFor({ kind: 'deposit', id: order.referenceId }).includes(claimed.amount.toFixed());
      const amount = isTheOrders ? claimed.amount.toFixed() : order.amount;
      const method = isTheOrders ? optional('paymentMethod', claimed.paymentMethod) : {};
      return alone(() => storefront({ request: { referenceId: order.referenceId, amount, ...method } }));
    },
    backOffice,
    /** What the back office would send again. */
    resendPayout: (request: BackOfficeRequest) => alone(() => backOffice.resend(request)),
    /** paytech says once more how things are. */
    announceTruth(payment: MadePayment): void {
      if (forGood.fault !== 'webhooks-lost') transit.push(signed(gateway.webhook(payment)));
    },
    /** An abandoned checkout ends by itself. */
    expire(payment: MadePayment, webhook: Delivery): void {
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

/** By what their records say. */
const HOLDS_MONEY: ReadonlySet<PaymentState> = new Set(['COMPLETED', 'AUTHORIZED']);

/** The answer of a create call that made a payment does not come, or says something else. */
const LOSES: ReadonlySet<CreateEnding> = new Set(['lost', 'late', 'limited-made']);

function isTerse({ body }: SQSRecord): boolean {
  try {
    return Object.keys(JSON.parse(Buffer.from(body, 'base64').toString())).length <= 2;
  } catch {
    return false;
  }
}
