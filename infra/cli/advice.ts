import { openOperation } from '../../shared/payment/action.ts';
import { stands } from '../../shared/payment/chargeback.ts';
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

/** What a person should do, and what goes on by itself meanwhile: clauses that a sentence can begin or end with. */
interface Matters {
  steps: string[];
  waiting: string[];
}

export function adviceOn(found: FoundPayment): Advice {
  const { record, paytech } = found;
  if (!record) return adviceWithoutRecord(paytech);
  const there = paytech.is === 'known' ? snapshot(paytech.payment.facts) : undefined;
  const here = snapshot(record);
  const disputed = isDisputed(found);
  const now = there
    ? `The record says ${here}. paytech, asked just now, says ${disputed ? there : 'the same'}.`
    : `The record says ${here}. paytech ${paytech.is === 'unanswered' ? couldNotBeAsked(paytech) : 'knows no such payment'}.`;
  const refunds = refundsOf(record);
  return { now: refunds ? `${now} ${refunds}` : now, todo: todoOf(mattersOf(found, record), paytech) };
}

function adviceWithoutRecord(paytech: FoundPayment['paytech']): Advice {
  switch (paytech.is) {
    case 'known':
      return {
        now: `paytech says ${snapshot(paytech.payment.facts)}; the record has no such payment.`,
        todo: ['Run "paytech-ops reconcile": it records what paytech has and this service does not.'],
      };
    case 'unanswered':
      return {
        now: `The record has no such payment, and paytech ${couldNotBeAsked(paytech)}.`,
        todo: [ASK_AGAIN],
      };
    case 'not-known':
      return { now: 'Neither the record nor paytech has it.', todo: [`${WHICH_SHOP}.`] };
    default:
      return paytech satisfies never;
  }
}

const ASK_AGAIN = 'Ask again when paytech answers; until then change nothing.';
const WHICH_SHOP = 'Check that this is the right shop ("paytech-ops doctor" says where it looks)';

function couldNotBeAsked({ why }: Extract<FoundPayment['paytech'], { is: 'unanswered' }>): string {
  return `could not be asked just now (${why})`;
}

/** "Nothing to do" is said where no step is left, and of nothing else. */
function todoOf({ steps, waiting }: Matters, paytech?: FoundPayment['paytech']): string[] {
  const meanwhile = waiting.map(asSentence);
  if (paytech?.is === 'unanswered') {
    const first = 'Ask again when paytech answers, before any of what follows: it may say otherwise by now.';
    return steps.length > 0 ? [first, ...steps, ...meanwhile] : [ASK_AGAIN, ...meanwhile];
  }
  if (steps.length > 0) return [...steps, ...meanwhile];
  const [first, ...more] = waiting;
  return [first ? [`Nothing to do: ${first}.`, ...more.map(asSentence)].join(' ') : 'Nothing to do.'];
}

/** Names that begin with a small letter keep it. */
function asSentence(clause: string): string {
  const text = /^(paytech|reconcile)\b/.test(clause)
    ? clause
    : `${clause[0]!.toUpperCase()}${clause.slice(1)}`;
  return `${text}.`;
}

function isDisputed({ differences }: FoundPayment): boolean {
  return differences.some(({ field }) => ['state', 'amount', 'currency'].includes(field));
}

function mattersOf(found: FoundPayment, record: PaymentRecord): Matters {
  const { claim, paytech, paidToo, alarms, webhooks, openRefunds } = found;
  const disputed = isDisputed(found);
  const isAhead = isFinal(record.state) && paytech.is === 'known' && !isFinal(paytech.payment.facts.state);
  const isMadeUp = record.unconfirmed === true && (paytech.is === 'not-known' || (disputed && isAhead));
  const isUnconfirmed = record.unconfirmed === true && paytech.is === 'unanswered';
  // Nothing is built on what may turn out not to be so.
  const isDoubtful = isMadeUp || isUnconfirmed || disputed || paytech.is === 'not-known';
  const operation = aboutOperation(record);
  const next = isDoubtful || paidToo.length > 0 || claim?.stage === 'flagged' ? NONE : nextStep(record);
  const parts: Matters[] = [
    ...(paytech.is === 'not-known' && !isMadeUp ? [stepsOf(`${WHICH_SHOP}, before anything else.`)] : []),
    ...(paidToo.length > 0 ? [stepsOf(aboutPaidTwice(record, paidToo, alarms, isDoubtful))] : []),
    ...(isMadeUp ? [aboutMadeUp(record)] : []),
    ...(isUnconfirmed ? [stepsOf(aboutUnconfirmed(record))] : []),
    stepsOf(...aboutUnknownWord(record)),
    ...(disputed && !isMadeUp ? [stepsOf(aboutDispute(record, paytech))] : []),
    aboutQuarantine(record, isDoubtful || paytech.is !== 'known', isMadeUp),
    stepsOf(...aboutCorrection(record)),
    ...(isDoubtful ? [] : [stepsOf(...aboutMoney(record))]),
    aboutChargeback(record),
    ...(claim?.stage === 'flagged' ? [stepsOf(resolveHint(claim.kind, claim.referenceId))] : []),
    operation ?? next,
    ...openRefunds.map(aboutOpenRefund),
    stepsOf(...aboutWebhooks(record, webhooks)),
    stepsOf(...aboutAlarms(alarms)),
  ];
  return together(parts);
}

