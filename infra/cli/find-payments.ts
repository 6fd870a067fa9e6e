import { claimOf } from '../../functions/operations/look-ups.ts';
import { alarmsOf } from '../../shared/calls/alarms-of.ts';
import { paidBeside } from '../../shared/calls/siblings.ts';
import { SHOWN_FACTS } from '../../shared/http/payment-view.ts';
import { CLAIM_KINDS, type Claim } from '../../shared/payment/claim.ts';
import { canonicalJson } from '../../shared/payment/json.ts';
import { type PaymentRecord, paymentAt } from '../../shared/payment/payment.ts';
import { pick } from '../../shared/payment/pick.ts';
import { parseGatewayReference } from '../../shared/payment/reference.ts';
import { holdsMoney, type Refunds } from '../../shared/payment/refund.ts';
import { READ_LIMIT_MS } from '../../shared/paytech/time-limits.ts';
import { type GatewayPayment, PAYMENT_ID } from '../../shared/paytech/wire.ts';
import { readClaim } from '../../shared/store/claims.ts';
import { readPayment } from '../../shared/store/payments.ts';
import type { StandingEntry } from '../../shared/store/standing.ts';
import type { Table } from '../../shared/store/table.ts';
import { readWebhooksHeard, type WebhooksHeard } from '../../shared/store/webhooks-heard.ts';
import type { Environment } from './environment.ts';
import { Failure } from './failure.ts';

/** A payment as the record has it and as paytech has it now. */
export interface FoundPayment {
  id: string;
  record?: PaymentRecord;
  claim?: Claim;
  paytech: { is: 'known'; payment: GatewayPayment } | { is: 'not-known' } | { is: 'unanswered'; why: string };
  differences: Difference[];
  /** Of what holds money, or pays it out: the ids of what does so beside it, for the same order or payout. */
  paidToo: string[];
  /** Those that stand on it or on its claim, and those that were acknowledged. */
  alarms: StandingEntry[];
  /** Whether webhooks arrive at all. */
  webhooks?: WebhooksHeard;
  /** Of a deposit: the claims of its refunds that have no payment yet. */
  openRefunds: Claim[];
}

export interface Difference {
  field: string;
  record: unknown;
  paytech: unknown;
}

export interface Found {
  payments: FoundPayment[];
  /** Claims under this reference, with or without a payment. */
  claims: Claim[];
}

/** Everything under paytech's id of a payment, or under the merchant's reference. Throws when there is nothing. */
export async function findPayments(environment: Environment, query: string): Promise<Found> {
  const claims = await claimsOf(environment, query);
  const ids = new Set(
    claims.flatMap(({ earlierPaymentIds, paymentId }) => [...earlierPaymentIds, paymentId ?? '']),
  );
  ids.delete('');
  for (const id of await idsAtPaytech(environment, query)) ids.add(id);
  if (PAYMENT_ID.test(query)) ids.add(query);

  const looked = await Promise.all([...ids].map((id) => lookAt(environment, id)));
  const isThere = ({ id, record, paytech }: FoundPayment) =>
    record !== undefined || paytech.is === 'known' || (paytech.is === 'unanswered' && id !== query);
  const payments = looked.filter(isThere);
  if (payments.length + claims.length > 0) return { payments, claims };
  const unsure = looked.some(({ paytech }) => paytech.is === 'unanswered');
  throw new Failure(
    `There is nothing for ${query} in ${environment.name}${unsure ? ', and paytech could not be asked' : ', nor at paytech'}.`,
  );
}

/** The claims that belong to none of the payments. */
export function claimsWithoutPayment(payments: readonly FoundPayment[], claims: readonly Claim[]): Claim[] {
  const known = new Set(payments.map(({ claim }) => claim && `${claim.kind}#${claim.referenceId}`));
  return claims.filter(({ kind, referenceId }) => !known.has(`${kind}#${referenceId}`));
}

async function claimsOf({ table }: Environment, query: string): Promise<Claim[]> {
  const reference = parseGatewayReference(query)?.referenceId;
  if (reference === undefined) return [];
  const claims = await Promise.all(CLAIM_KINDS.map((kind) => readClaim(table, kind, reference)));
  return claims.filter((claim) => claim !== undefined);
}

/** Payments that somebody made elsewhere have no claim. */
async function idsAtPaytech({ gateway, maxAgeMs }: Environment, referenceId: string): Promise<string[]> {
  const createdFrom = new Date(Date.now() - maxAgeMs);
  const answer = await gateway.listReadable({ createdFrom, referenceId }, READ_LIMIT_MS);
  if (answer.kind !== 'answered') return [];
  return answer.result.payments.filter((each) => each.referenceId === referenceId).map(({ id }) => id);
}

async function lookAt({ table, gateway }: Environment, id: string): Promise<FoundPayment> {
  const [record, answer] = await Promise.all([readPayment(table, id), gateway.get(id, READ_LIMIT_MS)]);
  const claim = record && (await claimOf(table, record));
  const paidToo = record && claim && holdsMoney(record) ? await paidBeside(table, claim, id) : [];
  const alarms = record ? await alarmsOf(table, record, claim) : [];
  const webhooks = record && (await readWebhooksHeard(table));
  const openRefunds = record ? await openRefundsOf(table, record) : [];
  const found = {
    id,
    ...(record && { record }),
    ...(claim && { claim }),
    differences: [],
    paidToo,
    alarms,
    ...(webhooks && { webhooks }),
    openRefunds,
  };
  switch (answer.kind) {
    case 'answered': {
      const differences = record ? differencesOf(record, answer.result) : [];
      return { ...found, paytech: { is: 'known', payment: answer.result }, differences };
    }
    case 'not-accepted':
      if (answer.status === 404) return { ...found, paytech: { is: 'not-known' } };
      return { ...found, paytech: { is: 'unanswered', why: `HTTP ${answer.status}` } };
    case 'refused':
      return { ...found, paytech: { is: 'unanswered', why: answer.message } };
    case 'not-sent':
    case 'unknown':
      return { ...found, paytech: { is: 'unanswered', why: answer.reason } };
    default:
      return answer satisfies never;
  }
}

/** Of refunds that were asked for here: the record has no payment of theirs, and only their claims say why. */
async function openRefundsOf(table: Table, record: PaymentRecord): Promise<Claim[]> {
  const refunds: Refunds = record.refunds ?? new Map();
  const unsent = [...refunds].filter(([, { stage, paymentId }]) => stage === 'reserved' && !paymentId);
  const claims = await Promise.all(unsent.map(([refundId]) => readClaim(table, 'refund', refundId)));
  return claims.filter((claim) => claim !== undefined);
}

/** What paytech says otherwise; amounts are compared by value, and what it does not mention it does not dispute. */
function differencesOf(
  record: PaymentRecord,
  { paymentType, parentPaymentId, facts }: GatewayPayment,
): Difference[] {
  const here = paymentAt(record) as unknown as Record<string, unknown>;
  const there: Record<string, unknown> = { paymentType, parentPaymentId, ...pick(facts, SHOWN_FACTS) };
  return Object.entries(there)
    .filter(
      ([field, value]) => value !== undefined && canonicalJson(value) !== canonicalJson(here[field] ?? null),
    )
    .map(([field, paytech]) => ({ field, record: here[field] ?? null, paytech }));
}
