import { openOperation } from '../../shared/payment/action.ts';
import type { Claim } from '../../shared/payment/claim.ts';
import { decimal, sameAmount } from '../../shared/payment/money.ts';
import { type PaymentRecord, paymentAt, versionThatSet } from '../../shared/payment/payment.ts';
import { mayBeAcknowledged, type StandingAlarm } from '../../shared/payment/standing.ts';
import { endedInVain, isFinal, meansMoney, type PaymentState } from '../../shared/payment/state.ts';
import type { FoundPayment } from './find-payments.ts';
import { count, money, time } from './output.ts';

/** How it stands now, and what the reader should do about it. */
export interface Advice {
  now: string;
  todo: string[];
}

export function adviceOn({
  record,
  claim,
  paytech,
  differences,
  paidToo,
  alarms,
  webhooks,
  openRefunds,
}: FoundPayment): Advice {
  const there = paytech.is === 'known' ? snapshot(paytech.payment.facts) : undefined;
  if (!record) {
    return {
      now: there
        ? `paytech says ${there}; the record has no such payment.`
        : 'Neither the record nor paytech has it.',
      todo: ['Run "paytech-ops reconcile": it records what paytech has and this service does not.'],
    };
  }
  const here = snapshot(record);
  const disputed = differences.some(({ field }) => ['state', 'amount', 'currency'].includes(field));
  const now = there
    ? `The record says ${here}. paytech, asked just now, says ${disputed ? there : 'the same'}.`
    : `The record says ${here}. paytech ${paytech.is === 'unanswered' ? `could not be asked just now (${paytech.why})` : 'knows no such payment'}.`;
  const isAhead = isFinal(record.state) && paytech.is === 'known' && !isFinal(paytech.payment.facts.state);
  const isMadeUp = record.unconfirmed && (paytech.is === 'not-known' || (disputed && isAhead));
  const todo = [
    ...(paidToo.length > 0 ? [aboutPaidTwice(record, paidToo, alarms)] : []),
    ...(isMadeUp ? aboutMadeUp(record) : []),
    ...(record.unconfirmed && !isMadeUp && (disputed || !there) ? [aboutUnconfirmed(record)] : []),
    ...aboutUnknownWord(record),
    ...(disputed && !isMadeUp ? [aboutDispute(record, paytech)] : []),
    ...(paytech.is === 'unanswered' ? ['Ask again when paytech answers; until then change nothing.'] : []),
    ...(paytech.is === 'not-known' && !isMadeUp
      ? ['Check that this is the right shop: "paytech-ops doctor" says where it looks.']
      : []),
    ...aboutQuarantine(record, disputed || !there),
    ...aboutMoney(record),
    ...aboutOpen(record, claim, disputed),
    ...openRefunds.map(aboutOpenRefund),
    ...aboutWebhooks(record, webhooks),
    ...aboutAlarms(alarms),
  ];
  const refunds = refundsOf(record);
  return { now: refunds ? `${now} ${refunds}` : now, todo: todo.length > 0 ? todo : ['Nothing to do.'] };
}

export function adviceOnClaim({ kind, referenceId, stage, flag }: Claim): Advice {
  switch (stage) {
    case 'flagged':
      return { now: `The claim is flagged: ${flag}.`, todo: [resolveHint(kind, referenceId)] };
    case 'released':
      return {
        now: `The claim is released: no ${kind} was made.`,
        todo: [`If the ${kind} is still wanted, send the same request again. It is not sent automatically.`],
      };
    default:
      return { now: `The claim is ${stage}.`, todo: ['Nothing to do: reconcile looks after it.'] };
  }
}

/** What paytech says now is not what the record says. */
function aboutDispute(record: PaymentRecord, paytech: FoundPayment['paytech']): string {
  const there = paytech.is === 'known' ? paytech.payment.facts.state : record.state;
  const wentBack = isFinal(record.state) && !isFinal(there) && !meansMoney(there);
  return wentBack
    ? `Ask paytech's support which is true: no payment goes back from ${record.state} to ${there}, so nothing is changed here.`
    : `Believe paytech. Run "paytech-ops reconcile", then "paytech-ops explain ${record.id}" again.`;
}

function aboutPaidTwice(
  { paymentType }: PaymentRecord,
  paidToo: readonly string[],
  alarms: FoundPayment['alarms'],
): string {
  const others = paidToo.join(', ');
  const { open } =
    alarms.find(({ alarm }) => alarm === 'order-paid-twice' || alarm === 'paid-out-twice') ?? {};
  const since = open ? `, since ${time(open.since)}` : '';
  return paymentType === 'DEPOSIT'
    ? `The order is paid more than once${since}: ${others} holds money for it too. Decide which one to keep. Of the others, refund those that are COMPLETED and void those that are AUTHORIZED.`
    : `It is paid out more than once${since}: ${others} is under the same id. Reject what is AWAITING_APPROVAL; if both are COMPLETED, recover the money of one.`;
}

