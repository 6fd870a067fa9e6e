/** The kinds of field that requests are made of, and `parse`, which turns issues into paytech's field errors. */
import * as z from 'zod';
import { type Decimal, decimal, decimalPlaces, isDecimal } from '../../../shared/payment/money.ts';
import { Refusal } from './refusal.ts';

export const text = (max: number) => z.string().max(max);
export const exactly = (length: number) => z.string().length(length);
export const date = z.string().regex(/^\d{4}-\d{2}-\d{2}$/, 'must be YYYY-MM-DD');
export const webUrl = text(512).regex(/^https?:\/\//, 'must be an http or https URL');

/** A number of the parsed body, exact. */
export const exactNumber = z.custom<Decimal>(isDecimal, 'must be a number');

const MAX_AMOUNT = decimal('1000000000');
export const amount = exactNumber
  .refine((value) => value.lte(MAX_AMOUNT), 'must be at most 1000000000')
  .refine((value) => decimalPlaces(value) <= 18, 'must be a multiple of 1e-18');

/** An ISO 4217 code or the symbol of a crypto currency. */
export const currency = z.string().regex(/^[A-Z0-9]{3,10}$/, 'must be an ISO 4217 code or a crypto symbol');

/** The input as the schema describes it; throws a {@link Refusal} that names every wrong field. */
export function parse<Schema extends z.ZodType>(schema: Schema, input: unknown): z.infer<Schema> {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  throw new Refusal(
    'invalid',
    'Validation failed',
    result.error.issues.map(({ path, message }) => ({ field: path.join('.'), message })),
  );
}
