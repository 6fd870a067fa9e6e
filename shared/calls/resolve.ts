import { type Claim, type ClaimKind, paymentsOf, type Resolution, TYPE_OF_KIND } from '../payment/claim.ts';
import { misfitOf } from '../payment/found-payment.ts';
import { optional, type PaymentRecord } from '../payment/payment.ts';
import type { GatewayClient } from '../paytech/client.ts';
import { SHORT_ASK_LIMIT_MS } from '../paytech/time-limits.ts';
import type { GatewayPayment } from '../paytech/wire.ts';
import type { Logger } from '../runtime/logger.ts';
import { readClaim, saveClaim } from '../store/claims.ts';
import { type CompleteClaimDependencies, completeClaim } from './complete-claim.ts';
import { asFound, type Listed, lookUpReferences, referencesOf } from './look-up.ts';
import { queueFound } from './observe.ts';
import { reserveFor } from './reserve.ts';

/*
 * The exit of a flagged claim. A person says whether the attempt was sent; paytech is asked once more, and nothing is
 * let go of that the person has not been shown and denied by its id.
 *
 * | the person says  | known under the references      | what happens                                       |
 * |------------------|---------------------------------|----------------------------------------------------|
 * | sent, paymentId  | that payment, of this kind      | adopted, whatever was asked or paid                |
 * | sent, paymentId  | not that payment                | mismatch                                           |
 * | sent             | one that fits                   | adopted                                            |
 * | sent             | none or several that fit        | mismatch                                           |
 * | not-sent         | one that was not denied         | must-name, with the ids                            |
 * | not-sent         | none, or all were denied        | released as attempt n + 1, a refund's money back   |
 * | sent, paymentId  | GET names it, the list is down  | adopted                                            |
 * | any              | no answer                       | unavailable, the claim stays flagged               |
 *
 * Known is what the claim has, with which every record is, and what the list has under each of its references.
 */

export interface ResolveClaimDependencies extends CompleteClaimDependencies {
  gateway: Pick<GatewayClient, 'get' | 'list'>;
  logger: Pick<Logger, 'warn' | 'error'>;
}

export interface Decision {
  kind: ClaimKind;
  referenceId: string;
  outcome: 'sent' | 'not-sent';
  /** Which payment it is, where paytech has several or one that differs. */
  paymentId?: string;
  /** The payments that the person has looked at and that are not what was asked for. */
  notPaymentIds: readonly string[];
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
  | { is: 'must-name'; paymentIds: string[] }
  | { is: 'unavailable' };

export function resolveClaim(deps: ResolveClaimDependencies) {
  const { table, gateway, now, logger } = deps;

  return async function resolve(decision: Decision): Promise<ResolveResult> {
    const claim = await readClaim(table, decision.kind, decision.referenceId);
    if (!claim) return { is: 'not-found' };
    if (claim.stage !== 'flagged') return { is: 'not-flagged' };
    const ours = await lookUpReferences(deps, claim, SHORT_ASK_LIMIT_MS);
    if (decision.paymentId !== undefined) return adoptNamed(decision, claim, decision.paymentId, ours);
    if (!ours) return { is: 'unavailable' };
    if (decision.outcome === 'not-sent') {
      const denied = [...(claim.deniedPaymentIds ?? []), ...decision.notPaymentIds];
      const known = new Set([...paymentsOf(claim), ...ours.map(({ id }) => id)]);
      const unnamed = [...known].filter((id) => !denied.includes(id));
      return unnamed.length > 0
        ? { is: 'must-name', paymentIds: unnamed }
        : release(decision, { ...claim, deniedPaymentIds: [...new Set(denied)] });
    }
    // What the claim has already is not what it is flagged for.
    const isNew = (payment: Listed) => !payment.unsure && !paymentsOf(claim).includes(payment.id);
    const fitting = ours.filter((payment) => isNew(payment) && !misfitOf(claim, asFound(payment)));
    const [only, another] = fitting;
    if (another) {
      return mismatch(`paytech has ${fitting.length} payments that fit; name one as paymentId`);
    }
    if (only) return adopt(decision, claim, only, fitting);
    return mismatch(
      'paytech has no payment under this reference that fits; name the one that it is as paymentId',
    );
  };

  /** Any payment of the kind that GET or the list names under a reference of the claim: optional fields may differ. */
  async function adoptNamed(
    decision: Decision,
    claim: Claim,
    paymentId: string,
    listed: Listed[] | undefined,
  ): Promise<ResolveResult> {
    const answer = await gateway.get(paymentId, SHORT_ASK_LIMIT_MS);
    if (answer.kind === 'not-accepted' && answer.status === 404)
      return mismatch('paytech has no such payment');
    const entry = listed?.find(({ id }) => id === paymentId);
    const sureEntry = entry?.unsure ? undefined : entry;
    const payment = answer.kind === 'answered' ? answer.result : sureEntry;
    if (!payment) return { is: 'unavailable' };
    const { paymentType = TYPE_OF_KIND[claim.kind], referenceId } = payment;
    if (paymentType !== TYPE_OF_KIND[claim.kind]) return mismatch('the payment has another payment type');
    const isListed = entry !== undefined || paymentsOf(claim).includes(paymentId);
    const isNamed = referenceId !== undefined && referencesOf(claim).includes(referenceId);
    const sure = (listed ?? []).filter((each) => !each.unsure);
    const named = { ...optional('referenceId', entry?.referenceId), ...payment };
    if (isListed || isNamed) return adopt(decision, claim, named, sure);
    if (!listed && referenceId === undefined) return { is: 'unavailable' };
    return mismatch('the payment has another reference');
  }

  async function adopt(
    decision: Decision,
    claim: Claim,
    payment: GatewayPayment,
    others: GatewayPayment[],
  ): Promise<ResolveResult> {
    const decided = { ...claim, owner: decision.owner, resolutions: resolutionsOf(decision, claim) };
    const { caller, reason } = decision;
    // Whose the others are is judged as of any payment that turns up.
    const known = [...paymentsOf(claim), payment.id];
    for (const other of others) if (!known.includes(other.id)) await queueFound(deps, other);
    // Where somebody let go of it at the same time, it is in the claim all the same, and nothing is sent again.
    const { record } = await completeClaim(deps, decided, payment, { caller, reason });
    note(decision, 'adopted', payment.id);
    return { is: 'adopted', record };
  }

  /** The next attempt goes out under a reference of its own, should this one be found after all. */
  async function release(decision: Decision, claim: Claim): Promise<ResolveResult> {
    const isBack = (await reserveFor(table, claim.kind)?.giveBack(claim)) ?? true;
    if (!isBack) return mismatch('the payment has just turned up');
    const { flag: _, firstLookUpAt: __, lastLookUpAt: ___, limited: ____, ...rest } = claim;
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
