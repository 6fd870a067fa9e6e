import { readEvent } from './event-schema.ts';
import type { ReadPaymentEvent } from './event-types.ts';
// The type of JSON.parse that tells the text of a number.
import type {} from './json.ts';
import { decimal } from './money.ts';

/**
 * Reads an event as a subscriber received it, amounts exact, be they texts or, as in older events, numbers. Fields
 * that are newer than this schema are left out. Throws a SyntaxError or a ZodError on anything that is not a payment
 * event.
 */
export function readPaymentEvent(text: string): ReadPaymentEvent {
  const parsed = JSON.parse(text, (key, value, { source }) =>
    typeof value === 'number' && key !== 'version' ? decimal(source) : value,
  );
  return readEvent.parse(parsed);
}
