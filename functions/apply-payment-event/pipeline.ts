import { isNamed, join, watchSiblings } from '../../shared/calls/siblings.ts';
import { eventKey, keyWithin, type QueuedEvent } from '../../shared/messaging/event-queue.ts';
import { isPublished, type Publication, publicationOf } from '../../shared/payment/cloud-event.ts';
import type { FollowUpPolicy } from '../../shared/payment/follow-up.ts';
import {
  isOtherMoney,
  isReopened,
  judgeObservation,
  mayBeOfBefore,
  REOPEN_GAP_MS,
  type Verdict,
  verdictOn,
} from '../../shared/payment/observation.ts';
import {
  optional,
  type PaymentRecord,
  type UnknownWord,
  versionOfKey,
  versionThatSet,
} from '../../shared/payment/payment.ts';
import { isFinal, meansMoney, statesOf } from '../../shared/payment/state.ts';
import type { GatewayClient } from '../../shared/paytech/client.ts';
import { type GatewayPayment, readReport, type StatelessPayment } from '../../shared/paytech/wire.ts';
import type { Logger } from '../../shared/runtime/logger.ts';
import * as payments from '../../shared/store/payments.ts';
import type { Table } from '../../shared/store/table.ts';
import { noteUnknownWord } from '../../shared/store/unknown-word.ts';
import { askPaytech } from './ask-paytech.ts';
import { type By, changes } from './changes.ts';
import { applyChargeback } from './chargeback.ts';
import {
  isOvertaken,
  mayBeAMove,
  receivedAt,
  tellsAmount,
  trusted,
  verdictOnAnswer,
  voiceOf,
} from './event.ts';
import { firstObservation, firstRecord, hasState } from './first-record.ts';
import { type Learned, learn, learnFromPaytech } from './learn.ts';
import { assertRoom, isOld, RECEIVES_TO_ASK } from './limits.ts';
import { bookWithParent } from './refund-parent.ts';
import { asBroughtBefore } from './sender.ts';
import * as warnings from './warnings.ts';

export interface ApplyEventDependencies {
  table: Table;
  gateway: Pick<GatewayClient, 'get' | 'list' | 'operations'>;
  /** The CloudEvents `source` of this deployment. */
  eventSource: string;
  policy: FollowUpPolicy;
  now: () => number;
  logger: Pick<Logger, 'info' | 'warn' | 'error'>;
}

/**
 * What became of an event, and what must be published before its message may be deleted:
 * - `applied`, `corrected`: the record has a new version.
 * - `duplicate`: the record has it already; what it led to is published again.
 * - `stale`: the record is further on, or paytech does not say so any more.
 * - `quarantined`: paytech denies what a webhook says; kept for reading.
 * - `counted`: an open payment's amount moves more often than is kept.
 * - `noted`: paytech has AUTHORIZED where the record has an end; it is asked once more.
 * - `ignored`: it names a state or type that nobody knows.
 */
export interface Outcome {
  outcome: 'applied' | 'corrected' | 'duplicate' | 'stale' | 'quarantined' | 'counted' | 'noted' | 'ignored';
  paymentId: string;
  publication?: Publication;
  /** Of other versions of the payment that the same event led to. */
  alsoPublications?: Publication[];
  /** Of the deposit that a refund is paid from, where the refund was the first sign of it. */
  parentPublication?: Publication;
}

/** The outcome, and the record that it was judged by, where there is one. */
type Result = Outcome & { record: PaymentRecord | undefined };

/** A condition that fails although the state machine allows the move was overtaken; it is judged anew. */
const MAX_ROUNDS = 4;

/**
 * Applies one event to its payment. Returning means that everything about it is durable and that the message
 * may be deleted once the publications are out. Throwing {@link UnreadablePayment}, {@link NotAtPaytech} or
 * {@link HistoryFull} means that no retry helps; throwing anything else, that the message must come again.
 */
