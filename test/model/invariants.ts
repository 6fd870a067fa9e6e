import { expect } from 'vitest';
import { readMessage } from '../../shared/messaging/event-queue.ts';
import { publicationOf } from '../../shared/payment/cloud-event.ts';
import { parseJson } from '../../shared/payment/json.ts';
import { type Decimal, decimal } from '../../shared/payment/money.ts';
import { type PaymentRecord, paymentAt } from '../../shared/payment/payment.ts';
import { isBeginning, isFinal, meansMoney } from '../../shared/payment/state.ts';
import { readClaim } from '../../shared/store/claims.ts';
import { readPayment } from '../../shared/store/payments.ts';
import type { Table } from '../../shared/store/table.ts';
import type { MadePayment } from '../support/answered-payment.ts';
import { EVENT_SOURCE, keyOf } from './lambdas.ts';
import type { Subject } from './ledger.ts';
import { chargebacksAreKnown, refundableIsWhatTheBooksSay } from './money-back.ts';
import type { Simulation } from './simulation.ts';
import { truthOf } from './simulation-state.ts';

/** What must hold after every schedule, each by its name. Every check throws with the name and the evidence. */

export async function recordsOf(simulation: Simulation, table: Table): Promise<PaymentRecord[]> {
  const ids = [...simulation.gateway.payments.keys()];
  return (await Promise.all(ids.map((id) => readPayment(table, id)))).filter(
    (record) => record !== undefined,
  );
}

export async function checkInvariants(simulation: Simulation, table: Table): Promise<void> {
  const records = await recordsOf(simulation, table);
  for (const holds of INVARIANTS) await holds(simulation, records, table);
}

const INVARIANTS: readonly ((
  simulation: Simulation,
  records: PaymentRecord[],
  table: Table,
) => void | Promise<void>)[] = [
  whatIsPaidIsNotSoldAgain,
  whatIsPaidTwiceAlarms,
  moneyGoesOutOnce,
  cyclesCountForNoOrder,
  tokensAreToldToNobody,
  whatCreateKnewIsPublished,
  refundableIsWhatTheBooksSay,
  chargebacksAreKnown,
  whatIsFinalAtPaytechIsPublished,
  whatIsUndecidedIsMarked,
  finalStatesChangeByConfirmationOnly,
  versionsCountTheChanges,
  everyChangeIsPublishedAndNothingElse,
  everyAcknowledgedWebhookHasAnEnd,
  noAmountIsRounded,
  everyClaimHasAnEnd,
];

/**
 * No redirectUrl and no new attempt for an order of which, when the request arrived and until it was answered, a
 * record, or what one of our own callers got and noted in it, said COMPLETED or AUTHORIZED.
 */
function whatIsPaidIsNotSoldAgain({ soldAgain }: Simulation): void {
  none(soldAgain, 'a paid order is sold again');
}

/** Two deposits of an order that hold money, two payouts of an id: alarmed, and the alarm stands, in whatever order they came. */
function whatIsPaidTwiceAlarms(simulation: Simulation, records: PaymentRecord[]): void {
  const { orders, backOffice, logger, own } = simulation;
  const stands = (alarm: string) => own.isOpen(`standing#${alarm}`);
  const alarmed = (metric: string, id: string) =>
    logger.lines.some(({ more }) => more.metric === metric && JSON.stringify(more).includes(id));
  const charges = [...backOffice.requests.values()].filter(({ name }) => name === 'charge');
  for (const id of [...orders.map(({ referenceId }) => referenceId), ...charges.map((each) => each.id)]) {
    const holding = siblingsOnRecord(simulation, records, { kind: 'deposit', id }).filter(holdsMoney);
    const ids = holding.map((each) => each.id);
    if (ids.length < 2) continue;
    expect(alarmed('OrderPaidTwice', id), `order ${id} paid twice: ${ids}`).toBe(true);
    expect(stands(`order-paid-twice#${id}`), `order ${id} paid twice stands: ${ids}`).toBe(true);
  }
  for (const { name, id } of backOffice.requests.values()) {
    if (name !== 'withdrawal') continue;
    const paid = siblingsOnRecord(simulation, records, { kind: 'withdrawal', id }).filter(
      ({ state }) => state === 'COMPLETED',
    );
    const ids = paid.map((each) => each.id);
    if (ids.length < 2) continue;
    expect(alarmed('PaidOutTwice', id), `payout ${id} paid twice: ${ids}`).toBe(true);
    expect(stands(`paid-out-twice#withdrawal/${id}`), `payout ${id} paid twice stands: ${ids}`).toBe(true);
  }
}

