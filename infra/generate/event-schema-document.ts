/** The events to subscribers as JSON Schema, and as TypeScript types without the library that checks them. */
import { paymentEvent, readEvent } from '../../shared/payment/event-schema.ts';
import { toJsonSchema } from './openapi/json-schema.ts';
import { interfacesOf } from './typescript.ts';

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

/** The types as they are kept in `shared/payment/event-types.ts`. */
export function eventTypes(): string {
  const event = toJsonSchema(readEvent);
  const data = event.properties!.data as typeof event;
  const interfaces = interfacesOf({
    ReadPaymentEvent: {
      ...event,
      description:
        'An event as it was read; one from before amounts were texts has neither `dataschema` nor `origin`.',
    },
    EventPayment: {
      ...(data.properties!.payment as typeof event),
      description: 'The payment as of one version.',
    },
  });
  return `// Made by \`npm run event-schema\`, from shared/payment/event-schema.ts.
import type { Decimal } from './money.ts';

${interfaces}`;
}
