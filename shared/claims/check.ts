import type { Logger } from '@aws-lambda-powertools/logger';
import { type Claim, judgeLookUp } from '../payment/claim.ts';
import { optional, type PaymentRecord } from '../payment/payment.ts';
import type { GatewayClient } from '../paytech/client.ts';
import { type SavedClaim, saveClaim } from '../store/claims.ts';
import { readPayment } from '../store/payments.ts';
import { asFound, lookUpAttempt } from './look-up.ts';
import { reserveFor } from './reserve.ts';
import { type Settling, settleClaim } from './settle.ts';

/*
 * What became of an attempt that nobody heard the end of. Asked by the next caller of the claim, who may send it
 * again, and by reconcile, which never sends anything.
 */

export interface Dependencies extends Settling {
  gateway: Pick<GatewayClient, 'list'>;
  logger: Pick<Logger, 'info' | 'warn' | 'error'>;
}

/** What a look at paytech means for the claim; all but the release is written already. Waits are in seconds. */
export type LookedUp =
  | { is: 'adopted'; record: PaymentRecord }
  | { is: 'flagged'; saved: SavedClaim }
  /** Nothing was made under this attempt: whoever sends, sends the next one. */
  | { is: 'not-made' }
  | { is: 'undecided'; saved: SavedClaim; seconds: number }
  /** paytech could not be asked. */
  | { is: 'unanswered' };

/** Asks paytech what became of the attempt, and adopts or flags it, or notes that it was looked for. */
export async function lookUpClaim(deps: Dependencies, claim: Claim): Promise<LookedUp> {
  const { table, gateway, now, logger } = deps;
  const startedAt = now();
  const found = await lookUpAttempt(gateway, claim);
  if (!found) return { is: 'unanswered' };
  const verdict = judgeLookUp(claim, found.map(asFound), startedAt);
  const named = { referenceId: claim.referenceId, attempt: claim.attempt };
  // Only a person takes a flag away, unless the very payment that was missed turns up.
  const staysFlagged = claim.stage === 'flagged' && verdict.do !== 'adopt';
  if (staysFlagged) return { is: 'flagged', saved: { saved: true, claim } };
  switch (verdict.do) {
    case 'adopt': {
      const payment = found.find(({ id }) => id === verdict.paymentId)!;
      logger.info('payment adopted', { metric: 'OutcomeAdopted', ...named, paymentId: payment.id });
      const by = optional('caller', claim.caller);
      return { is: 'adopted', record: (await settleClaim(deps, claim, payment, by)).record };
    }
    case 'flag': {
      logger.error('claim flagged', { metric: 'ClaimFlagged', ...named, reason: verdict.reason });
      const saved = await saveClaim(table, claim, { ...claim, stage: 'flagged', flag: verdict.reason });
      return { is: 'flagged', saved };
    }
    case 'release':
      logger.warn('attempt released', { metric: 'AttemptReleased', ...named });
      return { is: 'not-made' };
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

/**
 * How an open claim stands after a look:
 * - `settled`: it is known what became of the attempt, and the claim is no longer open.
 * - `unresolved`: not yet.
 * - `flagged`: a person has to decide.
 * - `unanswered`: paytech could not be asked.
 */
export type Checked = 'settled' | 'unresolved' | 'flagged' | 'unanswered';

/** Looks after an open claim to which no caller comes back. Never sends anything. */
export function checkClaim(deps: Dependencies) {
  const { table, now } = deps;

  return async (claim: Claim): Promise<Checked> => {
    const isUnderWay = (claim.stage === 'sent' || claim.stage === 'reserving') && now() < claim.leaseUntil;
    if (isUnderWay) return 'unresolved';
    switch (claim.stage) {
      case 'known':
      case 'released':
        return 'settled';
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
        return 'settled';
      case 'not-made': {
        const { flag: _, firstLookUpAt: __, lastLookUpAt: ___, ...rest } = claim;
        await saveClaim(table, claim, { ...rest, stage: 'released', attempt: claim.attempt + 1 });
        return 'settled';
      }
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
      return 'settled';
    }
    const parent = await readPayment(table, claim.request.parentPaymentId ?? '');
    const paymentId = parent?.refunds?.get(claim.referenceId)?.paymentId;
    if (!paymentId) return 'unresolved';
    await saveClaim(table, claim, { ...claim, stage: 'known', paymentId });
    return 'settled';
  }
}
