/** The JSON Schema of the events to subscribers. */
import { paymentEvent } from '../../shared/payment/event-schema.ts';
import { toJsonSchema } from './openapi/json-schema.ts';

/** The schema as it is kept in `payment-event.schema.json`. */
export function eventSchemaText(): string {
  const schema = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Payment event',
    description:
      'A CloudEvents 1.0 message: one change of a payment, with the whole payment as of its version. Amounts are strings, exact decimals with up to 18 decimal places: read them as decimals, not as binary floats. Fields may be added.',
    ...toJsonSchema(paymentEvent),
  };
  return `${JSON.stringify(schema, null, 2)}\n`;
}
