import { type Claim, type ClaimedRequest, isAsMuch } from '../payment/claim.ts';
import { optional } from '../payment/payment.ts';
import { endedInVain, meansMoney } from '../payment/state.ts';
import type { GatewayClient } from '../paytech/client.ts';
import type { GatewayPayment } from '../paytech/wire.ts';
import { type Listed, referencesOf } from './look-up.ts';
import { MAX_PARENTS, parentAtPaytech } from './parents.ts';

/*
 * Whose a payment is that paytech lists under the references of an order and that is not in its claim. For the order
 * counts what paytech made of one of its payments by cascading, perhaps by several steps, whatever was paid, and what
 * was made elsewhere for as much. The list need not say any of it: then GET is asked.
 */

/**
 * - `unknown`: paytech could not be asked; it may be the order's.
 * - `untold`: it may be the order's, and paytech does not say so much as how much it is, or under which reference: a
 *   person decides.
 */
export type Whose = 'order' | 'other' | 'unknown' | 'untold';

/** An order of which another attempt would be sent, and what paytech lists for it. */
export interface Order {
  claim: Claim;
  asked: ClaimedRequest;
  unattended?: true | undefined;
  /** Its payments of which others are cascades. */
  ids: readonly string[];
  /** Its payments of which others are cycles. */
  cycles: readonly string[];
  /** All that is listed under its references, also what has ended. */
  listed: readonly Listed[];
}

export interface WhoseIsDependencies {
  gateway: Pick<GatewayClient, 'get'>;
  /** Epoch milliseconds. */
  now: () => number;
}

/** Answers by `until`, in epoch milliseconds. */
export function whoseIs({ gateway, now }: WhoseIsDependencies, order: Order, until: number) {
  const { asked, unattended, ids, cycles } = order;
  const all = new Map(order.listed.map((each) => [each.id, each]));
  const references = referencesOf(order.claim);

  return async function whose(listed: Listed): Promise<Whose> {
    const isPaid = meansMoney(listed.facts.state);
    // An open payment that is not waited for, the customer at least sees beside the next.
    const isUrgent = isPaid || unattended === true;
    if (listed.unsure) {
      const isPossible = ids.includes(listed.parentPaymentId ?? '') || isAsMuchAs(listed, asked);
      if (!isPossible || !isUrgent) return 'other';
      if (listed.unsure === 'unasked') return unattended ? 'unknown' : 'other';
      return listed.unsure === 'untold' ? 'untold' : 'unknown';
    }
    const isTold = isMoneyTold(listed);
    const mayBeAsMuch = isTold && isAsMuchAs(listed, asked);
    if (mayBeAsMuch && cycles.length === 0) return 'order';
    const isWhole = isTold && listed.parentPaymentId !== undefined;
    const answer = isWhole ? listed : await ask(listed.id);
    const otherwise = (why: 'unknown' | 'untold'): Whose =>
      mayBeAsMuch ? 'order' : isUrgent ? why : 'other';
    if (answer === 'unanswered') return otherwise('unknown');
    if (!answer) return otherwise('untold');
    const whole = { ...listed, ...answer, facts: { ...listed.facts, ...answer.facts } };
    if (endedInVain(whole.facts.state)) return 'other';
    switch (await whatItIs(whole)) {
      case 'cascade':
        return 'order';
      case 'cycle':
        return 'other';
      case 'unanswered':
        return otherwise('unknown');
      case undefined:
        if (!isMoneyTold(whole)) return isUrgent ? 'untold' : 'other';
        return isAsMuchAs(whole, asked) ? 'order' : 'other';
    }
  };

  /** What the payment is of one of the order's, whose steps in between may have ended and be unknown here. */
  async function whatItIs({
    parentPaymentId,
  }: GatewayPayment): Promise<'cascade' | 'cycle' | 'unanswered' | undefined> {
    let id = parentPaymentId;
    for (let step = 0; id !== undefined && step < MAX_PARENTS; step++) {
      if (ids.includes(id)) return 'cascade';
      if (cycles.includes(id)) return 'cycle';
      const listed = all.get(id);
      const parent = listed?.parentPaymentId === undefined ? await ask(id) : listed;
      if (parent === 'unanswered') return 'unanswered';
      const { referenceId = '' } = { ...listed, ...parent };
      // An attempt of the order that has yet to be written into its claim.
      if (parent && references.includes(referenceId) && isMoneyTold(parent) && isAsMuchAs(parent, asked))
        return 'cascade';
      id = parent?.parentPaymentId;
    }
    return undefined;
  }

  /** Undefined where paytech will not show it, however often it is asked. */
  async function ask(id: string): Promise<GatewayPayment | undefined | 'unanswered'> {
    const limitMs = until - now();
    if (limitMs <= 0) return 'unanswered';
    return parentAtPaytech(gateway, id, limitMs).catch(() => 'unanswered' as const);
  }
}

/** Whether it is stated how much was asked for or is paid. */
function isMoneyTold({ customerAmount, customerCurrency, facts }: GatewayPayment): boolean {
  return Boolean(facts.amount ?? customerAmount) && (facts.currency ?? customerCurrency) !== undefined;
}

/** Whether as much was asked for, or is paid where that is not stated; what is not stated at all may be as much. */
function isAsMuchAs(
  { customerAmount, customerCurrency, facts }: GatewayPayment,
  asked: ClaimedRequest,
): boolean {
  const amount = facts.amount ?? customerAmount;
  const currency = facts.currency ?? customerCurrency;
  if (!amount || currency === undefined) return true;
  const requested = {
    ...optional('requestedAmount', customerAmount),
    ...optional('requestedCurrency', customerCurrency),
  };
  return isAsMuch({ amount, currency, ...requested }, asked);
}
