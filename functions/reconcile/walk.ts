import { type Checked, checkClaim } from '../../shared/calls/check.ts';
import { staysPaidTwice } from '../../shared/calls/siblings.ts';
import { lookAtExecute } from '../../shared/calls/untouched.ts';
import { openOperation } from '../../shared/payment/action.ts';
import { isClaimKind, lookAfter, nextLookAt } from '../../shared/payment/claim.ts';
import { isOpenAndKnown, nextCheckOf } from '../../shared/payment/next-check.ts';
import { isConfirmedBy, judgeObservation, willApply, withQueued } from '../../shared/payment/observation.ts';
import { type OverdueLimits, overdueIn } from '../../shared/payment/overdue.ts';
import type { PaymentRecord, QueuedObservation } from '../../shared/payment/payment.ts';
import {
  AHEAD_INTERVAL_MS,
  checkAfterAhead,
  type DueSpan,
  OPEN_SHARDS,
  spansAhead,
  WATCHED_INTERVAL_MS,
} from '../../shared/payment/schedule.ts';
import { isFinal, isWaiting, type WaitingState } from '../../shared/payment/state.ts';
import { forEachOf } from '../../shared/runtime/concurrency.ts';
import type { Logger } from '../../shared/runtime/logger.ts';
import type { MetricName } from '../../shared/runtime/metrics.ts';
import { HOUR_MS, MINUTE_MS } from '../../shared/runtime/time.ts';
import { readClaim } from '../../shared/store/claims.ts';
import { keepConfirmed } from '../../shared/store/confirmation.ts';
import {
  type Cursor,
  leaveToWebhook,
  type OpenIndex,
  type OpenKey,
  postpone,
} from '../../shared/store/open-index.ts';
import { claimOfMark, endPaidTwice, PAID_TWICE } from '../../shared/store/paid-twice.ts';
import { readPayment } from '../../shared/store/payments.ts';
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

/*
 * Everything that is open and due: asked about, and put off to its next look. What is not reached stays due, so
 * that the next run goes on where this one ended. Two runs at once ask twice and change nothing twice.
 */

export interface WalkContext extends TellingContext {
  index: OpenIndex;
  gateway: ReadingGateway;
  logger: Pick<Logger, 'info' | 'warn' | 'error'>;
  /** How long after a change its webhook may still come, in milliseconds. */
  graceMs: number;
  /** Whether there is time, and paytech may be asked, for one more question. */
  goesOn: () => boolean;
  /** How many are looked at in one run at most. */
  maxItems: number;
  /** How many at once. */
  concurrency: number;
  overdueLimits: OverdueLimits;
}

/** A payment counts in it once per look, that is about once an hour, until it has moved. */
const OVERDUE_METRIC: Record<WaitingState, MetricName> = {
  AUTHORIZED: 'AuthorizedForLong',
  AWAITING_APPROVAL: 'AwaitingApprovalForLong',
};

const ASK_LIMIT_MS = 5_000;

/** So many of each shard at once; whatever they are, the oldest go first. */
const SHARD_PAGE = 25;

/** After this an unknown outcome is worth a warning at each look. */
const LONG_MS = 15 * MINUTE_MS;

/** For so long what was left is told as it was; what is older is asked about again. */
const LEFT_FOR_MS = HOUR_MS;

/** What could not be asked about is due again after this, behind what else is due. */
const RETRY_MS = MINUTE_MS;

