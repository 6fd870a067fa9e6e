import type { Logger } from '@aws-lambda-powertools/logger';
import { type Claim, type ClaimKind, misfitOf, type Resolution } from '../payment/claim.ts';
import { optional, type PaymentRecord } from '../payment/payment.ts';
import { gatewayReference } from '../payment/reference.ts';
import type { GatewayClient } from '../paytech/client.ts';
import type { GatewayPayment } from '../paytech/wire.ts';
import { readClaim, saveClaim } from '../store/claims.ts';
import { asFound, LOOK_UP_LIMIT_MS, lookUpAttempt } from './look-up.ts';
import { reserveFor } from './reserve.ts';
import { type Settling, settleClaim } from './settle.ts';

/*
 * The exit of a flagged claim. A person says whether the attempt was sent; paytech is asked once more, and what it
 * has goes before what the person says: a payment that fits is never let go of, and none is adopted that does not.
 *
 * | the person says  | paytech has under the reference | what happens                                       |
 * |------------------|---------------------------------|----------------------------------------------------|
 * | sent, paymentId  | that payment, and it fits       | adopted                                            |
 * | sent, paymentId  | that payment, and it does not   | mismatch                                           |
 * | sent             | one that fits                   | adopted                                            |
 * | sent             | none or several that fit        | mismatch                                           |
 * | not-sent         | one that fits                   | adopted all the same                               |
 * | not-sent         | several that fit                | mismatch                                           |
 * | not-sent         | none that fits                  | released as attempt n + 1, a refund's money back   |
 * | any              | no answer                       | unavailable, the claim stays flagged               |
 */

export interface Dependencies extends Settling {
  gateway: Pick<GatewayClient, 'get' | 'list'>;
  logger: Pick<Logger, 'warn'>;
}

export interface Decision {
  kind: ClaimKind;
  referenceId: string;
  outcome: 'sent' | 'not-sent';
  /** Which payment it is, where paytech has several. */
  paymentId?: string;
  reason: string;
  /** Who decides. */
  caller: string;
  /** Unique to this request. */
  owner: string;
}

export type ResolveResult =
  | { is: 'adopted'; record: PaymentRecord }
  | { is: 'released' }
  | { is: 'not-found' }
  | { is: 'not-flagged' }
  | { is: 'mismatch'; because: string }
  | { is: 'unavailable' };

export function resolveClaim(deps: Dependencies) {
  const { table, gateway, now, logger } = deps;

  return async function resolve(decision: Decision): Promise<ResolveResult> {
    const claim = await readClaim(table, decision.kind, decision.referenceId);
    if (!claim) return { is: 'not-found' };
    if (claim.stage !== 'flagged') return { is: 'not-flagged' };
    const found = await lookUpAttempt(gateway, claim);
    if (!found) return { is: 'unavailable' };
    const fitting = found.filter((payment) => !misfitOf(claim, asFound(payment)));

    if (decision.paymentId !== undefined) return adoptNamed(decision, claim, decision.paymentId, fitting);
    const [only, another] = fitting;
    if (another) {
      return mismatch(`paytech has ${fitting.length} payments that fit; name one as paymentId`);
    }
    if (only) return adopt(decision, claim, only, fitting);
    if (decision.outcome === 'sent') {
      return mismatch('paytech has no payment under this reference that fits');
    }
    return release(decision, claim);
  };

  async function adoptNamed(
    decision: Decision,
    claim: Claim,
    paymentId: string,
    fitting: GatewayPayment[],
  ): Promise<ResolveResult> {
    const answer = await gateway.get(paymentId, LOOK_UP_LIMIT_MS);
    if (answer.kind === 'not-accepted' && answer.status === 404)
      return mismatch('paytech has no such payment');
    if (answer.kind !== 'answered') return { is: 'unavailable' };
    const payment = answer.result;
    const hasReference = payment.referenceId === gatewayReference(claim.referenceId, claim.attempt);
    const misfit = hasReference ? misfitOf(claim, asFound(payment)) : 'reference';
    return misfit ? mismatch(`the payment has another ${misfit}`) : adopt(decision, claim, payment, fitting);
  }

  async function adopt(
    decision: Decision,
    claim: Claim,
    payment: GatewayPayment,
    fitting: GatewayPayment[],
  ): Promise<ResolveResult> {
    const others = fitting.map(({ id }) => id).filter((id) => id !== payment.id);
    const decided = {
      ...claim,
      owner: decision.owner,
      earlierPaymentIds: [...new Set([...claim.earlierPaymentIds, ...others])],
      resolutions: resolutionsOf(decision, claim),
    };
    const { caller, reason } = decision;
    const { record, saved } = await settleClaim(deps, decided, payment, { caller, reason });
    // Somebody let go of it at the same time: it must not be sent again.
    if (!saved.saved && saved.claim?.stage === 'released') return adopt(decision, saved.claim, payment, []);
    if (!saved.saved) return { is: 'not-flagged' };
    note(decision, 'adopted', payment.id);
    return { is: 'adopted', record };
  }

  /** The next attempt goes out under a reference of its own, should this one turn up after all. */
  async function release(decision: Decision, claim: Claim): Promise<ResolveResult> {
    const isBack = (await reserveFor(table, claim.kind)?.giveBack(claim)) ?? true;
    if (!isBack) return mismatch('the payment has just turned up');
    const { flag: _, firstLookUpAt: __, lastLookUpAt: ___, ...rest } = claim;
    const { saved } = await saveClaim(table, claim, {
      ...rest,
      owner: decision.owner,
      stage: 'released',
      attempt: claim.attempt + 1,
      resolutions: resolutionsOf(decision, claim),
    });
    if (!saved) return { is: 'not-flagged' };
    note(decision, 'released');
    return { is: 'released' };
  }

  function resolutionsOf({ caller, outcome, reason }: Decision, claim: Claim): Resolution[] {
    const at = new Date(now()).toISOString();
    return [...(claim.resolutions ?? []), { at, caller, outcome, reason, ...optional('flag', claim.flag) }];
  }

  function note({ kind, referenceId, caller }: Decision, became: string, paymentId?: string): void {
    logger.warn('flagged claim resolved', {
      metric: 'ClaimResolved',
      kind,
      referenceId,
      caller,
      became,
      ...optional('paymentId', paymentId),
    });
  }
}

function mismatch(because: string): ResolveResult {
  return { is: 'mismatch', because };
}
