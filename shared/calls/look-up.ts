import { type Claim, TYPE_OF_KIND } from '../payment/claim.ts';
import type { FoundPayment } from '../payment/found-payment.ts';
import { optional, type PaymentRecord } from '../payment/payment.ts';
import { gatewayReference } from '../payment/reference.ts';
import type { GatewayClient } from '../paytech/client.ts';
import { SHORT_ASK_LIMIT_MS } from '../paytech/time-limits.ts';
import type { GatewayPayment } from '../paytech/wire.ts';
import { DAY_MS, HOUR_MS } from '../runtime/time.ts';
import { readPayment } from '../store/payments.ts';
import type { Table } from '../store/table.ts';

/** paytech's clock and ours may differ; a look-up starts this long before the attempt was sent. */
const CLOCK_MARGIN_MS = HOUR_MS;

/**
 * A payment that paytech lists for a reference. The list may ignore what it is asked for, and need not state reference
 * and type: `unsure` where our record does not have them either, so that it may be ours:
 * - `untold`: GET does not state them either, however often it is asked.
 * - `unanswered`: GET did not answer.
 * - `unasked`: there are too many of them.
 */
export type Listed = GatewayPayment & { unsure?: 'untold' | 'unanswered' | 'unasked' };

export interface LookUpDependencies {
  table: Table;
  gateway: Pick<GatewayClient, 'get' | 'list'>;
}

/** The payments that paytech has under the reference of the claim's attempt; undefined when it could not say. */
export async function lookUpAttempt(deps: LookUpDependencies, claim: Claim): Promise<Listed[] | undefined> {
  const referenceId = gatewayReference(claim.referenceId, claim.attempt);
  const createdFrom = new Date(claim.sentAt - CLOCK_MARGIN_MS);
  const answer = await deps.gateway.list({ createdFrom, referenceId }, SHORT_ASK_LIMIT_MS);
  if (answer.kind !== 'answered') return undefined;
  return underReferences(deps, claim, [referenceId], answer.result.payments);
}

/** So many entries are asked about by themselves; of more, all the others are unsure. */
const MAX_ASKED = 10;
const ASK_LIMIT_MS = 1_000;

/** Those that are, or may be, under one of the references. */
async function underReferences(
  { table, gateway }: LookUpDependencies,
  { kind, referenceId }: Claim,
  references: readonly string[],
  listed: readonly GatewayPayment[],
): Promise<Listed[]> {
  const isStated = (each: GatewayPayment) => each.referenceId !== undefined && each.paymentType !== undefined;
  const isPossible = (each: GatewayPayment) =>
    references.includes(each.referenceId ?? references[0]!) &&
    (each.paymentType ?? TYPE_OF_KIND[kind]) === TYPE_OF_KIND[kind];
  const unstated = listed.filter((each) => isPossible(each) && !isStated(each));
  const found = new Map<string, Listed>();
  for (const each of listed) if (isPossible(each)) found.set(each.id, each);
  const asked = unstated.slice(0, MAX_ASKED);
  for (const { id } of unstated.slice(MAX_ASKED)) found.set(id, { ...found.get(id)!, unsure: 'unasked' });
  await Promise.all(
    asked.map(async (each) => {
      const whole = await completed(each);
      if (isPossible(whole)) found.set(each.id, whole);
      else found.delete(each.id);
    }),
  );
  return [...found.values()];

  async function completed(each: GatewayPayment): Promise<Listed> {
    const record = await readPayment(table, each.id);
    const known: GatewayPayment = record ? { ...each, ...asListed(record) } : each;
    if (isStated(known)) return known;
    const answer = await gateway.get(each.id, ASK_LIMIT_MS);
    if (answer.kind !== 'answered' || answer.result.id !== each.id) return { ...known, unsure: 'unanswered' };
    const whole = { ...known, ...answer.result };
    return isStated(whole) ? whole : { ...whole, unsure: 'untold' };
  }

  /** A record has the merchant's id; under which attempt's reference does not matter here. */
  function asListed({ paymentType, referenceId: recorded }: PaymentRecord) {
    const isOurs = recorded === referenceId;
    return { paymentType, ...optional('referenceId', isOurs ? references[0] : recorded) };
  }
}

/** Under what the claim's attempts went out, the first first. */
export function referencesOf({ referenceId, attempt }: Claim): string[] {
  return Array.from({ length: attempt }, (_, index) => gatewayReference(referenceId, index + 1));
}

/** How far before the last attempt the first of a claim is looked for, in milliseconds. */
const ALL_ATTEMPTS_MS = 30 * DAY_MS;

/** What paytech lists under any of a claim's references, asked side by side; undefined when one was not answered. */
export async function lookUpReferences(
  deps: LookUpDependencies,
  claim: Claim,
  limitMs: number,
): Promise<Listed[] | undefined> {
  const createdFrom = new Date(claim.sentAt - ALL_ATTEMPTS_MS);
  const references = referencesOf(claim);
  const answers = await Promise.all(
    references.map((referenceId) => deps.gateway.list({ createdFrom, referenceId }, limitMs)),
  );
  const found = new Map<string, GatewayPayment>();
  for (const answer of answers) {
    if (answer.kind !== 'answered') return undefined;
    for (const each of answer.result.payments) found.set(each.id, each);
  }
  return underReferences(deps, claim, references, [...found.values()]);
}

/** A payment as it was asked for, which is what a claim can be compared with. */
export function asFound({
  id,
  paymentType,
  parentPaymentId,
  customerAmount,
  customerCurrency,
  facts,
  unsure,
}: Listed): FoundPayment {
  const amount = customerAmount ?? facts.amount;
  const currency = customerCurrency ?? facts.currency;
  return {
    id,
    ...optional('paymentType', paymentType),
    ...optional('parentPaymentId', parentPaymentId),
    requested: { ...optional('amount', amount), ...optional('currency', currency) },
    ...(unsure ? { unsure: true } : {}),
    state: facts.state,
  };
}
