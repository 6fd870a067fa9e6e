/** The card that a customer types in: looked at, and forgotten. */
import { findTestCard, type TestCard } from './sandbox.ts';

/** The form's fields as they were typed; as problems, what is wrong with each. */
export interface CardFields {
  cardNumber: string;
  /** MM/YY or MM/YYYY */
  expiry: string;
  cvv: string;
}

export type ReadCard = { card: TestCard; problems?: never } | { card?: never; problems: Partial<CardFields> };

/** A card is good through the last day of its month. Messages never repeat what was typed. */
export function readCard({ cardNumber, expiry, cvv }: CardFields, now: Date): ReadCard {
  const card = findTestCard(cardNumber);
  const [, month = '', year = ''] = /^\s*(0?[1-9]|1[0-2])\s*\/\s*(?:20)?(\d{2})\s*$/.exec(expiry) ?? [];
  const isPast = Date.UTC(2000 + Number(year), Number(month)) <= now.getTime();
  const problems: Partial<CardFields> = {
    ...(!card && { cardNumber: 'Please use one of the test cards.' }),
    ...(isPast && { expiry: 'The card has expired.' }),
    ...(!month && { expiry: 'Month and year, such as 09/30.' }),
    ...(!/^\d{3}$/.test(cvv.trim()) && { cvv: 'The three digits on its back.' }),
  };
  return card && Object.keys(problems).length === 0 ? { card } : { problems };
}
