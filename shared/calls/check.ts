import { type Claim, movesByItself } from '../payment/claim.ts';
import { judgeLookUp } from '../payment/found-payment.ts';
import { optional, type PaymentRecord } from '../payment/payment.ts';
import type { GatewayClient } from '../paytech/client.ts';
import { SHORT_ASK_LIMIT_MS } from '../paytech/time-limits.ts';
import type { GatewayPayment } from '../paytech/wire.ts';
import type { Logger } from '../runtime/logger.ts';
import { readClaim, type SavedClaim, saveClaim } from '../store/claims.ts';
import { readPayment } from '../store/payments.ts';
import type { Table } from '../store/table.ts';
import { type CompleteClaimDependencies, completeClaim } from './complete-claim.ts';
import { asFound, lookUpAttempt } from './look-up.ts';
import { queueFound } from './observe.ts';
import { reserveFor } from './reserve.ts';
import { standFlagged } from './stand.ts';

/*
 * What became of an attempt whose outcome is unknown. Asked by the next caller of the claim, who may send it
 * again, and by reconcile, which never sends anything.
 */

export interface CheckClaimDependencies extends CompleteClaimDependencies {
  gateway: Pick<GatewayClient, 'get' | 'list'>;
  logger: Pick<Logger, 'info' | 'warn' | 'error'>;
}

/** What a look at paytech means for the claim; all but the release is written already. Waits are in seconds. */
export type LookedUp =
  | { is: 'adopted'; record: PaymentRecord; claim: Claim }
  | { is: 'flagged'; saved: SavedClaim }
  /**
   * Nothing was made under this attempt: whoever sends, sends the next one. The claim of money that goes out is
   * released with that, and what was set aside is back; that of a deposit is as it was.
   */
  | { is: 'not-made'; claim: Claim | undefined }
  | { is: 'undecided'; saved: SavedClaim; seconds: number }
  /** paytech could not be asked. */
  | { is: 'unanswered' };

/** Asks paytech what became of the attempt, and adopts or flags it, or notes that it was looked for. */
export async function lookUpClaim(deps: CheckClaimDependencies, claim: Claim): Promise<LookedUp> {
  const { table, now, logger } = deps;
  const startedAt = now();
  const found = await lookUpAttempt(deps, claim);
  if (!found) return unanswered(deps, claim);
  const verdict = judgeLookUp(claim, found.map(asFound), startedAt);
  const named = { referenceId: claim.referenceId, attempt: claim.attempt };
  // Only a person takes a flag away, unless the very payment that was missed is found.
  const staysFlagged = claim.stage === 'flagged' && verdict.do !== 'adopt';
  if (staysFlagged) return { is: 'flagged', saved: { saved: true, claim } };
  switch (verdict.do) {
    case 'adopt': {
      const listed = found.find(({ id }) => id === verdict.paymentId)!;
      const payment = await withRedirectUrl(deps, claim, listed);
      if (!payment) return unanswered(deps, claim);
      for (const other of found.filter(({ id }) => verdict.others.includes(id))) {
        await queueFound(deps, other);
      }
      logger.info('payment adopted', { metric: 'OutcomeAdopted', ...named, paymentId: payment.id });
      const by = optional('caller', claim.caller);
      return { is: 'adopted', ...(await completeClaim(deps, claim, payment, by)) };
    }
    case 'flag': {
      const saved = await saveClaim(table, claim, { ...claim, stage: 'flagged', flag: verdict.reason });
      if (saved.saved) await standFlagged(deps, saved.claim);
      return { is: 'flagged', saved };
    }
    case 'release':
      logger.warn('attempt released', { metric: 'AttemptReleased', ...named });
      return { is: 'not-made', claim: claim.kind === 'deposit' ? claim : await releaseAttempt(table, claim) };
    case 'wait': {
      const saved = await saveClaim(table, claim, {
        ...claim,
        stage: 'unknown',
        firstLookUpAt: claim.firstLookUpAt ?? startedAt,
        lastLookUpAt: startedAt,
      });
      return { is: 'undecided', saved, seconds: verdict.seconds };
    }
    default:
      return verdict satisfies never;
  }
}

