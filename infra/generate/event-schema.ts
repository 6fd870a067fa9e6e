/** `npm run event-schema`: writes `payment-event.schema.json`, and the events' types. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventSchemaText, eventTypes } from './event-schema-document.ts';

const root = join(import.meta.dirname, '..', '..');
writeFileSync(join(root, 'payment-event.schema.json'), eventSchemaText());
writeFileSync(join(root, 'shared', 'payment', 'event-types.ts'), eventTypes());