/** The records of what counts for an order or payout, and that say so: of elsewhere only what has its money. */
function siblingsOnRecord(
  { ledger, isLinked, own }: Simulation,
  records: PaymentRecord[],
  subject: Subject,
): PaymentRecord[] {
  const siblings = new Set(ledger.siblings(subject).map(({ id }) => id));
  const claimed = own.latest.get(`${subject.kind}#${subject.id}`)?.request as
    | { amount: Decimal; currency: string }
    | undefined;
  return records.filter((record) => {
    if (!siblings.has(record.id) || !isLinked(record, subject.id)) return false;
    if (!ledger.isElsewhere(record.id) || !claimed) return true;
    const { requestedAmount = record.amount, requestedCurrency = record.currency } = record;
    return requestedAmount.eq(claimed.amount) && requestedCurrency === claimed.currency;
  });
}

function holdsMoney({ state, refundable, refundsUnknown }: PaymentRecord): boolean {
  return state === 'AUTHORIZED' || (state === 'COMPLETED' && (refundsUnknown || !refundable?.lte(0)));
}

/** What moves money without a redirectUrl goes out once per id, and no action is sent twice. */
function moneyGoesOutOnce({ ledger, backOffice }: Simulation): void {
  none(ledger.violations, 'money goes out twice');
  for (const [id, times] of backOffice.acted) expect(times, `action on ${id} is sent once`).toBe(1);
}

/**
 * What paytech charges by itself is no payment of the order that it goes on from, nor is anybody told so, once paytech
 * has said what it goes on from; unless it never says of that one that it was paid (`ambiguous` in the ledger).
 */
async function cyclesCountForNoOrder(
  { ledger, own, orders, gateway }: Simulation,
  records: PaymentRecord[],
): Promise<void> {
  for (const { id, parentId } of ledger.cycles()) {
    const record = records.find((each) => each.id === id);
    if (record?.parentPaymentId === undefined) continue;
    const { parentPaymentId } = gateway.payments.get(id)!;
    expect(record.parentPaymentId, `parent of cycle ${id}`).toBe(parentPaymentId);
    expect(record.attempt, `cycle ${id} is no attempt`).toBe(undefined);
    for (const { referenceId } of orders) {
      expect(record.referenceId, `cycle ${id} has no order`).not.toBe(referenceId);
      const { paymentId, earlierPaymentIds, otherPaymentIds } =
        own.latest.get(`deposit#${referenceId}`) ?? {};
      expect([paymentId, earlierPaymentIds, otherPaymentIds].flat(), `claim of ${referenceId}`).not.toContain(
        id,
      );
    }
    const parent = records.find((each) => each.id === parentId);
    if (parent?.origin === 'service') expect(record.origin, `origin of cycle ${id}`).toBe('service');
  }
}

/** By what a customer can be charged is in no event and in no line of the log. */
function tokensAreToldToNobody({ published, logger }: Simulation): void {
  const lines = logger.lines.map((line) => JSON.stringify(line));
  const told = [...[...published.values()].flatMap((bodies) => [...bodies]), ...lines];
  none(
    told.filter((text) => text.includes('token-of-')),
    'a token is told',
  );
}

/**
 * Reference, requested money and parent of what a claim has are in its record, and in the last event of it. Of several
 * calls under one reference, as after a 429, nothing need tell which of them made it: then any of their amounts.
 */
