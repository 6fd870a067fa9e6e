import { type StandDependencies, stand } from '../../shared/calls/stand.ts';
import { foundInRecord, quarantinedAs } from '../../shared/calls/still-to-decide.ts';
import type { PaymentRecord, UnknownWord } from '../../shared/payment/payment.ts';
import { UNKNOWN_WORD_MS } from '../../shared/payment/standing.ts';
import { raise } from '../../shared/store/standing.ts';

/*
 * What an event brings that a person has to decide. Said again whenever the event comes again, since its process may
 * have died before the alarm stood.
 */

export async function warnIfCorrected(
  deps: StandDependencies,
  { id, history }: PaymentRecord,
  version: number,
): Promise<void> {
  const [before, entry] = [history[version - 2], history[version - 1]];
  if (!entry?.corrected) return;
  const finding = { alarm: 'payment-corrected', id, found: [`version ${version}`] } as const;
  const change = { from: before?.facts.state, to: entry.facts.state };
  await stand(deps, finding, 'payment corrected', { paymentId: id, ...change });
}

/** `nth`: it is the how manieth event of the payment that is quarantined. */
export async function warnOfQuarantine(
  deps: StandDependencies,
  { id, state }: PaymentRecord,
  claimed: string,
  nth: number,
): Promise<void> {
  const finding = { alarm: 'event-quarantined', id, found: [quarantinedAs(nth)] } as const;
  await stand(deps, finding, 'event quarantined', { paymentId: id, state, claimed });
}

/** What was refunded goes beyond what was paid in the end; somebody has to get it back. */
export async function warnIfRefundedTooMuch(deps: StandDependencies, record: PaymentRecord): Promise<void> {
  const { id, refundsUnknown } = record;
  const found = foundInRecord('refunded-too-much', record);
  if (refundsUnknown || found.length === 0) return;
  const finding = { alarm: 'refunded-too-much', id, found } as const;
  await stand(deps, finding, 'more refunded than paid', { paymentId: id });
}

/** The payment turned out to be in another currency than its refunds, so that nobody can tell what is left. */
export async function warnIfIncomparable(
  deps: StandDependencies,
  before: PaymentRecord,
  after: PaymentRecord,
): Promise<void> {
  if (before.refundsUnknown || !after.refundsUnknown) return;
  const { id } = after;
  const found = foundInRecord('refunded-too-much', after);
  const finding = { alarm: 'refunded-too-much', id, found } as const;
  const currencies = { from: before.currency, to: after.currency };
  await stand(deps, finding, 'refunds in another currency than the payment', {
    paymentId: id,
    ...currencies,
  });
}

/** A refund was made elsewhere, and paytech does not say of how much: nobody can tell what is left. */
export async function warnOfUnknownRefunds(deps: StandDependencies, deposit: PaymentRecord): Promise<void> {
  const { id } = deposit;
  const finding = {
    alarm: 'refunded-too-much',
    id,
    found: foundInRecord('refunded-too-much', deposit),
  } as const;
  await stand(deps, finding, 'refund of an unknown amount', { paymentId: id });
}

/** The alarm of a word that nobody knows stands once it has lasted: paytech may name one for a moment. */
export async function watchUnknownWord(
  { table, logger, now }: StandDependencies,
  paymentId: string,
  said: Pick<UnknownWord, 'of' | 'word'>,
): Promise<void> {
  logger.warn('state or type unknown', { metric: 'UnknownState', paymentId, ...said });
  const finding = {
    alarm: 'unknown-state-for-long',
    id: paymentId,
    found: [`${said.of} ${said.word}`],
  } as const;
  await raise(table, finding, now(), now() + UNKNOWN_WORD_MS);
}
