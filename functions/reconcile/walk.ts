import { lookAtChargeback } from '../../shared/calls/chargeback-trail.ts';
import { type Checked, checkClaim } from '../../shared/calls/check.ts';
import { flaggedFinding, stand } from '../../shared/calls/stand.ts';
import { foundInRecord } from '../../shared/calls/still-to-decide.ts';
import { lookAtExecute } from '../../shared/calls/untouched.ts';
import { openOperation } from '../../shared/payment/action.ts';
import { type Claim, isClaimKind, lookAfter, nextLookAt } from '../../shared/payment/claim.ts';
import { isOpenAndKnown, nextCheckOf } from '../../shared/payment/next-check.ts';
import { isConfirmedBy, judgeObservation, willApply, withQueued } from '../../shared/payment/observation.ts';
import { type OverdueLimits, overdueIn } from '../../shared/payment/overdue.ts';
import type { PaymentRecord, QueuedObservation } from '../../shared/payment/payment.ts';
import {
  AHEAD_INTERVAL_MS,
  checkAfterAhead,
  type DueSpan,
  nextCheckAt,
  spansAhead,
  WATCHED_INTERVAL_MS,
} from '../../shared/payment/schedule.ts';
import { type StandingAlarm, type SubjectKind, subjectId } from '../../shared/payment/standing.ts';
import { isFinal, isWaiting, type WaitingState } from '../../shared/payment/state.ts';
import { forEachFrom, mapOf } from '../../shared/runtime/concurrency.ts';
import type { Logger } from '../../shared/runtime/logger.ts';
import { HOUR_MS, MINUTE_MS } from '../../shared/runtime/time.ts';
import { readClaim } from '../../shared/store/claims.ts';
import { keepConfirmed } from '../../shared/store/confirmation.ts';
import {
  type Cursor,
  leaveToWebhook,
  type OpenIndex,
  type OpenKey,
  postpone,
  SHARDS_AT_ONCE,
} from '../../shared/store/open-index.ts';
import { readPayment } from '../../shared/store/payments.ts';
import { raise } from '../../shared/store/standing.ts';
import { isNotKnown, isOutage, type ReadingGateway, reasonOf } from './circuit-breaker.ts';
import {
  type Discrepancy,
  discrepancyOf,
  isAnnounced,
  named,
  ON_ITS_WAY_MS,
  type TellingContext,
  tellDiscrepancy,
} from './discrepancy.ts';
import type { Turns } from './pace.ts';

/*
 * Everything that is open and due in some shards: asked about, and put off to its next look. What is not reached stays
 * due, so that the next run goes on where this one ended. Two workers on one shard ask twice and change nothing twice.
 */

export interface WalkContext extends TellingContext, Turns {
  index: OpenIndex;
  gateway: ReadingGateway;
  logger: Pick<Logger, 'info' | 'warn' | 'error'>;
  /** How long after a change its webhook may still come, in milliseconds. */
  graceMs: number;
  /** How many are looked at at once. */
  concurrency: number;
  /** Those of the index that are looked at. */
  shards: readonly number[];
  overdueLimits: OverdueLimits;
}

const OVERDUE = {
  AUTHORIZED: 'authorized-for-long',
  AWAITING_APPROVAL: 'awaiting-approval-for-long',
} as const satisfies Record<WaitingState, StandingAlarm>;

const ASK_LIMIT_MS = 5_000;

/** So many of each shard at once; whatever they are, the oldest go first. */
const SHARD_PAGE = 25;

/** After this an unknown outcome is an alarm. */
const LONG_MS = 15 * MINUTE_MS;

/** After this a webhook's word about money is one, if paytech could not be asked for it. */
const UNCONFIRMED_MS = HOUR_MS;

/** For so long what was left is told as it was; what is older is asked about again. */
const LEFT_FOR_MS = HOUR_MS;

/** What could not be asked about is due again after this, behind what else is due. */
const RETRY_MS = MINUTE_MS;

