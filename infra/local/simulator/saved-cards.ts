/** The cards that customers have paid with, by tokens: read from the payments, so that nothing has to be kept of them. */
import { createHash } from 'node:crypto';
import { isPaid, type Payment } from './payment.ts';
import type { TestCard } from './sandbox.ts';

export interface SavedCard {
  token: string;
  card: TestCard;
  updated: Date;
  savedByCustomer: boolean;
}

/** The token of the card that a named customer used: the same for the same card. */
export function cardTokenOf({ card, request: { customer } }: Payment): string | undefined {
  if (!card || customer?.referenceId === undefined) return undefined;
  const key = JSON.stringify([customer.referenceId, card.number]);
  return createHash('sha256').update(key).digest('hex').slice(0, 32);
}

/** One entry for each card that has paid, as it was used last; the latest first. */
export function savedCardsOf(payments: readonly Payment[], customerId: string): SavedCard[] {
  const cards = new Map<string, SavedCard>();
  const latestFirst = payments.toSorted((a, b) => b.updated.getTime() - a.updated.getTime());
  for (const payment of latestFirst) {
    const { card, updated, savedByCustomer = false, request } = payment;
    const token = cardTokenOf(payment);
    if (!card || !token || !isPaid(payment) || request.customer?.referenceId !== customerId) continue;
    const known = cards.get(token);
    if (known) known.savedByCustomer ||= savedByCustomer;
    else cards.set(token, { token, card, updated, savedByCustomer });
  }
  return [...cards.values()];
}

/** The card behind a token that this gateway has given out. */
export function findSavedCard(payments: readonly Payment[], token: string): TestCard | undefined {
  return payments.find((payment) => isPaid(payment) && cardTokenOf(payment) === token)?.card;
}