function whatCreateKnewIsPublished(
  { ledger, gateway, own, published, amountsAskedFor }: Simulation,
  records: PaymentRecord[],
): void {
  for (const record of records) {
    const made = ledger.made.get(record.id);
    const claim = made?.by === 'us' ? own.latest.get(`${made.for.kind}#${made.for.id}`) : undefined;
    if (made?.by !== 'us' || claim?.paymentId !== record.id) continue;
    const { asked, referenceId, parentPaymentId } = gateway.payments.get(record.id)!;
    const isOneOfSeveral = ledger
      .ours(made.for)
      .some((each) => each.id !== record.id && each.referenceId === referenceId);
    const amounts = [asked?.amount?.toFixed(), ...(isOneOfSeveral ? amountsAskedFor(made.for) : [])];
    const knew = {
      referenceId: made.for.id,
      requestedAmount: expect.toBeOneOf(amounts),
      requestedCurrency: asked?.currency,
      parentPaymentId,
    };
    const inRecord = {
      referenceId: record.referenceId,
      requestedAmount: record.requestedAmount?.toFixed(),
      requestedCurrency: record.requestedCurrency,
      parentPaymentId: record.parentPaymentId,
    };
    expect(inRecord, `what create knew of ${record.id} is in its record`).toEqual(knew);
    const latest = [...(published.get(`${record.id}:${record.version}`) ?? [])][0];
    if (!latest) continue;
    const { payment } = (parseJson(latest) as { data: { payment: Record<string, unknown> } }).data;
    const inEvent = {
      referenceId: payment.referenceId,
      requestedAmount: decimal(String(payment.requestedAmount)).toFixed(),
      requestedCurrency: payment.requestedCurrency,
      parentPaymentId: payment.parentPaymentId,
    };
    expect(inEvent, `what create knew of ${record.id} is in its last event`).toEqual(knew);
  }
}

/**
 * What is final at paytech is on record and published, in state and amount: of payments whose id is known here as long as
 * GET works, of all others as long as the list does.
 */
function whatIsFinalAtPaytechIsPublished(
  { gateway, forGood, published }: Simulation,
  records: PaymentRecord[],
): void {
  const recorded = new Map(records.map((record) => [record.id, record]));
  for (const { id, facts } of gateway.payments.values()) {
    const record = recorded.get(id);
    if (!isFinal(facts.state) || (forGood.fault === 'payment-unreadable' && id === forGood.paymentId))
      continue;
    if (forGood.fault === (record ? 'get-down' : 'list-down')) continue;
    expect(record?.id, `${id} is recorded`).toBe(id);
    // What paytech makes of a payment that has its end here, its list alone can show.
    if (forGood.fault === 'list-down') expect(isFinal(record!.state), `${id} has an end`).toBe(true);
    else expect(truthOf(record!), `end of ${id}`).toBe(truthOf(facts));
    if (forGood.fault === 'subscriber-refuses' && id === forGood.paymentId) continue;
    expect(published.has(`${id}:${record!.version}`), `the end of ${id} is published`).toBe(true);
  }
}

/** Whatever is undecided was marked as open at every moment until it was decided. */
function whatIsUndecidedIsMarked({ own }: Simulation): void {
  none(own.unmarked, 'undecided and not in the index of what is open');
}

/**
 * After a final state comes nothing but a correction, which was true at paytech, what was learned of who the payment
 * is, or what became of its chargeback.
 */
function finalStatesChangeByConfirmationOnly({ truths }: Simulation, records: PaymentRecord[]): void {
  for (const record of records) {
    const { id, history } = record;
    for (const [index, entry] of history.entries()) {
      const before = history[index - 1];
      if (before && isFinal(before.facts.state)) {
        const said = paymentAt(record, index + 1);
        const isUnchanged = truthOf(said) === truthOf(paymentAt(record, index));
        const isAllowed = entry.corrected || ((entry.learned || entry.chargeback) && isUnchanged);
        expect(isAllowed, `final state of ${id}`).toBe(true);
      }
      if (entry.corrected) {
        const said = paymentAt(record, index + 1);
        // Where nobody stated the amount, a record that holds money says so; one that holds none keeps the last stated.
        const isAmountStated =
          !entry.amountUntold && (entry.facts.amount !== undefined || meansMoney(said.state));
        const wasTrue = !isAmountStated
          ? [...truths.get(id)!].some((truth) => truth.startsWith(`${said.state} `))
          : truths.get(id)!.has(truthOf(said));
        expect(wasTrue, `correction of ${id} to ${truthOf(said)} is what paytech says`).toBe(true);
      }
    }
  }
}

/** The version is the number of changes, and no event made two of them. */
function versionsCountTheChanges(_: Simulation, records: PaymentRecord[]): void {
  for (const { id, version, history, state } of records) {
    expect(version, `version of ${id}`).toBe(history.length);
    expect(history.at(-1)?.facts.state, `state of ${id}`).toBe(state);
    const keys = history.map(({ key }) => key).filter(Boolean);
    expect(new Set(keys).size, `each event once on ${id}`).toBe(keys.length);
  }
}

