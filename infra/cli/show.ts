import { claimView, fullView, listedView } from '../../shared/http/payment-view.ts';
import type { Claim } from '../../shared/payment/claim.ts';
import { canonicalJson } from '../../shared/payment/json.ts';
import type { HistoryEntry } from '../../shared/payment/payment.ts';
import type { Environment } from './environment.ts';
import { claimsWithoutPayment, type FoundPayment, findPayments } from './find-payments.ts';
import { fields, money, type Result, table, time } from './output.ts';
import { printable } from './printable.ts';

/** `show <id|reference>`: the record and its history, its claim, what paytech has, and where the two differ. */
export async function show(environment: Environment, query: string): Promise<Result> {
  const { payments, claims } = await findPayments(environment, query);
  return {
    document: {
      payments: payments.map(({ id, record, claim, alarms, paytech, differences, paidToo }) => ({
        id,
        record: record ? fullView(record, claim, alarms, Date.now()) : null,
        paytech: paytech.is === 'known' ? { is: 'known', payment: listedView(paytech.payment) } : paytech,
        differences,
        paidToo,
      })),
      claims: claims.map(claimView),
    },
    text: [...payments.map(paymentText), ...claimsWithoutPayment(payments, claims).map(claimText)].join(
      '\n\n',
    ),
  };
}

function paymentText({ id, record, claim, alarms, paytech, differences, paidToo }: FoundPayment): string {
  if (!record) return [`Payment ${printable(id)} is not recorded here.`, paytechText(paytech)].join('\n');
  const { paymentType, referenceId, state, amount, currency, requestedAmount, requestedCurrency, version } =
    record;
  const { created, parentPaymentId, refundable, quarantine, quarantined, operations } = record;
  const head = fields({
    reference: referenceId,
    state: `${state} (version ${version})`,
    amount: money(amount, currency),
    requested: money(requestedAmount, requestedCurrency),
    created: time(created),
    'refund of': parentPaymentId,
    refundable: refundable && money(refundable, currency),
    'paid too': paidToo.length > 0 ? paidToo.join(', ') : undefined,
    unconfirmed: record.unconfirmed && 'only a webhook said so; paytech has not confirmed it',
  });
  const parts = [
    `${paymentType} ${printable(id)}\n${head}`,
    `History\n${table(record.history.map(historyRow))}`,
  ];
  if (quarantined > 0) {
    const rows = quarantine.map(({ at, source, state, amount, currency, signature }) => [
      `  ${time(at)}`,
      source,
      state,
      money(amount, currency),
      signature ? `key ${signature.key}, ${signature.encoding}` : '',
    ]);
    parts.push(`Quarantined: ${quarantined}\n${table(rows)}`);
  }
  if (operations.length > 0) {
    const rows = operations.map(({ kind, startedAt, caller, released }) => [
      `  ${time(startedAt)}`,
      kind,
      caller ?? '',
      released ? `released by ${released.by}: ${released.why}` : '',
    ]);
    parts.push(`Operations\n${table(rows)}`);
  }
  if (record.refunds) {
    const rows = [...record.refunds].map(([refundId, { stage, amount, paymentId }]) => [
      `  ${refundId}`,
      stage,
      money(amount, currency),
      paymentId ?? 'payment not known',
    ]);
    parts.push(`Refunds\n${table(rows)}`);
  }
  const standing = alarms.flatMap(({ alarm, open }) =>
    open && open.from <= Date.now() ? [{ alarm, open }] : [],
  );
  if (standing.length > 0) {
    const rows = standing.map(({ alarm, open }) => [
      `  ${alarm}`,
      `since ${time(open.since)}`,
      open.found.join(', '),
    ]);
    parts.push(`Alarms\n${table(rows)}`);
  }
  if (claim && claim.stage !== 'known') parts.push(claimText(claim));
  parts.push(paytechText(paytech));
  if (differences.length > 0) {
    const rows = differences.map(({ field, record, paytech }) => [
      `  ${field}`,
      `here ${canonicalJson(record)}`,
      `paytech ${canonicalJson(paytech)}`,
    ]);
    parts.push(`Differences\n${table(rows)}`);
  } else if (paytech.is === 'known') {
    parts.push('The record and paytech agree.');
  }
  return parts.join('\n\n');
}

function historyRow(
  { at, source, caller, signature, corrected, facts }: HistoryEntry,
  index: number,
): string[] {
  const how = [caller, signature && `key ${signature.key}, ${signature.encoding}`, corrected && 'correction'];
  return [`  ${index + 1}`, time(at), source, facts.state, how.filter(Boolean).join('; ')];
}

function paytechText(paytech: FoundPayment['paytech']): string {
  switch (paytech.is) {
    case 'known': {
      const { state, amount, currency } = paytech.payment.facts;
      return `paytech says ${state}${amount && currency ? ` over ${money(amount, currency)}` : ''}.`;
    }
    case 'not-known':
      return 'paytech knows no such payment.';
    case 'unanswered':
      return `paytech could not be asked: ${printable(paytech.why)}.`;
    default:
      return paytech satisfies never;
  }
}

function claimText(claim: Claim): string {
  const { kind, referenceId, attempt, stage, sentAt, request, caller, paymentId, flag } = claim;
  const values = fields({
    stage: `${stage} (attempt ${attempt})`,
    sent: time(sentAt),
    for: money(request.amount, request.currency),
    by: caller,
    payment: paymentId,
    flag,
  });
  return `Claim ${kind} ${printable(referenceId)}\n${values}`;
}