export function walk(context: WalkContext) {
  const { table, index, gateway, now, logger, counts, graceMs } = context;
  const { goesOn, concurrency, overdueLimits, shards, turn } = context;
  const tell = tellDiscrepancy(context);
  const check = checkClaim(context);

  let asksAhead = false;

  return {
    /** What is due. Answers how many were looked at, as the other does. */
    due: () => lookAtSpan({ after: 0, until: now() }, () => true),
    /** What is open and not due yet, for when paytech's list does not help, until that moment at most. */
    async ahead(until = Number.POSITIVE_INFINITY): Promise<number> {
      asksAhead = true;
      let looked = 0;
      for (const span of spansAhead(now())) looked += await lookAtSpan(span, () => now() < until);
      return looked;
    },
  };

  async function lookAtSpan(span: DueSpan, hasTime: () => boolean): Promise<number> {
    let looked = 0;
    const keys = keysOfDue(index, shards, span, () => goesOn() && hasTime());
    await forEachFrom(keys, concurrency, async (key) => {
      looked++;
      try {
        const kind = key.pk.slice(0, key.pk.indexOf('#'));
        const id = key.pk.slice(kind.length + 1);
        if (kind === 'payment') await lookAtPayment(key, id);
        else if (key.dueAt > now()) return;
        else if (isClaimKind(kind)) await lookAtClaim(key, kind, id);
      } catch (error) {
        await fail(key, named(error), now() + RETRY_MS);
      }
    });
    return looked;
  }

  async function lookAtPayment(key: OpenKey, id: string): Promise<void> {
    const record = await readPayment(table, id);
    if (!record) return;
    const isClosed = isFinal(record.state) && record.recheckUntil === undefined && !record.unconfirmed;
    if (isClosed) {
      const isDueLater = openOperation(record) && key.dueAt > now();
      if (isDueLater) return;
      if (openOperation(record) && !(await turn())) return;
      await postpone(table, key, await lookAtDispute(record));
      return;
    }
    if (key.dueAt > now() && !mayBeAskedAhead(key, record)) return;
    const left = leftEarlier(record);
    if (left) return lookAtLeft(key, record, left);
    // It stays due.
    if (!(await turn()) || !goesOn()) return;
    const open = openOperation(withQueued(record));
    if (open?.kind === 'chargeback' && (await turn())) await lookAtDispute(record);
    const operation = open?.kind === 'chargeback' ? undefined : open;
    const askedAt = now();
    const answer = await gateway.get(id, ASK_LIMIT_MS);
    if (answer.kind !== 'answered') {
      await warnIfOverdue(record);
      if (operation) await warnOfAge('operation', id, operation.owner, operation.startedAt);
      if (isNotKnown(answer)) await warnIfUnconfirmed(record, 'no such payment');
      else if (now() - saidAt(record) >= UNCONFIRMED_MS) await warnIfUnconfirmed(record, 'no answer');
      // Where it is this payment that paytech cannot tell about, asking again soon is no use.
      return fail(key, reasonOf(answer), isOutage(answer) ? now() + RETRY_MS : nextLook(record));
    }
    counts.checked.add(key.pk);
    if (!isFinal(answer.result.facts.state)) counts.unresolved++;
    const word = judgeObservation(record, answer.result);
    if (word === 'stale' || word === 'contradiction')
      await warnIfUnconfirmed(record, answer.result.facts.state);
    const discrepancy = discrepancyOf(answer.result, record, 'answer', now());
    if (discrepancy) return tellOrLeave(key, { ...discrepancy, record });
    await warnIfOverdue(record);
    const looked = await lookAtExecute(context, record, answer.result, askedAt);
    if (operation && looked.is === 'open')
      await warnOfAge('operation', id, operation.owner, operation.startedAt);
    const { unconfirmed, ...confirmed } = looked.record;
    const isToldSo = isConfirmedBy(record, answer.result);
    // The list may still tell how much it was.
    if (word === 'duplicate' && !isToldSo && now() - saidAt(record) >= UNCONFIRMED_MS)
      await warnIfUnconfirmed(record, 'no amount');
    const isConfirmed = unconfirmed && isToldSo && (await keepConfirmed(table, record, answer.result));
    await postpone(table, key, nextLook(isConfirmed ? confirmed : looked.record));
  }

  /** GET does not show a chargeback, of whose registration nobody may have heard the end. When to look again. */
  async function lookAtDispute(record: PaymentRecord): Promise<number | undefined> {
    const operation = openOperation(record);
    if (operation?.kind !== 'chargeback') return undefined;
    const { owner, startedAt } = operation;
    const looked = await lookAtChargeback(context, record);
    if (looked === 'told') return now() + ON_ITS_WAY_MS;
    await warnOfAge('operation', record.id, owner, startedAt);
    return nextCheckAt(startedAt, now());
  }

  /** What paytech announces is left to its webhook at first, with a note of what to tell should none come. */
  async function tellOrLeave(key: OpenKey, discrepancy: Required<Discrepancy>): Promise<void> {
    const { payment, record } = discrepancy;
    const mayStillCome = isAnnounced(payment) && willApply(record, payment, 'answer', now());
    if (graceMs === 0 || !mayStillCome) return tellNow(key, discrepancy);
    const left = { at: new Date(now()).toISOString(), version: record.version, facts: payment.facts };
    await leaveToWebhook(table, key, now() + graceMs, left);
    counts.left++;
  }

  async function tellNow(key: OpenKey, discrepancy: Required<Discrepancy>): Promise<void> {
    const isTold = await tell(discrepancy);
    // By then it is applied and the look with it gone, or the queue has lost it.
    await postpone(table, key, now() + (isTold ? ON_ITS_WAY_MS : RETRY_MS));
  }

  /**
   * What is asked about ahead of its time is due after all else, and goes by when it was asked about; what is in doubt
   * is due again after that time.
   */
  function nextLook(record: PaymentRecord): number | undefined {
    const next = nextCheckOf(record, now());
    if (!asksAhead || isFinal(record.state) || (isWaiting(record.state) && isOpenAndKnown(record)))
      return next;
    if (isOpenAndKnown(record)) return checkAfterAhead(now());
    return next && Math.min(next, now() + AHEAD_INTERVAL_MS);
  }

  function mayBeAskedAhead({ dueAt }: OpenKey, record: PaymentRecord): boolean {
    if (isFinal(record.state)) return false;
    if (!isOpenAndKnown(record)) return true;
    // It is due every hour, so that this tells when it was asked about.
    return !isWaiting(record.state) || dueAt <= now() + WATCHED_INTERVAL_MS - AHEAD_INTERVAL_MS;
  }

  /** What an earlier look found and left, as long as it is worth more than asking anew. */
  function leftEarlier({ leftToWebhook, version }: PaymentRecord): QueuedObservation | undefined {
    if (leftToWebhook?.version !== version) return undefined;
    return now() - Date.parse(leftToWebhook.at) < LEFT_FOR_MS ? leftToWebhook : undefined;
  }

  async function lookAtLeft(key: OpenKey, record: PaymentRecord, left: QueuedObservation): Promise<void> {
    const { id, paymentType } = record;
    const tellAt = Date.parse(left.at) + graceMs;
    if (now() < tellAt) {
      counts.left++;
      await postpone(table, key, tellAt);
      return;
    }
    counts.checked.add(key.pk);
    const discrepancy = discrepancyOf({ id, paymentType, facts: left.facts }, record, 'answer', now());
    if (discrepancy) await tellNow(key, { ...discrepancy, record });
    else await postpone(table, key, nextLook(record));
  }

  /** Whoever has the signing key can say what paytech does not. */
  async function warnIfUnconfirmed(record: PaymentRecord, said: string): Promise<void> {
    const { id, state } = record;
    const found = foundInRecord('webhook-not-confirmed', record);
    if (found.length === 0) return;
    counts.notConfirmed++;
    const finding = { alarm: 'webhook-not-confirmed', id, found } as const;
    await stand(context, finding, 'webhook not confirmed', { paymentId: id, state, said });
  }

  async function warnIfOverdue(record: PaymentRecord): Promise<void> {
    const { id } = record;
    const state = overdueIn(withQueued(record), overdueLimits, now());
    if (!state || state !== record.state) return;
    counts.overdue++;
    const finding = { alarm: OVERDUE[state], id, found: foundInRecord(OVERDUE[state], record) };
    await stand(context, finding, 'payment waits for the merchant', { paymentId: id });
  }

  async function lookAtClaim(key: OpenKey, kind: Parameters<typeof readClaim>[1], id: string): Promise<void> {
    const claim = await readClaim(table, kind, id);
    // The index may not know yet that somebody else has looked.
    if (!claim || nextLookAt(claim) > now()) return;
    if (!(await turn())) return;
    const checked = await check(claim);
    if (checked === 'flagged' || claim.stage === 'flagged') await standsFlagged(claim);
    else if (checked === 'unanswered' || checked === 'unresolved')
      await warnOfAge(kind, id, `attempt ${claim.attempt}`, claim.sentAt);
    if (checked === 'unanswered') {
      // It stands for a person, whether paytech answers or not.
      if (claim.stage === 'flagged') count('flagged');
      return fail(key, { reason: 'not looked up' }, now() + RETRY_MS);
    }
    counts.checked.add(key.pk);
    count(checked);
    await postpone(table, key, lookAfter(claim, now()));
  }

  /** Whoever flagged it may have died before the alarm stood. */
  async function standsFlagged({ kind, referenceId }: Claim): Promise<void> {
    const claim = await readClaim(table, kind, referenceId);
    if (claim?.stage === 'flagged') await raise(table, flaggedFinding(claim), now());
  }

  function count(checked: Exclude<Checked, 'unanswered'>): void {
    if (checked === 'flagged') counts.flagged++;
    if (checked === 'unresolved') counts.unresolved++;
  }

  /** Nobody knows yet what became of money that was asked for or moved. */
  async function warnOfAge(kind: SubjectKind, id: string, what: string, since: number): Promise<void> {
    if (now() - since < LONG_MS) return;
    const finding = { alarm: 'outcome-unknown-for-long', id: subjectId(kind, id), found: [what] } as const;
    await stand(context, finding, 'outcome still unknown', { kind });
  }

  /** It must not stand in the way of what can be asked about. */
  async function fail(key: OpenKey, why: object, again: number | undefined): Promise<void> {
    counts.failed++;
    logger.warn('not looked at', { metric: 'ReconcileFailed', pk: key.pk, ...why });
    await postpone(table, key, again).catch(() => {});
  }
}

/** When the word was said that stands. */
function saidAt({ history, created }: PaymentRecord): number {
  return Date.parse(history.at(-1)?.at ?? created);
}

/** What is due in the span in the shards, for as long as it is wanted: some of each at a time, the oldest of them first. */
async function* keysOfDue(
  index: OpenIndex,
  ofShards: readonly number[],
  span: DueSpan,
  goesOn: () => boolean,
): AsyncGenerator<OpenKey> {
  let shards = ofShards.map((shard) => ({ shard, from: undefined as Cursor | undefined }));
  while (shards.length > 0 && goesOn()) {
    const pages = await mapOf(shards, SHARDS_AT_ONCE, async ({ shard, from }) => ({
      shard,
      page: await index.due(shard, span, SHARD_PAGE, from),
    }));
    const keys = pages.flatMap(({ page }) => page.keys).sort((a, b) => a.dueAt - b.dueAt);
    for (const key of keys) {
      if (!goesOn()) return;
      yield key;
    }
    shards = pages.flatMap(({ shard, page }) => (page.next ? [{ shard, from: page.next }] : []));
  }
}