/** What nobody looked after is looked after from now on: its caller has come back, and was told nothing. */
async function unanswered({ table }: CheckClaimDependencies, claim: Claim): Promise<LookedUp> {
  if (claim.stage === 'sent' && !movesByItself(claim))
    await saveClaim(table, claim, { ...claim, stage: 'unknown' });
  return { is: 'unanswered' };
}

/** The list need not say where the customer pays; without it an open deposit is of use to nobody. */
async function withRedirectUrl(
  { gateway }: CheckClaimDependencies,
  { kind }: Claim,
  payment: GatewayPayment,
): Promise<GatewayPayment | undefined> {
  if (kind !== 'deposit' || payment.redirectUrl || payment.facts.state !== 'CHECKOUT') return payment;
  const answer = await gateway.get(payment.id, SHORT_ASK_LIMIT_MS);
  return answer.kind === 'answered' ? { ...payment, ...answer.result } : undefined;
}

/** What was set aside is back before anybody may send the next attempt. */
async function releaseAttempt(table: Table, claim: Claim): Promise<Claim | undefined> {
  if (!((await reserveFor(table, claim.kind)?.giveBack(claim)) ?? true)) {
    return readClaim(table, claim.kind, claim.referenceId);
  }
  const { flag: _, firstLookUpAt: __, lastLookUpAt: ___, limited: ____, ...rest } = claim;
  return (await saveClaim(table, claim, { ...rest, stage: 'released', attempt: claim.attempt + 1 })).claim;
}

/**
 * How an open claim stands after a look:
 * - `closed`: it is known what became of the attempt, and the claim is no longer open.
 * - `unresolved`: not yet.
 * - `flagged`: a person has to decide.
 * - `unanswered`: paytech could not be asked.
 */
export type Checked = 'closed' | 'unresolved' | 'flagged' | 'unanswered';

/** Looks after an open claim to which no caller comes back. Never sends anything. */
export function checkClaim(deps: CheckClaimDependencies) {
  const { table, now } = deps;

  return async (claim: Claim): Promise<Checked> => {
    const isUnderWay = (claim.stage === 'sent' || claim.stage === 'reserving') && now() < claim.leaseUntil;
    if (isUnderWay) return 'unresolved';
    switch (claim.stage) {
      case 'known':
      case 'released':
        return 'closed';
      case 'reserving':
        return unreserve(claim);
      case 'sent':
      case 'unknown':
      case 'flagged':
        return look(claim);
      default:
        return claim.stage satisfies never;
    }
  };

  async function look(claim: Claim): Promise<Checked> {
    const looked = await lookUpClaim(deps, claim);
    switch (looked.is) {
      case 'adopted':
        return 'closed';
      case 'not-made':
        if (claim.kind === 'deposit') await releaseAttempt(table, claim);
        return 'closed';
      case 'flagged':
        return 'flagged';
      case 'undecided':
        return 'unresolved';
      case 'unanswered':
        return 'unanswered';
      default:
        return looked satisfies never;
    }
  }

  /** Its owner died before it was sent, or before what was set aside was given back. */
  async function unreserve(claim: Claim): Promise<Checked> {
    if (await reserveFor(table, claim.kind)?.giveBack(claim)) {
      await saveClaim(table, claim, { ...claim, stage: 'released' });
      return 'closed';
    }
    const parent = await readPayment(table, claim.request.parentPaymentId ?? '');
    const paymentId = parent?.refunds?.get(claim.referenceId)?.paymentId;
    if (!paymentId) return 'unresolved';
    await saveClaim(table, claim, { ...claim, stage: 'known', paymentId });
    return 'closed';
  }
}
