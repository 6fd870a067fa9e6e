import type { Logger } from '@aws-lambda-powertools/logger';
import { type AfterwardsPolicy, afterwards } from '../../shared/payment/afterwards.ts';
import { isPublished, type Publication, publicationOf } from '../../shared/payment/cloud-event.ts';
import { judgeWord } from '../../shared/payment/heard.ts';
import {
  type HistoryEntry,
  MAX_HISTORY,
  optional,
  type PaymentRecord,
  versionOfKey,
} from '../../shared/payment/payment.ts';
import { isFinal, type PaymentType } from '../../shared/payment/state.ts';
import type { GatewayClient } from '../../shared/paytech/client.ts';
import { type GatewayPayment, readPayment, UnreadablePayment } from '../../shared/paytech/wire.ts';
import { eventKey, type QueuedEvent } from '../../shared/queue/event-queue.ts';
import * as payments from '../../shared/store/payments.ts';
import type { Table } from '../../shared/store/table.ts';
import { firstRecord } from './first-record.ts';
import { warnIfPaidTwice } from './paid-twice.ts';
import { settleParent, warnIfIncomparable, warnIfRefundedTooMuch } from './refund-parent.ts';

export interface Dependencies {
  table: Table;
  gateway: Pick<GatewayClient, 'get'>;
  /** The CloudEvents `source` of this deployment. */
  eventSource: string;
  policy: AfterwardsPolicy;
  now: () => number;
  logger: Pick<Logger, 'info' | 'warn' | 'error'>;
}

/** What became of an event, and what subscribers must be told before its message may be deleted. */
export interface Outcome {
  outcome: 'applied' | 'corrected' | 'duplicate' | 'stale' | 'quarantined';
  paymentId: string;
  publication?: Publication;
  /** Of the deposit that a refund is paid from, where the refund was the first that was heard of it. */
  parentPublication?: Publication;
}

/** The outcome, and the record that it was judged by. */
type Settled = Outcome & { record: PaymentRecord };

/** The record's history has no room: something is wrong with this payment that no retry mends. */
export class HistoryFull extends Error {
  override name = 'HistoryFull';
}

/** How long paytech may take to answer a question, in milliseconds. */
const ASK_LIMIT_MS = 5_000;

/** How long one asker keeps others from asking: longer than it can take. */
const QUESTION_MS = 3 * ASK_LIMIT_MS;

/** A condition that fails although the state machine allows the move was overtaken; it is judged anew. */
const MAX_ROUNDS = 4;

/**
 * Applies one event to its payment. Returning means that everything about it is durable and that the message
 * may be deleted once `publication` is out. Throwing {@link UnreadablePayment} or {@link HistoryFull} means
 * that no retry helps; throwing anything else, that the message must come again.
 */
