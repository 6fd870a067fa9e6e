import * as z from 'zod/mini';
import { lenient, present, shortText as text } from './lenient.ts';

/** A saved card of a customer; absent fields were not mentioned. Source: paytech, "Card tokens". */
export interface SavedCard {
  cardToken: string;
  cardholderName?: string;
  /** `411111***1112`. */
  panMasked?: string;
  expiryMonth?: string;
  expiryYear?: string;
  brand?: string;
  savedByCustomer?: boolean;
}

const wireCard = z.looseObject({
  id: z.string().check(z.minLength(1), z.maxLength(256)),
  cardholderName: text,
  panMasked: text,
  expiryMonth: text,
  expiryYear: text,
  brand: text,
  savedByCustomer: lenient(z.boolean()),
});

/** At most the first six and the last four digits, whatever paytech has masked. */
const MASKED = /^\d{0,6}[*xX•]+\d{0,4}$/;

/** An entry of paytech's list; none where it has no token, by which alone it is of use. */
export function readCard(entry: unknown): SavedCard[] {
  const { data } = wireCard.safeParse(entry);
  if (!data) return [];
  const { id: cardToken, panMasked, ...rest } = data;
  const masked = panMasked && MASKED.test(panMasked) ? panMasked : undefined;
  const { cardholderName, expiryMonth, expiryYear, brand, savedByCustomer } = rest;
  const told = { cardholderName, panMasked: masked, expiryMonth, expiryYear, brand, savedByCustomer };
  return [{ cardToken, ...present(told) }];
}