export function walk(context: WalkContext) {
  const { table, index, gateway, now, logger, counts, graceMs } = context;
  const { goesOn, maxItems, concurrency, overdueLimits } = context;
  const tell = tellDiscrepancy(context);
  const check = checkClaim(context);

  let left = maxItems;
  let asksAhead = false;

  return {
    /** What is due. */
    due: () => lookAtSpan({ after: 0, until: now() }),
    /** What is open and not due yet, for when paytech's list does not help. */
    async ahead(): Promise<void> {
      asksAhead = true;
      for (const span of spansAhead(now())) await lookAtSpan(span);
    },
  };

  async function lookAtSpan(span: DueSpan): Promise<void> {
    for await (const round of roundsOfDue(index, span)) {
      const keys = round.slice(0, left);
      if (keys.length < round.length) counts.stopped ??= 'limit';
      if (keys.length === 0 || !goesOn()) return;
      left -= keys.length;
      await lookAt(keys);
    }
  }

  async function lookAt(keys: readonly OpenKey[]): Promise<void> {
    await forEachOf(keys, concurrency, async (key) => {
      if (!goesOn()) return;
      try {
        const kind = key.pk.slice(0, key.pk.indexOf('#'));
        const id = key.pk.slice(kind.length + 1);
        if (kind === 'payment') await lookAtPayment(key, id);
        else if (key.dueAt > now()) return;
        else if (isClaimKind(kind)) await lookAtClaim(key, kind, id);
        else if (kind === PAID_TWICE) await lookAtPaidTwice(key, id);
      } catch (error) {
        await fail(key, named(error), now() + RETRY_MS);
      }
    });
  }

  async function lookAtPayment(key: OpenKey, id: string): Promise<void> {
    const record = await readPayment(table, id);
    if (!record) return;
    const isClosed = isFinal(record.state) && record.recheckUntil === undefined && !record.unconfirmed;
    if (isClosed) {
      await postpone(table, key, undefined);
      return;
    }
    if (key.dueAt > now() && !mayBeAskedAhead(key, record)) return;
    const left = leftEarlier(record);
    if (left) return lookAtLeft(key, record, left);
    const askedAt = now();
    const answer = await gateway.get(id, ASK_LIMIT_MS);
    const operation = openOperation(withQueued(record));
    if (answer.kind !== 'answered') {
      warnIfOverdue(record);
      if (operation) warnOfAge(key, operation.startedAt);
      if (isNotKnown(answer)) warnIfUnconfirmed(record, 'no such payment');
      // Where it is this payment that paytech cannot tell about, asking again soon is no use.
      return fail(key, reasonOf(answer), isOutage(answer) ? now() + RETRY_MS : nextLook(record));
    }
    counts.checked.add(key.pk);
    if (!isFinal(answer.result.facts.state)) counts.unresolved++;
    const word = judgeObservation(record, answer.result);
    if (word === 'stale' || word === 'contradiction') warnIfUnconfirmed(record, answer.result.facts.state);
    const discrepancy = discrepancyOf(answer.result, record, 'answer', now());
    if (discrepancy) return tellOrLeave(key, { ...discrepancy, record });
    warnIfOverdue(record);
    const looked = await lookAtExecute(context, record, answer.result, askedAt);
    if (operation && looked.is === 'open') warnOfAge(key, operation.startedAt);
    const { unconfirmed, ...confirmed } = looked.record;
    const isConfirmed =
      unconfirmed && isConfirmedBy(record, answer.result) && (await keepConfirmed(table, record));
    await postpone(table, key, nextLook(isConfirmed ? confirmed : looked.record));
  }

  /** What paytech announces is left to its webhook at first, with a note of what to tell should none come. */
  async function tellOrLeave(key: OpenKey, discrepancy: Required<Discrepancy>): Promise<void> {
    const { payment, record } = discrepancy;
    const mayStillCome = isAnnounced(payment) && willApply(record, payment, 'answer', now());
    if (graceMs === 0 || !mayStillCome) return tellNow(key, discrepancy);
    const left = { at: new Date(now()).toISOString(), version: record.version, facts: payment.facts };
    await leaveToWebhook(table, key, now() + graceMs, left);
  }

  async function tellNow(key: OpenKey, discrepancy: Required<Discrepancy>): Promise<void> {
    const isTold = await tell(discrepancy);
    // By then it is applied and the look with it gone, or the queue has lost it.
    await postpone(table, key, now() + (isTold ? ON_ITS_WAY_MS : RETRY_MS));
  }

  /** What is asked about ahead of its time is due after all else, and goes by when it was asked about. */
  function nextLook(record: PaymentRecord): number | undefined {
    const isAhead = asksAhead && isOpenAndKnown(record) && !isWaiting(record.state);
    return isAhead ? checkAfterAhead(now()) : nextCheckOf(record, now());
  }

  function mayBeAskedAhead({ dueAt }: OpenKey, record: PaymentRecord): boolean {
    if (!isOpenAndKnown(record)) return false;
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
      await postpone(table, key, tellAt);
      return;
    }
    counts.checked.add(key.pk);
    const discrepancy = discrepancyOf({ id, paymentType, facts: left.facts }, record, 'answer', now());
    if (discrepancy) await tellNow(key, { ...discrepancy, record });
    else await postpone(table, key, nextLook(record));
  }

  /** Whoever has the signing key can say what paytech does not. */
  function warnIfUnconfirmed({ unconfirmed, id, state }: PaymentRecord, said: string): void {
    if (!unconfirmed) return;
    counts.notConfirmed++;
    logger.error('webhook not confirmed', { metric: 'WebhookNotConfirmed', paymentId: id, state, said });
  }

  function warnIfOverdue(record: PaymentRecord): void {
    const state = overdueIn(withQueued(record), overdueLimits, now());
    if (!state) return;
    counts.overdue++;
    logger.warn('payment waits for the merchant', { metric: OVERDUE_METRIC[state], paymentId: record.id });
  }

  async function lookAtClaim(key: OpenKey, kind: Parameters<typeof readClaim>[1], id: string): Promise<void> {
    const claim = await readClaim(table, kind, id);
    // The index may not know yet that somebody else has looked.
    if (!claim || nextLookAt(claim) > now()) return;
    const checked = await check(claim);
    if (checked === 'unanswered' || checked === 'unresolved') warnOfAge(key, claim.sentAt);
    if (checked === 'unanswered') {
      // It stands for a person, whether paytech answers or not.
      if (claim.stage === 'flagged') count('flagged');
      return fail(key, { reason: 'not looked up' }, now() + RETRY_MS);
    }
    counts.checked.add(key.pk);
    count(checked);
    await postpone(table, key, lookAfter(claim, now()));
  }

  /** The mark stands for a person, until there is nothing left to decide. */
  async function lookAtPaidTwice(key: OpenKey, id: string): Promise<void> {
    const claim = claimOfMark(id);
    if (await staysPaidTwice(table, claim)) await postpone(table, key, now() + WATCHED_INTERVAL_MS);
    else await endPaidTwice(table, key);
  }

  function count(checked: Exclude<Checked, 'unanswered'>): void {
    if (checked === 'flagged') counts.flagged++;
    if (checked === 'unresolved') counts.unresolved++;
  }

  /** Nobody knows yet what became of money that was asked for or moved. */
  function warnOfAge({ pk }: OpenKey, since: number): void {
    if (now() - since < LONG_MS) return;
    logger.warn('outcome still unknown', { metric: 'OutcomeUnknownForLong', pk });
  }

  /** It must not stand in the way of what can be asked about. */
  async function fail(key: OpenKey, why: object, again: number | undefined): Promise<void> {
    counts.failed++;
    logger.warn('not looked at', { metric: 'ReconcileFailed', pk: key.pk, ...why });
    await postpone(table, key, again).catch(() => {});
  }
}

/** What is due in the span in all shards, some of each at a time, the oldest of them first. */
async function* roundsOfDue(index: OpenIndex, span: DueSpan): AsyncGenerator<OpenKey[]> {
  let shards = Array.from({ length: OPEN_SHARDS }, (_, shard) => ({
    shard,
    from: undefined as Cursor | undefined,
  }));
  while (shards.length > 0) {
    const pages = await Promise.all(
      shards.map(async ({ shard, from }) => ({
        shard,
        page: await index.due(shard, span, SHARD_PAGE, from),
      })),
    );
    const keys = pages.flatMap(({ page }) => page.keys);
    if (keys.length > 0) yield keys.sort((a, b) => a.dueAt - b.dueAt);
    shards = pages.flatMap(({ shard, page }) => (page.next ? [{ shard, from: page.next }] : []));
  }
}