export function applyEvent({ table, gateway, eventSource, policy, now, logger }: Dependencies) {
  const refundParent = settleParent({ table, gateway, eventSource, policy, now, logger });

  return async function apply(event: QueuedEvent): Promise<Outcome> {
    const payment = readPayment(event.bytes);
    const key = eventKey(event);
    const { record, ...outcome } = await applyToRecord(event, key, payment);
    if (record.paymentType !== 'REFUND') return outcome;
    return { ...outcome, ...optional('parentPublication', await refundParent(record, key)) };
  };

  async function applyToRecord(event: QueuedEvent, key: string, payment: GatewayPayment): Promise<Settled> {
    const paymentType = payment.paymentType ?? (await typeOnRecord(payment.id));

    let read: PaymentRecord | undefined;
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const entry = entryFor(event, key, payment.facts);
      const change = {
        paymentId: payment.id,
        paymentType,
        entry,
        afterwards: afterwards(policy, { source: entry.source, state: entry.facts.state }, now()),
      };
      const { applied, record } = await payments.applyChange(table, change, read);
      if (applied) {
        if (read) warnIfIncomparable(logger, read, record);
        return announce('applied', payment, record);
      }
      if (!record) {
        const first = await firstRecord(table, payment, entry, policy);
        if (first.applied) return announce('applied', payment, first.record);
        continue;
      }

      const version = versionOfKey(record, key);
      if (version) return announce('duplicate', payment, record, version);
      if (record.quarantine.some((each) => each.key === key))
        return { outcome: 'quarantined', paymentId: payment.id, record };

      const judgement = judgeWord(record, payment);
      switch (judgement) {
        case 'duplicate':
          return known('duplicate', record, record.version);
        case 'stale':
          return { outcome: 'stale', paymentId: payment.id, record };
        case 'applied':
          assertRoom(record);
          read = record;
          continue;
        case 'contradiction': {
          assertRoom(record);
          const settled = await settleContradiction(event, key, payment, record);
          if (settled) return settled;
          continue;
        }
        default:
          return judgement satisfies never;
      }
    }
    throw new Error(`payment ${payment.id} changes faster than its event can be applied`);
  }

  async function typeOnRecord(id: string): Promise<PaymentType> {
    const record = await payments.readPayment(table, id);
    if (!record) throw new UnreadablePayment('no payment object: paymentType');
    return record.paymentType;
  }

  function entryFor(event: QueuedEvent, key: string, facts: GatewayPayment['facts']) {
    return {
      at: new Date(now()).toISOString(),
      source: event.source,
      ...optional('caller', event.caller),
      key,
      ...optional('signature', event.signature),
      facts,
    } satisfies HistoryEntry;
  }

  /**
   * Decides between the record and an event that cannot both be true. A webhook is checked with paytech; what
   * a refresh or reconcile read is paytech's word already, as long as the record is what it was read against.
   * Returns undefined when the record changed meanwhile and everything is to be judged anew.
   */
  async function settleContradiction(
    event: QueuedEvent,
    key: string,
    payment: GatewayPayment,
    record: PaymentRecord,
  ): Promise<Settled | undefined> {
    const isPaytechsWord = event.source !== 'webhook' && event.readVersion === record.version;
    const confirmed = isPaytechsWord ? payment : await askPaytech(record);
    if (!confirmed) return undefined;
    const judgement = judgeWord(record, confirmed);
    const isFinalWord = isFinal(confirmed.facts.state);
    const change = {
      paymentId: record.id,
      paymentType: record.paymentType,
      entry: entryFor(event, key, confirmed.facts),
      // What paytech has just confirmed needs no other confirmation.
      afterwards: afterwards(policy, { source: 'refresh', state: confirmed.facts.state }, now()),
    };

    if (isFinalWord && judgement === 'applied') {
      const moved = await payments.applyChange(table, change, record);
      if (!moved.applied) return undefined;
      warnIfIncomparable(logger, record, moved.record);
      return announce('applied', confirmed, moved.record);
    }
    if (isFinalWord && judgement === 'contradiction') {
      const entry = { ...change.entry, corrected: true };
      const corrected = await payments.applyCorrection(table, { ...change, entry }, record);
      if (!corrected.applied) return undefined;
      logger.warn('payment corrected', {
        metric: 'PaymentCorrected',
        paymentId: record.id,
        from: record.state,
        to: confirmed.facts.state,
      });
      warnIfRefundedTooMuch(logger, corrected.record);
      warnIfIncomparable(logger, record, corrected.record);
      return announce('corrected', confirmed, corrected.record);
    }
    const { state, amount = record.amount, currency = record.currency } = payment.facts;
    const { at, source } = change.entry;
    const quarantined = {
      at,
      source,
      key,
      ...optional('signature', event.signature),
      state,
      amount,
      currency,
    };
    if (!(await payments.quarantine(table, record, quarantined))) return undefined;
    logger.warn('event quarantined', {
      metric: 'EventQuarantined',
      paymentId: record.id,
      state: record.state,
      claimed: state,
    });
    return { outcome: 'quarantined', paymentId: record.id, record };
  }

  /**
   * One question at a time per payment; who finds another asking comes again, to find the answer recorded.
   * Returns undefined when the record changed meanwhile.
   */
  async function askPaytech(record: PaymentRecord): Promise<GatewayPayment | undefined> {
    const question = await payments.takeQuestion(table, record, now(), now() + QUESTION_MS);
    if (question === 'changed') return undefined;
    if (question === 'busy') throw new Error(`paytech is being asked about payment ${record.id} already`);
    const answer = await gateway.get(record.id, ASK_LIMIT_MS);
    if (answer.kind !== 'answered') {
      throw new Error(`paytech could not be asked about payment ${record.id}: ${answer.kind}`);
    }
    return answer.result;
  }

  async function announce(
    outcome: 'applied' | 'corrected' | 'duplicate',
    payment: GatewayPayment,
    record: PaymentRecord,
    version = record.version,
  ): Promise<Settled> {
    await warnIfPaidTwice({ table, logger }, payment, record);
    return known(outcome, record, version);
  }

  function known(outcome: Outcome['outcome'], record: PaymentRecord, version: number): Settled {
    return {
      outcome,
      paymentId: record.id,
      record,
      ...(isPublished(record, version) ? { publication: publicationOf(record, version, eventSource) } : {}),
    };
  }
}

function assertRoom(record: PaymentRecord): void {
  if (record.history.length >= MAX_HISTORY) throw new HistoryFull(`payment ${record.id} has a full history`);
}
