import { expect } from 'vitest';
import { openOperation } from '../../shared/payment/action.ts';
import { stands } from '../../shared/payment/chargeback.ts';
import { type Decimal, decimal } from '../../shared/payment/money.ts';
import type { PaymentRecord } from '../../shared/payment/payment.ts';
import { heldBy, paidIn, type RefundEntry } from '../../shared/payment/refund.ts';
import { isFinal } from '../../shared/payment/state.ts';
import type { Simulation } from './simulation.ts';
import { truthOf } from './simulation-state.ts';

/* The invariants of money that goes back: by refunds, and by chargebacks, beside which nothing is refunded. */

/**
 * What is refundable is what the records say was paid less what is reserved or settled; and once everything is published,
 * what was paid at paytech less every refund there that has not failed, and less what is set aside for a refund of
 * which nobody knows what became.
 */
export function refundableIsWhatTheBooksSay(simulation: Simulation, records: PaymentRecord[]): void {
  const { gateway, logger } = simulation;
  const recorded = new Map(records.map((record) => [record.id, record]));
  for (const deposit of records.filter(({ paymentType }) => paymentType === 'DEPOSIT')) {
    if (deposit.refundsUnknown) continue;
    const entries = [...(deposit.refunds ?? new Map()).entries()] as [string, RefundEntry][];
    const held = sum(entries.map(([, entry]) => heldBy(entry)));
    const refundable = deposit.refundable ?? decimal('0');
    expect(refundable.toFixed(), `refundable of ${deposit.id} by its entries`).toBe(
      paidIn(deposit).minus(held).toFixed(),
    );

    const refunds = [...gateway.payments.values()].filter(
      ({ paymentType, parentPaymentId }) => paymentType === 'REFUND' && parentPaymentId === deposit.id,
    );
    const { facts } = gateway.payments.get(deposit.id)!;
    const isAllPublished = [deposit.id, ...refunds.map(({ id }) => id)].every((id) => {
      const record = recorded.get(id);
      const isLinked = id === deposit.id || record?.parentPaymentId === deposit.id;
      return record && isLinked && truthOf(record) === truthOf(gateway.payments.get(id)!.facts);
    });
    if (!isAllPublished || refunds.some((each) => each.facts.currency !== facts.currency)) continue;
    const made = new Set(refunds.map(({ id }) => id));
    const open = entries.filter(([, { paymentId }]) => paymentId === undefined || !made.has(paymentId));
    const unknown = open.filter(([id]) => !simulation.ledger.ours({ kind: 'refund', id }).length);
    const taken = sum(
      refunds
        .filter((each) => each.facts.state !== 'DECLINED' && each.facts.state !== 'CANCELLED')
        .map((each) => each.facts.amount!),
    );
    const paid = facts.state === 'COMPLETED' ? facts.amount! : decimal('0');
    const books = paid.minus(taken).minus(sum(unknown.map(([, entry]) => heldBy(entry))));
    expect(refundable.toFixed(), `refundable of ${deposit.id} by paytech's books`).toBe(books.toFixed());
    if (isFinal(deposit.state) && refundable.lt(0)) expect(logger.metrics()).toContain('RefundedTooMuch');
  }
}

function sum(amounts: readonly Decimal[]): Decimal {
  return amounts.reduce((total, amount) => total.plus(amount), decimal('0'));
}

/**
 * What has been registered from here is in the record, or undecided and looked after. Nothing is refunded while it
 * stands, and what stands open alarms.
 */
export function chargebacksAreKnown({ disputes, own }: Simulation, records: PaymentRecord[]): void {
  for (const record of records) {
    const { id, chargeback, disputed = false } = record;
    const isUndecided = openOperation(record)?.kind === 'chargeback';
    if (disputes.get(id)?.by === 'us')
      expect(chargeback !== undefined || isUndecided, `chargeback of ${id} is known`).toBe(true);
    const mayHaveOne = disputes.has(id) || record.operations.some(({ kind }) => kind === 'chargeback');
    if (!mayHaveOne) expect(chargeback, `made up chargeback of ${id}`).toBe(undefined);
    if (isUndecided) expect(own.isOpen(`payment#${id}`), `chargeback of ${id} is looked after`).toBe(true);
    const isStanding = isUndecided || (chargeback !== undefined && stands(chargeback.state));
    expect(disputed, `refunds of ${id} wait for ${chargeback?.state}`).toBe(isStanding);
    if (chargeback?.state === 'OPEN')
      expect(own.isOpen(`standing#chargeback-open#${id}`), `open chargeback of ${id} alarms`).toBe(true);
  }
}
