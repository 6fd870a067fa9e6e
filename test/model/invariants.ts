import { expect } from 'vitest';
import { publicationOf } from '../../shared/payment/cloud-event.ts';
import { type Decimal, decimal } from '../../shared/payment/money.ts';
import type { PaymentRecord } from '../../shared/payment/payment.ts';
import { parseGatewayReference } from '../../shared/payment/reference.ts';
import { heldBy, holdsMoney, paidIn, type RefundEntry } from '../../shared/payment/refund.ts';
import { isFinal } from '../../shared/payment/state.ts';
import { eventKey, readMessage } from '../../shared/queue/event-queue.ts';
import { readClaim } from '../../shared/store/claims.ts';
import { readPayment } from '../../shared/store/payments.ts';
import type { Table } from '../../shared/store/table.ts';
import { EVENT_SOURCE, type Simulation, truthOf } from './simulation.ts';

/** What must hold after every schedule, each by its name. Every check throws with the name and the evidence. */

export async function recordsOf(simulation: Simulation, table: Table): Promise<PaymentRecord[]> {
  const ids = [...simulation.gateway.payments.keys()];
  return (await Promise.all(ids.map((id) => readPayment(table, id)))).filter(
    (record) => record !== undefined,
  );
}

export async function checkInvariants(simulation: Simulation, table: Table): Promise<void> {
  const records = await recordsOf(simulation, table);
  onePaymentPerAttempt(simulation);
  await nothingIsPaidTwiceUnnoticed(simulation, records);
  finalStatesChangeByConfirmationOnly(simulation, records);
  versionsCountTheChanges(records);
  everyChangeIsPublishedAndNothingElse(simulation, records);
  everyAcknowledgedWebhookHasAnEnd(simulation);
  noAmountIsRounded(simulation, records);
  everyPaymentIsRecorded(simulation, records);
  theRecordEndsAsPaytechSays(simulation, records);
  await noClaimStaysOpen(simulation, table);
  moneyGoesOutOnce(simulation);
  refundsStayWithinWhatWasPaid(simulation, records);
}

/** paytech has at most one payment under each attempt's reference. */
function onePaymentPerAttempt({ gateway }: Simulation): void {
  const references = [...gateway.payments.values()].map(({ referenceId }) => referenceId);
  expect(new Set(references).size, `one payment per attempt: ${references}`).toBe(references.length);
}

/**
 * An order is paid at most once, unless paytech itself turned a confirmed end round; and whenever the records
 * show two paid attempts, the alarm was raised.
 */
async function nothingIsPaidTwiceUnnoticed(
  { gateway, orders, corrected, logger }: Simulation,
  records: PaymentRecord[],
): Promise<void> {
  for (const { referenceId } of orders) {
    const attempts = [...gateway.payments.values()].filter(
      (payment) => parseGatewayReference(payment.referenceId ?? '')?.referenceId === referenceId,
    );
    const paid = attempts.filter(({ facts }) => facts.state === 'COMPLETED');
    const turnedRound = attempts.some(({ id }) => corrected.has(id));
    if (!turnedRound) expect(paid.length, `paid at most once: ${referenceId}`).toBeLessThanOrEqual(1);
    const recordedPaid = records.filter(
      (each) => each.referenceId === referenceId && each.state === 'COMPLETED',
    );
    if (recordedPaid.length > 1 && recordedPaid.every(holdsMoney))
      expect(logger.metrics(), 'paid twice is noticed').toContain('OrderPaidTwice');
  }
}

/** After a final state comes nothing but a correction, and a correction is something that was true at paytech. */
function finalStatesChangeByConfirmationOnly({ truths }: Simulation, records: PaymentRecord[]): void {
  for (const { id, history } of records) {
    for (const [index, entry] of history.entries()) {
      const before = history[index - 1];
      const saysTheSame = entry.learned && entry.facts.state === before?.facts.state;
      if (before && isFinal(before.facts.state) && !saysTheSame) {
        expect(entry.corrected, `final state of ${id}`).toBe(true);
      }
      if (entry.corrected) {
        expect(truths.get(id), `correction of ${id} is paytech's word`).toContain(truthOf(entry.facts));
      }
    }
  }
}

/** The version is the number of changes, and no event made two of them. */
function versionsCountTheChanges(records: PaymentRecord[]): void {
  for (const { id, version, history, state } of records) {
    expect(version, `version of ${id}`).toBe(history.length);
    expect(history.at(-1)?.facts.state, `state of ${id}`).toBe(state);
    const keys = history.map(({ key }) => key).filter(Boolean);
    expect(new Set(keys).size, `each event once on ${id}`).toBe(keys.length);
  }
}

/** What is in the histories is what was published, under each id the very bytes that can be made again. */
function everyChangeIsPublishedAndNothingElse({ published }: Simulation, records: PaymentRecord[]): void {
  const expected = new Map<string, string>();
  for (const record of records) {
    for (const [index, { source }] of record.history.entries()) {
      if (index === 0 && source === 'create') continue;
      const { id, body } = publicationOf(record, index + 1, EVENT_SOURCE);
      expected.set(id, body);
    }
  }
  const once = new Map([...published].map(([id, bodies]) => [id, [...bodies]]));
  expect(once, 'every change is published with the same bytes, and nothing else').toEqual(
    new Map([...expected].map(([id, body]) => [id, [body]])),
  );
}

