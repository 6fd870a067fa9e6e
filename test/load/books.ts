/** Whether the books balance: what the clients got, what is recorded, what was published, what paytech has. */
import { DynamoDBClient, ScanCommand } from '@aws-sdk/client-dynamodb';
import {
  DeleteMessageBatchCommand,
  type Message,
  ReceiveMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { clientFor } from '../../infra/local/account.ts';
import type { LocalService } from '../../infra/local/local-service.ts';
import { eventSourceOf } from '../../infra/stack/settings.ts';
import { isPublished, publicationOf } from '../../shared/payment/cloud-event.ts';
import { type Decimal, decimal, decimalText } from '../../shared/payment/money.ts';
import { judgeObservation } from '../../shared/payment/observation.ts';
import type { PaymentRecord } from '../../shared/payment/payment.ts';
import { parseGatewayReference } from '../../shared/payment/reference.ts';
import { sameMoney } from '../../shared/payment/state.ts';
import { readPayment } from '../../shared/paytech/wire.ts';
import { toRecord } from '../../shared/store/payment-item.ts';
import type { Item } from '../../shared/store/table.ts';
import { hashOf, type Shop } from './shop.ts';
import type { Logs } from './watch.ts';

export interface Book {
  name: string;
  /** What was counted. */
  counts: Record<string, number>;
  /** What does not balance; empty when it does. */
  wrong: string[];
}

export interface Kept {
  records: Map<string, PaymentRecord>;
  claims: Map<string, Item>;
  /** Event id → every body that came under it. */
  published: Map<string, Set<string>>;
  /** SHA-256 of the bytes in the dead-letter queue. */
  parked: Set<string>;
}

/** Everything that the service has kept and sent. Takes the messages. */
export async function readKept(local: LocalService): Promise<Kept> {
  const items = await scan(local.dynamoDbUrl);
  const keyed = (prefix: string) =>
    items.filter(({ pk }) => String(pk).startsWith(prefix)).map((item) => [String(item.pk), item] as const);
  const published = new Map<string, Set<string>>();
  for (const { Body = '' } of await take(local, 'payment-events')) {
    const { id } = JSON.parse(Body) as { id: string };
    published.set(id, (published.get(id) ?? new Set()).add(Body));
  }
  const parked = await take(local, 'webhooks-dlq');
  return {
    records: new Map(keyed('payment#').map(([, item]) => [String(item.id), toRecord(item)])),
    claims: new Map(keyed('deposit#')),
    published,
    parked: new Set(parked.map(({ Body = '' }) => hashOf(Buffer.from(Body, 'base64').toString()))),
  };
}

export function checkBooks(local: LocalService, shop: Shop, logs: Logs, kept: Kept): Book[] {
  return [
    everyPaymentIsAsPaytechHasIt(local, kept),
    whatWasCreatedIsRecorded(shop, kept),
    noOrderHasTwoLivePayments(local),
    everyAcknowledgedWebhookHasAnEnd(local, shop, kept),
    everyQueuedWebhookWasProcessed(logs),
    whatWasAppliedWasPublished(kept),
    noProcessDied(logs),
  ];
}

function everyPaymentIsAsPaytechHasIt({ paytech }: LocalService, { records }: Kept): Book {
  const wrong: string[] = [];
  for (const { id, state, amount, currency } of paytech.payments.values()) {
    const record = records.get(id);
    if (!record) wrong.push(`${id}: ${state} at paytech, not recorded`);
    else if (record.state !== state || !amount || !sameMoney(record, { amount, currency })) {
      wrong.push(`${id}: ${moneyOf(record)} recorded, ${moneyOf({ state, amount, currency })} at paytech`);
    }
  }
  for (const id of records.keys()) {
    if (!paytech.payments.has(id)) wrong.push(`${id}: recorded, not at paytech`);
  }
  return {
    name: "state, amount and currency are paytech's",
    counts: { 'at paytech': paytech.payments.size, recorded: records.size },
    wrong,
  };
}

const moneyOf = ({
  state,
  amount,
  currency,
}: {
  state: string;
  amount?: Decimal | undefined;
  currency: string;
}) => `${state} ${amount ? decimalText(amount) : 'no amount of'} ${currency}`;

/** Every 201 and 200 named a payment that is recorded for that order, as it was asked for, and that its claim knows. */
function whatWasCreatedIsRecorded({ placed }: Shop, { records, claims }: Kept): Book {
  const wrong: string[] = [];
  const seen = new Set<string>();
  let answered = 0;
  for (const [referenceId, { order, paymentIds }] of placed) {
    const claim = claims.get(`deposit#${referenceId}`);
    const known = [claim?.paymentId, ...((claim?.earlierPaymentIds as string[] | undefined) ?? [])];
    if (paymentIds.size === 0) wrong.push(`${referenceId}: nobody got a payment`);
    for (const id of paymentIds) {
      answered++;
      const record = records.get(id);
      const asked = { amount: decimal(order.amount), currency: order.currency };
      const { requestedAmount: amount, requestedCurrency: currency } = record ?? {};
      const recorded = amount && currency !== undefined && { amount, currency };
      if (seen.has(id)) wrong.push(`${id}: given to two orders`);
      if (!recorded) wrong.push(`${id}: given to a customer, not recorded`);
      else if (record?.referenceId !== referenceId || !sameMoney(recorded, asked))
        wrong.push(`${id}: not as asked`);
      if (!known.includes(id)) wrong.push(`${id}: the claim of ${referenceId} does not know it`);
      seen.add(id);
    }
  }
  return {
    name: 'created = recorded',
    counts: { orders: placed.size, 'payments answered': answered },
    wrong,
  };
}

/** Live: a customer could still pay it, or has. */
function noOrderHasTwoLivePayments({ paytech }: LocalService): Book {
  const live = new Map<string, string[]>();
  let attempts = 0;
  for (const { id, state, request } of paytech.payments.values()) {
    const reference = parseGatewayReference(request.referenceId ?? '');
    if (!reference) continue;
    if (reference.attempt > 1) attempts++;
    if (state === 'DECLINED' || state === 'CANCELLED') continue;
    live.set(reference.referenceId, [...(live.get(reference.referenceId) ?? []), id]);
  }
  const wrong = [...live].filter(([, ids]) => ids.length > 1).map((each) => each.join(': '));
  return {
    name: 'one live payment per order',
    counts: { 'orders with a live one': live.size, 'attempts after the first': attempts },
    wrong,
  };
}

/** Of every body that was answered 200, by its SHA-256: it is in a history, in quarantine or parked, or says nothing new. */
function everyAcknowledgedWebhookHasAnEnd(local: LocalService, shop: Shop, { records, parked }: Kept): Book {
  const bySimulator = local.paytech.webhooks.filter(({ status }) => status === 200);
  const acknowledged = new Map([
    ...shop.acknowledged,
    ...bySimulator.map(({ body }) => [hashOf(body), body] as const),
  ]);
  const counts = {
    acknowledged: acknowledged.size,
    applied: 0,
    quarantined: 0,
    dlq: 0,
    duplicate: 0,
    stale: 0,
  };
  const wrong: string[] = [];
  for (const [hash, body] of acknowledged) {
    if (parked.has(hash)) {
      counts.dlq++;
      continue;
    }
    const observed = readPayment(Buffer.from(body));
    const record = records.get(observed.id);
    const judgement = record && judgeObservation(record, observed);
    if (record?.history.some(({ key }) => key === hash)) counts.applied++;
    else if (record?.quarantine.some(({ key }) => key === hash)) counts.quarantined++;
    else if (judgement === 'duplicate' || judgement === 'stale') counts[judgement]++;
    else wrong.push(`${hash} of ${observed.id}: acknowledged, and ${judgement ?? 'not recorded'}`);
  }
  return { name: 'every acknowledged webhook has an end', counts, wrong };
}

/** The same by the messages: what was queued, acknowledged or just before its process was killed, was processed. */
function everyQueuedWebhookWasProcessed({ queued, outcomes }: Logs): Book {
  const counts: Record<string, number> = { queued: queued.size };
  for (const outcome of outcomes.values()) counts[outcome] = (counts[outcome] ?? 0) + 1;
  const wrong = [...queued.keys()]
    .filter((id) => !outcomes.has(id))
    .map((id) => `request ${id}: queued, not processed`);
  return { name: 'every message was processed', counts, wrong };
}

function whatWasAppliedWasPublished({ records, published }: Kept): Book {
  const source = eventSourceOf({ name: 'paytech-payments', stage: 'sandbox' });
  const wrong: string[] = [];
  const expected = new Set<string>();
  for (const record of records.values()) {
    for (let version = 1; version <= record.version; version++) {
      if (!isPublished(record, version)) continue;
      const { id, body } = publicationOf(record, version, source);
      const bodies = published.get(id) ?? new Set();
      expected.add(id);
      if (bodies.size === 0) wrong.push(`${id}: applied, not published`);
      else if (bodies.size > 1) wrong.push(`${id}: published with ${bodies.size} contents`);
      else if (!bodies.has(body)) wrong.push(`${id}: published with another content`);
    }
  }
  for (const id of published.keys()) if (!expected.has(id)) wrong.push(`${id}: published, not applied`);
  return { name: 'applied = published', counts: { versions: expected.size, events: published.size }, wrong };
}

function noProcessDied({ deaths }: Logs): Book {
  return { name: 'no process died that was not killed', counts: { deaths: deaths.length }, wrong: deaths };
}

async function scan(url: string): Promise<Item[]> {
  const dynamoDb = new DynamoDBClient(clientFor(url));
  const items: Item[] = [];
  let from: ScanCommand['input']['ExclusiveStartKey'];
  do {
    const page = await dynamoDb.send(new ScanCommand({ TableName: 'payments', ExclusiveStartKey: from }));
    items.push(...(page.Items ?? []).map((item) => unmarshall(item, { wrapNumbers: decimal })));
    from = page.LastEvaluatedKey;
  } while (from);
  dynamoDb.destroy();
  return items;
}

async function take(local: LocalService, name: string): Promise<Message[]> {
  const sqs = new SQSClient(clientFor(local.sqsUrl));
  const QueueUrl = local.queueUrl(name);
  const all: Message[] = [];
  for (;;) {
    const { Messages = [] } = await sqs.send(
      new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }),
    );
    if (Messages.length === 0) break;
    all.push(...Messages);
    const Entries = Messages.map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle }));
    await sqs.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }));
  }
  sqs.destroy();
  return all;
}