const NONE: Matters = { steps: [], waiting: [] };
const stepsOf = (...steps: string[]): Matters => ({ steps, waiting: [] });
const waitingFor = (...waiting: string[]): Matters => ({ steps: [], waiting });

function together(parts: readonly Matters[]): Matters {
  return {
    steps: parts.flatMap(({ steps }) => steps),
    waiting: parts.flatMap(({ waiting }) => waiting),
  };
}

/** `alarms`: those of the claim itself. */
export function adviceOnClaim(
  { kind, referenceId, stage, flag, paymentId }: Claim,
  alarms: FoundPayment['alarms'],
): Advice {
  const alarmed = stepsOf(...aboutAlarms(alarms));
  const advice = (now: string, matters: Matters): Advice => ({
    now,
    todo: todoOf(together([matters, alarmed])),
  });
  switch (stage) {
    case 'flagged':
      return advice(`The claim is flagged: ${flag}.`, stepsOf(resolveHint(kind, referenceId)));
    case 'released':
      return advice(
        `The claim is released: no ${kind} was made.`,
        stepsOf(`If the ${kind} is still wanted, send the same request again. It is not sent automatically.`),
      );
    case 'known':
      return advice(
        'paytech made the payment, and the record has none.',
        stepsOf(`Look at the payment: "paytech-ops explain ${paymentId}".`),
      );
    case 'reserving':
    case 'sent':
    case 'unknown':
      return advice(`The claim is ${stage}.`, waitingFor('reconcile looks after it'));
    default:
      return stage satisfies never;
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
  record: PaymentRecord,
  paidToo: readonly string[],
  alarms: FoundPayment['alarms'],
  isDoubtful: boolean,
): string {
  const others = paidToo.join(', ');
  const { open } =
    alarms.find(({ alarm }) => alarm === 'order-paid-twice' || alarm === 'paid-out-twice') ?? {};
  const since = open ? `, since ${time(open.since)}` : '';
  if (record.paymentType === 'DEPOSIT') {
    const what = `The order is paid more than once${since}: ${others} holds money for it too.`;
    if (isDoubtful) return `${what} Decide about that once it is certain what became of this one.`;
    if (isChargedBack(record))
      return `${what} Refund nothing of this one, which is charged back; decide whether to keep the others.`;
    return `${what} Decide which one to keep. Of the others, refund those that are COMPLETED and void those that are AUTHORIZED.`;
  }
  return isDoubtful
    ? `It is paid out more than once${since}: ${others} is under the same id. Decide about that once it is certain what became of this one.`
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
          `The alarm ${alarm} has been on since ${time(open.since)} and ${endOf(alarm)}, say that you have dealt with it: "paytech-ops acknowledge ${alarm} ${id} --reason …".`,
        ]
      : [],
  );
}

function endOf(alarm: StandingAlarm): string {
  const once = ENDS_ONCE[alarm];
  return once
    ? `ends by itself once ${once}. If that will not happen`
    : 'does not end by itself. Once you have';
}

