import { randomUUID } from 'node:crypto';
import type { SQSRecord } from 'aws-lambda';
import { applyBatch } from '../../functions/apply-payment-event/batch.ts';
import { applyEvent } from '../../functions/apply-payment-event/pipeline.ts';
import { createPayment } from '../../functions/create-payment/pipeline.ts';
import { readerWithoutTokens } from '../../functions/create-payment/request.ts';
import { CHARGEBACK_ROUTE, receiveWebhook } from '../../functions/receive-webhook/pipeline.ts';
import { claimedCall } from '../../shared/calls/claimed-call.ts';
import type { HttpEvent } from '../../shared/http/api.ts';
import {
  eventKey,
  openDeadLetterQueue,
  openEventQueue,
  type QueuedEvent,
} from '../../shared/messaging/event-queue.ts';
import { openPublisher } from '../../shared/messaging/publisher.ts';
import { stringifyJson } from '../../shared/payment/json.ts';
import { decimal } from '../../shared/payment/money.ts';
import { type Answer, answerOf } from './answer.ts';
import { CARD_TOKEN } from './back-office.ts';
import type { OrderRequest, openOrders } from './orders.ts';
import type { openOutside } from './outside.ts';
import { type Crash, runProcess } from './process.ts';
import type { Activity, CreateEnding, TableFault } from './schedule.ts';
import { type Order, SIGNING_KEY, type State, type Webhook } from './simulation-state.ts';

export const EVENT_SOURCE = 'urn:paytech-payments:model';

/** After so many receives a message is given up; the stack's queue survives an hour. */
const MAX_RECEIVES = 15;

function isTerse({ body }: SQSRecord): boolean {
  try {
    return Object.keys(JSON.parse(Buffer.from(body, 'base64').toString())).length <= 2;
  } catch {
    return false;
  }
}

/** Two webhooks may have the same bytes. */
export function keyOf(event: Pick<QueuedEvent, 'bytes' | 'source' | 'about'>): string {
  return `${event.about ?? 'payment'} ${eventKey(event)}`;
}

/** The functions on the way of a payment: create-payment, receive-webhook and apply-payment-event. */
export function createLambdas(
  state: State,
  { paidOf, noteSoldAgain }: ReturnType<typeof openOrders>,
  { faulty, gatewayThat, sqsInto, snsWith }: ReturnType<typeof openOutside>,
) {
  const {
    clock,
    now,
    conductor,
    logger,
    count,
    gateway,
    orders,
    transit,
    queue,
    deadLetters,
    acknowledged,
    processed,
    shown,
    inFlight,
  } = state;

  async function create(activity: Extract<Activity, { do: 'create' }>): Promise<Answer | undefined> {
    const order = orders[activity.order % orders.length]!;
    const amount = activity.changed === 'amount' ? `1${order.amount}` : order.amount;
    const method = activity.changed === 'method' ? { paymentMethod: 'PIX' } : {};
    const token = activity.changed === 'token' ? { cardToken: CARD_TOKEN } : {};
    return storefront({
      ...activity,
      request: { ...order, amount, ...method, ...token },
    });
  }

  async function storefront({
    request,
    ends,
    lookUp,
    table: fault,
    crash,
  }: {
    request: Order & { paymentMethod?: string; cardToken?: string };
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
        requestContext: {
          requestId: randomUUID(),
          ...(webhook.about ? { routeKey: CHARGEBACK_ROUTE } : {}),
        },
      };
      return answerOf(() => route(event as unknown as HttpEvent));
    });
    if (ended.died) return count('crash of receive-webhook');
    count(`webhook ${ended.value.status}`);
    // paytech sends again whatever was not answered with 200, and does so for ever in the model.
    if (ended.value.status === 200) acknowledged.set(keyOf({ ...webhook, source: 'webhook' }), webhook);
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
        gateway: outside({ get, list: gateway.list, operations: gateway.operations }),
        eventSource: EVENT_SOURCE,
        policy: { confirmAfterMs: 300_000 },
        now,
        logger,
      });
      const noted = async (event: QueuedEvent) => {
        const outcome = await applyOne(event);
        count(`outcome ${outcome.outcome}`);
        processed.set(keyOf(event), outcome.outcome);
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

  return { create, storefront, deliver, apply };
}
