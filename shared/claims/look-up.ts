import type { Claim, FoundPayment } from '../payment/claim.ts';
import { optional } from '../payment/payment.ts';
import { gatewayReference } from '../payment/reference.ts';
import type { GatewayClient } from '../paytech/client.ts';
import type { GatewayPayment } from '../paytech/wire.ts';
import { DAY_MS, HOUR_MS } from '../runtime/time.ts';

/** A look-up is short, so that it fits behind a call that took all its time. */
export const LOOK_UP_LIMIT_MS = 2_500;

/** paytech's clock and ours may differ; a look-up starts this long before the attempt was sent. */
const CLOCK_MARGIN_MS = HOUR_MS;

/** The payments that paytech has under the reference of the claim's attempt; undefined when it could not say. */
export async function lookUpAttempt(
  gateway: Pick<GatewayClient, 'list'>,
  claim: Claim,
): Promise<GatewayPayment[] | undefined> {
  const referenceId = gatewayReference(claim.referenceId, claim.attempt);
  const createdFrom = new Date(claim.sentAt - CLOCK_MARGIN_MS);
  const answer = await gateway.list({ createdFrom, referenceId }, LOOK_UP_LIMIT_MS);
  if (answer.kind !== 'answered') return undefined;
  return answer.result.payments.filter((payment) => payment.referenceId === referenceId);
}

/** Under what the claim's attempts went out, the first first. */
export function referencesOf({ referenceId, attempt }: Claim): string[] {
  return Array.from({ length: attempt }, (_, index) => gatewayReference(referenceId, index + 1));
}

/** How far before the last attempt the first of a claim is looked for, in milliseconds. */
const ALL_ATTEMPTS_MS = 30 * DAY_MS;

/** What paytech lists under any of a claim's references, asked side by side; undefined when one was not answered. */
export async function lookUpReferences(
  gateway: Pick<GatewayClient, 'list'>,
  claim: Claim,
  limitMs: number,
): Promise<GatewayPayment[] | undefined> {
  const createdFrom = new Date(claim.sentAt - ALL_ATTEMPTS_MS);
  const references = referencesOf(claim);
  const answers = await Promise.all(
    references.map((referenceId) => gateway.list({ createdFrom, referenceId }, limitMs)),
  );
  const found = new Map<string, GatewayPayment>();
  for (const answer of answers) {
    if (answer.kind !== 'answered') return undefined;
    for (const each of answer.result.payments) {
      if (references.includes(each.referenceId ?? '')) found.set(each.id, each);
    }
  }
  return [...found.values()];
}

/** A payment as it was asked for, which is what a claim can be compared with. */
export function asFound({
  id,
  paymentType,
  parentPaymentId,
  customerAmount,
  customerCurrency,
  facts,
}: GatewayPayment): FoundPayment {
  const amount = customerAmount ?? facts.amount;
  const currency = customerCurrency ?? facts.currency;
  return {
    id,
    ...optional('paymentType', paymentType),
    ...optional('parentPaymentId', parentPaymentId),
    requested: { ...optional('amount', amount), ...optional('currency', currency) },
  };
}