/** Where its end was heard of by asking, and no webhook has come since: it may not be the only one. */
function aboutWebhooks(record: PaymentRecord, webhooks: FoundPayment['webhooks']): string[] {
  const { at, source } = record.history[versionThatSet(record) - 1]!;
  const wasAsked = source === 'reconcile' || source === 'refresh';
  if (!webhooks?.ended || !isFinal(record.state) || !wasAsked || Date.parse(at) <= webhooks.heardAt)
    return [];
  const { ended, heardAt } = webhooks;
  const since =
    heardAt === 0 ? 'no webhook has ever arrived' : `no webhook has arrived since ${time(heardAt)}`;
  return [
    `Its webhook has not come, and ${since}, while ${count(ended, 'payment')} ended. Compare the webhook URL and the signing key in paytech's back office with what "paytech-ops doctor" says.`,
  ];
}

/** Of a flagged claim the claim itself tells. */
function aboutAlarms(alarms: FoundPayment['alarms']): string[] {
  return alarms.flatMap(({ alarm, id, open }) =>
    open && open.from <= Date.now() && mayBeAcknowledged(alarm)
      ? [
          `The alarm ${alarm} has been on since ${time(open.since)} and ends by itself once ${ENDS_ONCE[alarm]}. If that will not happen, say that you have dealt with it: "paytech-ops acknowledge ${alarm} ${id} --reason …".`,
        ]
      : [],
  );
}

const ENDS_ONCE: Record<StandingAlarm, string> = {
  'claim-flagged': 'the claim is resolved',
  'order-paid-twice': 'at most one payment of the order holds money',
  'paid-out-twice': 'at most one payout stands under its id',
  'outcome-unknown-for-long': 'it is known what became of it',
  'webhook-not-confirmed': 'paytech says the same as the webhook, or the record is corrected',
  'event-quarantined': 'the record says what the event said',
  'payment-corrected': 'somebody has seen to the order',
  'unknown-state-for-long': 'paytech names a state that is known',
  'refunded-too-much': 'no more is refunded than was paid',
  'refund-without-parent': 'its deposit is recorded with it',
  'authorized-for-long': 'it is captured or voided',
  'awaiting-approval-for-long': 'it is approved or rejected',
  'chargeback-open': 'the chargeback is closed',
};

function aboutUnconfirmed({ state }: PaymentRecord): string {
  return `Wait before you rely on ${state}: only a webhook has said so, and paytech's API has not confirmed it yet. reconcile asks automatically; "paytech-ops reconcile" asks now.`;
}

/** The service changes nothing for a name that it does not know. */
function aboutUnknownWord({ unknownWord }: PaymentRecord): string[] {
  if (!unknownWord) return [];
  const { of, word, since, count: times } = unknownWord;
  return [
    `paytech has named a ${of} that this service does not know: ${word}, ${count(times, 'time')} since ${time(since)}. The record is unchanged. Ask paytech's support what it means for the money, and whether a newer version of this service knows it.`,
  ];
}

/** The money of such a refund is set aside, whether it was sent or not. */
function aboutOpenRefund({ kind, referenceId, stage, request, flag }: Claim): string {
  const refund = `The refund ${referenceId} of ${money(request.amount, request.currency)}`;
  return stage === 'flagged'
    ? `${refund} is flagged: ${flag}. ${resolveHint(kind, referenceId)}`
    : `${refund} has no payment yet. Nothing to do: reconcile looks after it.`;
}

/** What a webhook alone has said, and paytech's API does not. */
function aboutMadeUp({ state, history }: PaymentRecord): string[] {
  const key = history.at(-1)?.signature?.key;
  return [
    `${endedInVain(state) ? 'Do not send another payout in its place' : 'Do not deliver'}: only a webhook${key ? `, signed with key ${key},` : ''} said ${state}, and paytech itself does not.`,
    `Ask paytech's support whether they sent it. If not, somebody else has that key: rotate it, then watch "paytech-ops keys".`,
    'paytech is asked again at least once an hour until it says the same; if it ends differently, the record is corrected and published.',
  ];
}

function refundsOf({ refunds, refundable, refundsUnknown, currency }: PaymentRecord): string | undefined {
  if (refundsUnknown)
    return "How much of it was refunded is unknown, so nothing more is refunded here: use paytech's back office.";
  const held = [...(refunds?.values() ?? [])].filter(({ stage }) => stage !== 'returned');
  if (held.length === 0 || !refundable) return undefined;
  const sum = held.reduce((total, { amount }) => total.plus(amount), decimal('0'));
  return `${money(sum, currency)} went back or is on its way, in ${count(held.length, 'refund')}; ${money(refundable, currency)} can still be refunded.`;
}