export function applyEvent(deps: ApplyEventDependencies) {
  const { table, eventSource, now } = deps;
  const { entryBy, changeBy, changeOf } = changes(deps);
  const refundParent = bookWithParent(deps);
  const chargeback = applyChargeback(deps);

  return async function apply(given: QueuedEvent): Promise<Outcome> {
    if (given.about === 'chargeback') return chargeback(given);
    const report = readReport(given.bytes);
    const id = report.is === 'unknown' ? report.id : report.payment.id;
    const event = given.asSent ? asBroughtBefore(given, await payments.readPayment(table, id)) : given;
    const key = eventKey(event);
    const { record, ...outcome } =
      report.is === 'unknown'
        ? await ignore(report.id, report)
        : await handle(event, key, trusted(event, report.payment));
    if (record?.paymentType !== 'REFUND') return outcome;
    return { ...outcome, ...optional('parentPublication', await refundParent(record, key, event)) };
  };

  /** What create knows of the payment first, then what the event says of it, then whose it is according to paytech. */
  async function handle(event: QueuedEvent, key: string, payment: StatelessPayment): Promise<Result> {
    const learned = await learn(deps, event, key, payment.id);
    const facts = await processFacts(event, key, payment);
    const result = learned ? withLearned(facts, learned) : facts;
    if (!result.record) return result;
    const identified = await learnFromPaytech(deps, event, key, payment, result.record);
    // Of the claim that it learned of, its siblings are marked and looked at; so it is where its maker died before.
    if (learned || identified || event.claim) await join(deps, identified?.record ?? result.record);
    return identified ? withLearned(result, identified) : result;
  }

  function withLearned(result: Result, { record, version }: Learned): Result {
    const publication = publicationOf(record, version, eventSource);
    const latest = (result.record?.version ?? 0) > record.version ? result.record : record;
    return result.publication
      ? { ...result, record: latest, alsoPublications: [...(result.alsoPublications ?? []), publication] }
      : { ...result, record: latest, outcome: 'applied', publication };
  }

  async function processFacts(event: QueuedEvent, key: string, payment: StatelessPayment): Promise<Result> {
    for (let round = 0; round < MAX_ROUNDS; round++) {
      let read: PaymentRecord | undefined;
      if (round === 0 && mayBeAMove(event, payment) && (await isSeenByItsOrder(payment))) {
        const { id: paymentId, paymentType, facts } = payment;
        const change = { paymentId, paymentType, ...changeBy(event, key, facts, paymentType) };
        const moved = await payments.applyChange(table, change);
        if (moved.applied) return announce('applied', moved.record);
        read = moved.record;
      } else {
        read = await payments.readPayment(table, payment.id);
      }
      const result = read ? await judge(event, key, payment, read) : await begin(event, key, payment);
      if (result) return result;
    }
    throw new Error(`payment ${payment.id} changes faster than its event can be applied`);
  }

  /** Where it brings an order its money, the claim names it first. */
  async function isSeenByItsOrder({ id, paymentType, referenceId, facts }: GatewayPayment): Promise<boolean> {
    if (paymentType !== 'DEPOSIT' || !meansMoney(facts.state)) return true;
    return isNamed(table, { id, ...optional('referenceId', referenceId) });
  }

  /** Undefined when it was recorded meanwhile, and is to be judged by that. */
  async function begin(event: QueuedEvent, key: string, said: StatelessPayment): Promise<Result | undefined> {
    const { payment, ...grounds } = await firstObservation(deps, event, said);
    if (grounds.isUnconfirmed && payment.paymentType === 'REFUND') {
      // It may be one that was asked for here, and would use up what is reserved for it.
      throw new Error(`paytech is still to be asked about refund ${payment.id}`);
    }
    const entry = entryBy(event, key, payment.facts);
    const { paymentType, facts } = payment;
    if (paymentType && !statesOf(paymentType).includes(facts.state)) {
      return ignore(payment.id, { of: 'state', word: facts.state });
    }
    const firstSeenAt =
      event.source === 'webhook' || event.source === 'reconcile' ? receivedAt(event) : undefined;
    const first = await firstRecord(deps, payment, entry, {
      ...grounds,
      ...optional('firstSeenAt', firstSeenAt),
    });
    return first.applied ? announce('applied', first.record) : undefined;
  }

  /** Judges an event by the record; undefined when that has changed meanwhile and all is to be judged anew. */
  async function judge(
    event: QueuedEvent,
    key: string,
    payment: StatelessPayment,
    record: PaymentRecord,
  ): Promise<Result | undefined> {
    const version = versionOfKey(record, key);
    if (version) return again(event, key, payment, record, version);
    const quarantined = record.quarantine.find((each) => each.key === key);
    if (quarantined) {
      await warnings.warnOfQuarantine(deps, record, quarantined.state, record.quarantined);
      return ended('quarantined', record);
    }
    if (!hasState(payment)) return askAbout(event, key, payment, record);
    const { state } = payment.facts;
    if (!statesOf(record.paymentType).includes(state)) return ignore(record.id, { of: 'state', word: state });

    const saidAt = receivedAt(event);
    const verdict = verdictOn(record, payment, voiceOf(event, payment, record), saidAt);
    switch (verdict) {
      case 'ask':
        assertRoom(record);
        return askAbout(event, key, payment, record);
      case 'duplicate':
        return duplicate(event, record);
      case 'stale':
        return ended('stale', record);
      case 'counted':
        await payments.endQuestion(table, record, 'changesCounted');
        return ended('counted', record);
      default:
        return take(verdict, changeOf(record, event, key, payment.facts), record, saidAt);
    }
  }

  /** Writes what an observation does to the record; undefined when that has changed meanwhile. */
  async function take(
    verdict: Exclude<Verdict, 'ask' | 'duplicate' | 'stale' | 'counted'>,
    by: By,
    record: PaymentRecord,
    saidAt: number,
  ): Promise<Result | undefined> {
    assertRoom(record);
    if (record.paymentType === 'DEPOSIT' && meansMoney(by.entry.facts.state)) await join(deps, record);
    const change = { ...by, paymentId: record.id, paymentType: record.paymentType };
    switch (verdict) {
      case 'applied':
      case 'changed': {
        // Whether a webhook's end is to be confirmed depends on the record that it ends, an amount left out as well.
        const { source, facts, amountUntold } = by.entry;
        const isOfVersion =
          verdict === 'changed' || amountUntold || (source === 'webhook' && !meansMoney(facts.state));
        const write = isOfVersion ? payments.applyAtVersion : payments.applyChange;
        const moved = await write(table, change, record);
        if (!moved.applied) return undefined;
        await warnings.warnIfIncomparable(deps, record, moved.record);
        return announce('applied', moved.record);
      }
      case 'reopened': {
        if (isReopened(record, saidAt)) return correct(change, record);
        const isNoted = record.reopenedAt !== undefined && saidAt - record.reopenedAt < REOPEN_GAP_MS;
        const askAgainAt = Math.max(now(), saidAt + REOPEN_GAP_MS);
        const note = { at: saidAt, askAgainAt };
        if (!isNoted && !(await payments.noteReopened(table, record, note))) return undefined;
        return ended('noted', record);
      }
      case 'corrected':
        return correct(change, record);
      default:
        return verdict satisfies never;
    }
  }

  async function correct(change: payments.Change, record: PaymentRecord): Promise<Result | undefined> {
    const entry = { ...change.entry, corrected: true };
    const corrected = await payments.applyAtVersion(table, { ...change, entry }, record);
    if (!corrected.applied) return undefined;
    await warnings.warnIfCorrected(deps, corrected.record, corrected.record.version);
    await warnings.warnIfRefundedTooMuch(deps, corrected.record);
    await warnings.warnIfIncomparable(deps, record, corrected.record);
    return announce('corrected', corrected.record);
  }

  /** Asks paytech, and does what it says in place of what the event says. */
  async function askAbout(
    event: QueuedEvent,
    key: string,
    payment: StatelessPayment,
    record: PaymentRecord,
  ): Promise<Result | undefined> {
    const answer = await askPaytech(deps, record);
    if (!answer) return undefined;
    const answeredAt = now();
    const verdict = verdictOnAnswer(record, answer, answeredAt);
    switch (verdict) {
      case 'applied':
      case 'changed':
      case 'corrected':
        return take(verdict, changeOf(record, event, key, answer.facts, 'refresh'), record, answeredAt);
      case 'reopened': {
        const by = changeOf(record, event, key, answer.facts, 'refresh');
        const taken = await take(verdict, by, record, answeredAt);
        return taken?.outcome === 'noted' ? deny(event, key, payment, record) : taken;
      }
      case 'counted':
        await payments.endQuestion(table, record, 'changesCounted');
        return ended('counted', record);
      default: {
        if (!tellsAmount(event, payment, record, answer)) return deny(event, key, payment, record);
        const by = changeOf(record, event, key, payment.facts);
        return take(isFinal(record.state) ? 'corrected' : 'changed', by, record, answeredAt);
      }
    }
  }

  /** paytech's answer leaves the record as it is. A webhook that said otherwise is kept, for somebody to read. */
  async function deny(
    event: QueuedEvent,
    key: string,
    payment: StatelessPayment,
    record: PaymentRecord,
  ): Promise<Result | undefined> {
    const isLie =
      event.source === 'webhook' &&
      hasState(payment) &&
      judgeObservation(record, payment) !== 'stale' &&
      !mayBeOfBefore(record, payment.facts.state) &&
      !isOtherMoney(record, payment);
    if (!isLie) {
      await payments.endQuestion(table, record);
      return hasState(payment) ? ended('stale', record) : duplicate(event, record);
    }
    const { state, amount = record.amount, currency = record.currency } = payment.facts;
    const { at, source, signature } = entryBy(event, key, payment.facts);
    const quarantined = { at, source, key, ...optional('signature', signature), state, amount, currency };
    if (!(await payments.quarantine(table, record, quarantined))) return undefined;
    await warnings.warnOfQuarantine(deps, record, state, record.quarantined + 1);
    return ended('quarantined', record);
  }

  /**
   * The event is in the record: what it led to is published again. Where its word has been overtaken since, paytech
   * is asked whether it holds again, and its answer is an entry of its own.
   */
  async function again(
    event: QueuedEvent,
    key: string,
    payment: StatelessPayment,
    record: PaymentRecord,
    version: number,
  ): Promise<Result | undefined> {
    const entry = record.history[version - 1]!;
    if (isOld(event, entry)) return ended('stale', record);
    if (version === 1) await join(deps, record);
    await warnings.warnIfCorrected(deps, record, version);

    const result = await announce('duplicate', record, version);
    const answered = record.history.findLastIndex(({ answerTo }) => answerTo === key) + 1;
    if (answered > 0) {
      await warnings.warnIfCorrected(deps, record, answered);
      result.alsoPublications = [publicationOf(record, answered, eventSource)];
    }
    if (!isOvertaken(record, version, payment)) return result;

    const question = askPaytech(deps, record).catch((error) => {
      if ((event.receives ?? 1) < RECEIVES_TO_ASK) throw error;
      return 'unanswered' as const;
    });
    const answer = await question;
    if (!answer) return undefined;
    if (answer === 'unanswered') return result;
    const verdict = verdictOnAnswer(record, answer, now());
    const isEnd = isFinal(answer.facts.state) && (verdict === 'applied' || verdict === 'corrected');
    if (verdict !== 'changed' && !isEnd) {
      await payments.endQuestion(table, record, 'denials');
      return result;
    }
    const ownKey = keyWithin(key, `again at version ${record.version}`);
    const by = changeOf(record, event, ownKey, answer.facts, 'refresh');
    const answering = { ...by, entry: { ...by.entry, answerTo: key } };
    const taken = await take(verdict, answering, record, now());
    return taken && result.publication ? { ...taken, alsoPublications: [result.publication] } : taken;
  }

  async function duplicate(event: QueuedEvent, record: PaymentRecord): Promise<Result> {
    const version = versionThatSet(record);
    if (isOld(event, record.history[version - 1]!)) return ended('stale', record);
    return announce('duplicate', record, version);
  }

  /** Acknowledged and counted: paytech's contract has it that states nobody knows are no error. */
  async function ignore(paymentId: string, said: Pick<UnknownWord, 'of' | 'word'>): Promise<Result> {
    const at = new Date(now()).toISOString();
    const record = await noteUnknownWord(table, paymentId, said, at);
    await warnings.watchUnknownWord(deps, paymentId, said);
    return { outcome: 'ignored', paymentId, record };
  }

  async function announce(
    outcome: 'applied' | 'corrected' | 'duplicate',
    record: PaymentRecord,
    version = record.version,
  ): Promise<Result> {
    await watchSiblings(deps, record);
    return {
      ...ended(outcome, record),
      ...(isPublished(record, version) ? { publication: publicationOf(record, version, eventSource) } : {}),
    };
  }

  function ended(outcome: Outcome['outcome'], record: PaymentRecord): Result {
    return { outcome, paymentId: record.id, record };
  }
}