/** Absent: no book shows that somebody has seen to it. */
const ENDS_ONCE: Partial<Record<StandingAlarm, string>> = {
  'claim-flagged': 'the claim is resolved',
  'order-paid-twice': 'at most one payment of the order holds money',
  'paid-out-twice': 'at most one payout stands under its id',
  'outcome-unknown-for-long': 'it is known what became of it',
  'webhook-not-confirmed': 'paytech says the same as the webhook, or the record is corrected',
  'event-quarantined': 'the record says what the event said',
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
function aboutOpenRefund({ kind, referenceId, stage, request, flag }: Claim): Matters {
  const refund = `the refund ${referenceId} of ${money(request.amount, request.currency)}`;
  return stage === 'flagged'
    ? stepsOf(`${asSentence(`${refund} is flagged: ${flag}`)} ${resolveHint(kind, referenceId)}`)
    : waitingFor(`${refund} has no payment yet, and reconcile looks after it`);
}

/** What a webhook alone has said, and paytech's API does not. */
function aboutMadeUp({ state, history }: PaymentRecord): Matters {
  const key = history.at(-1)?.signature?.key;
  const steps = [
    `${endedInVain(state) ? 'Do not send another payout in its place' : 'Do not deliver'}: only a webhook${key ? `, signed with key ${key},` : ''} said ${state}, and paytech itself does not.`,
    `Ask paytech's support whether they sent it. If not, somebody else has that key: rotate it, then watch "paytech-ops keys".`,
  ];
  const asked =
    'paytech is asked again at least once an hour until it says the same; if it ends differently, the record is corrected and published';
  return { steps, waiting: [asked] };
}

function refundsOf({ refunds, refundable, refundsUnknown, currency }: PaymentRecord): string | undefined {
  if (refundsUnknown)
    return "How much of it was refunded is unknown, so nothing more is refunded here: use paytech's back office.";
  const held = [...(refunds?.values() ?? [])].filter(({ stage }) => stage !== 'returned');
  if (held.length === 0 || !refundable) return undefined;
  const sum = held.reduce((total, { amount }) => total.plus(amount), decimal('0'));
  const rest = refundable.lt(0)
    ? `${money(refundable.neg(), currency)} more than was paid`
    : `${money(refundable, currency)} can still be refunded`;
  return `${money(sum, currency)} went back or is on its way, in ${count(held.length, 'refund')}; ${rest}.`;
}

function aboutQuarantine(record: PaymentRecord, isOpen: boolean, isMadeUp: boolean): Matters {
  const last = record.quarantine.at(-1);
  if (!last) return NONE;
  const { recheckUntil = 0 } = record;
  const key = last.signature
    ? `It carries a valid signature of key ${last.signature.key}`
    : 'It came unsigned, from inside the stack';
  const steps = [
    ...(isOpen
      ? []
      : [
          `Do nothing because of the event in quarantine: record and paytech agree that it is ${record.state}, and the event was wrong.`,
        ]),
    `Ask paytech's support whether they sent "${last.state}" for ${record.id} at ${time(last.at)}. ${key}: if they did not send it, somebody else has that key. Rotate it, then watch "paytech-ops keys".`,
  ];
  const asked = `paytech is asked again at growing intervals until ${time(recheckUntil)}; if its answer changes, the record is corrected and published`;
  return { steps, waiting: recheckUntil > Date.now() && !isMadeUp ? [asked] : [] };
}

function aboutCorrection({ history }: PaymentRecord): string[] {
  return history.some(({ corrected }) => corrected)
    ? ['Check what was done because of the earlier state: goods sent, order canceled, money returned.']
    : [];
}

function aboutMoney(record: PaymentRecord): string[] {
  const { paidAsRequested } = paymentAt(record);
  return [
    ...(paidAsRequested === false && record.state === 'COMPLETED' && !isCapturedInPart(record)
      ? [
          `${money(record.amount, record.currency)} ${record.paymentType === 'DEPOSIT' ? 'came' : 'went out'} instead of ${money(record.requestedAmount, record.requestedCurrency)}: ${record.paymentType === 'DEPOSIT' ? decideOn(record) : 'find out why before more is sent'}.`,
        ]
      : []),
    ...(record.refundable?.lt(0) ? ['More was refunded than paid: get the difference back.'] : []),
  ];
}

/** Whether nothing is refunded, because of a chargeback. */
function isChargedBack({ chargeback }: PaymentRecord): boolean {
  return chargeback !== undefined && stands(chargeback.state);
}

function decideOn(record: PaymentRecord): string {
  return isChargedBack(record)
    ? 'decide whether to deliver, or to ask for the rest'
    : 'decide whether to deliver, to ask for the rest, or to refund';
}

function aboutChargeback({ id, chargeback }: PaymentRecord): Matters {
  switch (chargeback?.state) {
    case undefined:
      return NONE;
    case 'OPEN':
      return stepsOf(
        `The customer has charged it back: answer the bank through paytech in time. Nothing is refunded until it is closed; if you know of its end and no webhook comes, POST /operations/payments/${id}/chargeback with that state.`,
      );
    case 'COMPLETED':
      return stepsOf('The chargeback is lost, and the money is gone: refund nothing of it.');
    default:
      return waitingFor(`the chargeback was ${chargeback!.state}, and the money stays`);
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

/** An action on it whose outcome is open. */
function aboutOperation(record: PaymentRecord): Matters | undefined {
  const operation = openOperation(record);
  if (!operation) return undefined;
  const { kind, leaseUntil } = operation;
  if (leaseUntil >= Date.now()) return waitingFor(`the ${kind} is being carried out`);
  return kind === 'execute'
    ? waitingFor(
        'the outcome of the execute is unknown: paytech is asked again, and once it has shown the payment untouched twice, the customer may try again',
      )
    : stepsOf(
        `The outcome of the ${kind} is unknown. Once paytech's support says that it will not happen: "paytech-ops claims resolve operation ${record.id} --reason …".`,
      );
}

function nextStep({ state }: PaymentRecord): Matters {
  switch (state) {
    case 'CHECKOUT':
      return waitingFor('the customer has not finished the checkout, and reconcile keeps asking');
    case 'PENDING':
      return waitingFor('paytech is still processing it, and reconcile keeps asking');
    case 'AUTHORIZED':
      return stepsOf('Capture or void it: the money is held and not yours yet.');
    case 'AWAITING_APPROVAL':
      return stepsOf('Approve or reject it.');
    default:
      return NONE;
  }
}

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