function aboutQuarantine(record: PaymentRecord, isOpen: boolean): string[] {
  const last = record.quarantine.at(-1);
  if (!last) return [];
  const until = record.recheckUntil === undefined ? '' : ` until ${time(record.recheckUntil)}`;
  const key = last.signature
    ? `It carries a valid signature of key ${last.signature.key}`
    : 'It came unsigned, from inside the stack';
  return [
    ...(isOpen
      ? []
      : [
          `Leave the order as it is: record and paytech agree that it is ${record.state}, and the event was wrong.`,
        ]),
    `Ask paytech's support whether they sent "${last.state}" for ${record.id} at ${time(last.at)}. ${key}: if they did not send it, somebody else has that key. Rotate it, then watch "paytech-ops keys".`,
    `paytech is asked again at growing intervals${until}; if its answer changes, the record is corrected and published.`,
  ];
}

function aboutMoney(record: PaymentRecord): string[] {
  const { paidAsRequested } = paymentAt(record);
  const wasCorrected = record.history.some(({ corrected }) => corrected);
  return [
    ...(wasCorrected
      ? ['Check what was done because of the earlier state: goods sent, order canceled, money returned.']
      : []),
    ...(paidAsRequested === false && record.state === 'COMPLETED' && !isCapturedInPart(record)
      ? [
          `${money(record.amount, record.currency)} ${record.paymentType === 'DEPOSIT' ? 'came' : 'went out'} instead of ${money(record.requestedAmount, record.requestedCurrency)}: ${record.paymentType === 'DEPOSIT' ? 'decide whether to deliver, to ask for the rest, or to refund' : 'find out why before more is sent'}.`,
        ]
      : []),
    ...aboutChargeback(record),
    ...(record.refundable?.lt(0) ? ['More was refunded than paid: get the difference back.'] : []),
  ];
}

function aboutChargeback({ id, chargeback }: PaymentRecord): string[] {
  switch (chargeback?.state) {
    case undefined:
      return [];
    case 'OPEN':
      return [
        `The customer has charged it back: answer the bank through paytech in time. Nothing is refunded until it is closed; if you know of its end and no webhook comes, POST /operations/payments/${id}/chargeback with that state.`,
      ];
    case 'COMPLETED':
      return ['The chargeback is lost, and the money is gone: refund nothing of it.'];
    default:
      return [`The chargeback was ${chargeback!.state}: the money stays.`];
  }
}

/** The merchant has asked for this amount, so it is no surprise. */
function isCapturedInPart({ operations, amount, currency, requestedCurrency }: PaymentRecord): boolean {
  return (
    currency === requestedCurrency &&
    operations.some(
      (each) => each.kind === 'capture' && !each.released && each.amount && sameAmount(each.amount, amount),
    )
  );
}

/** With `disputed`, nothing is said of a state that paytech says is over. */
function aboutOpen(record: PaymentRecord, claim: Claim | undefined, disputed: boolean): string[] {
  const operation = openOperation(record);
  const isLost = operation && operation.leaseUntil < Date.now();
  const hint = operation || disputed ? undefined : NEXT_STEP[record.state];
  return [
    ...(claim?.stage === 'flagged' ? [resolveHint(claim.kind, claim.referenceId)] : []),
    ...(isLost
      ? [
          operation.kind === 'execute'
            ? 'Nothing to do about the execute whose outcome is unknown: paytech is asked again, and once it has shown the payment untouched twice, the customer may try again.'
            : `The outcome of the ${operation.kind} is unknown. Once paytech's support says that it will not happen: "paytech-ops claims resolve operation ${record.id} --reason …".`,
        ]
      : []),
    ...(operation && !isLost ? [`Nothing to do: the ${operation.kind} is being carried out.`] : []),
    ...(hint ? [hint] : []),
  ];
}

const NEXT_STEP: Partial<Record<PaymentState, string>> = {
  CHECKOUT: 'Nothing to do: the customer has not finished the checkout, and reconcile keeps asking.',
  PENDING: 'Nothing to do: paytech is still processing it, and reconcile keeps asking.',
  AUTHORIZED: 'Capture or void it: the money is held and not yours yet.',
  AWAITING_APPROVAL: 'Approve or reject it.',
};

function resolveHint(kind: string, referenceId: string): string {
  return `Find out in paytech's back office whether it was made, then: "paytech-ops claims resolve ${kind} ${referenceId} --outcome sent|not-sent --reason …".`;
}

function snapshot({
  state,
  amount,
  currency,
}: Partial<Pick<PaymentRecord, 'amount' | 'currency'>> & { state: PaymentState }) {
  return amount && currency ? `${state} over ${money(amount, currency)}` : state;
}