/** What is in the histories is what was published, under each id the very bytes that can be made again. */
function everyChangeIsPublishedAndNothingElse(
  { published, forGood }: Simulation,
  records: PaymentRecord[],
): void {
  const expected = new Map<string, string>();
  for (const record of records) {
    if (forGood.fault === 'subscriber-refuses' && record.id === forGood.paymentId) continue;
    for (const [index, { source, facts }] of record.history.entries()) {
      // How our own call began is not published.
      if (index === 0 && source === 'create' && isBeginning(facts.state)) continue;
      const { id, body } = publicationOf(record, index + 1, EVENT_SOURCE);
      expected.set(id, body);
    }
  }
  const once = new Map(
    [...published]
      .filter(([id]) => forGood.fault !== 'subscriber-refuses' || !id.startsWith(`${forGood.paymentId}:`))
      .map(([id, bodies]) => [id, [...bodies]]),
  );
  expect(once, 'every change is published with the same bytes, and nothing else').toEqual(
    new Map([...expected].map(([id, body]) => [id, [body]])),
  );
}

/** Every 200 to paytech was applied, judged, quarantined, or is in the dead-letter queue. */
function everyAcknowledgedWebhookHasAnEnd({ acknowledged, processed, deadLetters }: Simulation): void {
  const parked = new Set(deadLetters.map((message) => keyOf(readMessage(message))));
  for (const key of acknowledged.keys()) {
    expect(processed.has(key) || parked.has(key), `webhook ${key} has an end`).toBe(true);
  }
}

/**
 * What a record says was asked for is what was, to the last digit: of the payment, or, where several have one
 * reference and nothing tells them apart, of what we have asked for under it. Never what was paid instead.
 */
function noAmountIsRounded(simulation: Simulation, records: PaymentRecord[]): void {
  for (const { id, requestedAmount } of records) {
    if (!requestedAmount) continue;
    const asked = simulation.gateway.payments.get(id)?.asked?.amount?.toFixed();
    const subject = simulation.ledger.mayBeFor(id);
    const alsoAsked = subject ? simulation.amountsAskedFor(subject) : [];
    expect([asked, ...alsoAsked], `asked amount of ${id}`).toContain(requestedAmount.toFixed());
  }
}

/**
 * Every claim came to an end that what paytech has explains: known where it has the payment, let go of where
 * nothing was sent, and marked for a person where nobody can know.
 */
async function everyClaimHasAnEnd(
  simulation: Simulation,
  records: PaymentRecord[],
  table: Table,
): Promise<void> {
  const { orders, backOffice, ledger, own, forGood } = simulation;
  const isOpenForGood = forGood.fault === 'list-down' || forGood.fault === 'payment-unreadable';
  for (const { kind, id } of backOffice.requests.values()) {
    const claim = await readClaim(table, kind, id);
    const stage = claim?.stage;
    const [made] = ledger.ours({ kind, id }).filter((each) => !ledger.denied.has(each.id));
    const isAlone = ledger.siblings({ kind, id }).length === 1;
    if (isOpenForGood && own.isOpen(`${kind}#${id}`)) continue;
    if (stage === 'flagged') {
      expect(own.isOpen(`${kind}#${id}`), `claim of ${id} is marked`).toBe(true);
      continue;
    }
    expect([undefined, 'known', 'released'], `claim of ${id}`).toContain(stage);
    if (made && isAlone && !isOpenForGood)
      expect(stage, `claim of ${id}, of ${describe(made)}`).toBe('known');
  }
  for (const { referenceId: id } of orders) {
    const { stage, unattended } = (await readClaim(table, 'deposit', id)) ?? {};
    if (isOpenForGood && own.isOpen(`deposit#${id}`)) continue;
    if (stage === 'flagged' && unattended) {
      expect(own.isOpen(`deposit#${id}`), `claim of ${id} is marked`).toBe(true);
      continue;
    }
    // What became of an attempt is looked up once none of the order's other payments answers for it; what looks like a
    // cascade as well as like a cycle may be recorded as one of them.
    const siblings = siblingsOnRecord(simulation, records, { kind: 'deposit', id });
    const taken = records.filter(({ origin, referenceId }) => origin === 'service' && referenceId === id);
    const isPaid = [...siblings, ...taken].some(({ state }) => meansMoney(state));
    const ends = [undefined, 'known', 'released', ...(isPaid ? ['sent', 'unknown'] : [])];
    expect(ends, `claim of ${id}`).toContain(stage);
  }
}

function none(found: readonly string[], what: string): void {
  if (found.length > 0) throw new Error(`${what}: ${found.join('; ')}`);
}

function describe({ id, facts }: MadePayment): string {
  return `${id} ${facts.state}`;
}