/** Every 200 to paytech was applied, judged, quarantined, or is in the dead-letter queue. */
function everyAcknowledgedWebhookHasAnEnd({ acknowledged, settled, deadLetters }: Simulation): void {
  const parked = new Set(deadLetters.map((message) => eventKey(readMessage(message))));
  for (const key of acknowledged.keys()) {
    expect(settled.has(key) || parked.has(key), `webhook ${key} has an end`).toBe(true);
  }
}

/** Amounts are those that paytech and the storefront named, to the last digit. */
function noAmountIsRounded({ gateway }: Simulation, records: PaymentRecord[]): void {
  const asked = new Map(
    gateway.bodies.map(({ referenceId, amount }) => [
      referenceId,
      (amount as Decimal | undefined)?.toFixed(),
    ]),
  );
  for (const record of records) {
    const reference = gateway.payments.get(record.id)?.referenceId ?? '';
    // What was asked for elsewhere need not be told; what was asked for here is known.
    const isTold = record.requestedAmount !== undefined || record.origin === 'service';
    if (isTold) {
      expect(record.requestedAmount?.toFixed(), `asked amount of ${record.id}`).toBe(asked.get(reference));
    }
  }
}

/** What paytech has is in the table, whoever made it and whatever became of the call. */
function everyPaymentIsRecorded({ gateway }: Simulation, records: PaymentRecord[]): void {
  const recorded = new Set(records.map(({ id }) => id));
  const missing = [...gateway.payments.keys()].filter((id) => !recorded.has(id));
  expect(missing, 'payments that are not recorded').toEqual([]);
}

/** Where paytech's final word arrived, the record says the same, in state and amount. */
function theRecordEndsAsPaytechSays({ gateway }: Simulation, records: PaymentRecord[]): void {
  for (const record of records) {
    const { facts } = gateway.payments.get(record.id)!;
    if (isFinal(facts.state)) expect(truthOf(record), `end of ${record.id}`).toBe(truthOf(facts));
  }
}

/** No payout and no action is sent twice that paytech may have carried out. */
function moneyGoesOutOnce({ backOffice }: Simulation): void {
  for (const [reference, times] of backOffice.sent) expect(times, `payout ${reference} is sent once`).toBe(1);
  for (const [id, times] of backOffice.acted) expect(times, `action on ${id} is sent once`).toBe(1);
}

/**
 * What is refundable is what was paid less what is reserved or settled, each entry says what became of its refund,
 * and paytech never pays back more than was paid, unless it turned a confirmed end round; then the alarm is raised.
 */
function refundsStayWithinWhatWasPaid(
  { gateway, corrected, logger }: Simulation,
  records: PaymentRecord[],
): void {
  for (const deposit of records.filter(({ paymentType }) => paymentType === 'DEPOSIT')) {
    const entries = [...(deposit.refunds ?? new Map()).values()] as RefundEntry[];
    const held = entries.reduce((sum, entry) => sum.plus(heldBy(entry)), decimal('0'));
    const paid = paidIn(deposit);
    const refundable = deposit.refundable ?? decimal('0');
    expect(refundable.toFixed(), `refundable of ${deposit.id}`).toBe(paid.minus(held).toFixed());

    const refunds = [...gateway.payments.values()].filter((each) => each.parentPaymentId === deposit.id);
    for (const { id, facts } of refunds) {
      const stage = entries.find(({ paymentId }) => paymentId === id)?.stage;
      if (isFinal(facts.state))
        expect(stage, `entry of ${id}`).toBe(facts.state === 'COMPLETED' ? 'settled' : 'returned');
    }
    const paidBack = refunds
      .filter(({ facts }) => facts.state === 'COMPLETED')
      .reduce((sum, { facts }) => sum.plus(facts.amount!), decimal('0'));
    const turnedRound = [deposit, ...refunds].some(({ id }) => corrected.has(id));
    const everPaid = deposit.history.map(({ facts }) =>
      facts.state === 'COMPLETED' ? facts.amount! : decimal('0'),
    );
    const isWithin = everPaid.some((amount) => paidBack.lte(amount));
    if (!turnedRound) expect(isWithin || paidBack.eq(0), `refunds of ${deposit.id}: ${paidBack}`).toBe(true);
    if (isFinal(deposit.state) && refundable.lt(0)) expect(logger.metrics()).toContain('RefundedTooMuch');
  }
}

/** Every claim came to an end; only what may have paid out unseen waits for a person. */
async function noClaimStaysOpen({ orders, backOffice, gateway }: Simulation, table: Table): Promise<void> {
  const orderOf = (reference = '') => parseGatewayReference(reference)?.referenceId;
  // A payout whose attempt was answered 429 may go out as another.
  const references = new Set([...gateway.payments.values()].map(({ referenceId }) => orderOf(referenceId)));
  const sent = new Set([...backOffice.sent.keys()].map(orderOf));
  for (const { name, id } of backOffice.requests.values()) {
    const claim = await readClaim(table, name, id);
    const ends = references.has(id)
      ? ['known']
      : sent.has(id)
        ? ['flagged']
        : // The answer to our own write was lost: whether the call followed, nobody can tell.
          ['released', 'flagged', undefined];
    expect(ends, `claim of ${id}`).toContain(claim?.stage);
  }
  for (const { referenceId } of orders) {
    const claim = await readClaim(table, 'deposit', referenceId);
    expect(claim?.stage ?? 'known', `claim of ${referenceId}`).toBe('known');
  }
}
