/** `npm run event-schema`: writes `payment-event.schema.json`. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventSchemaText } from './event-schema-document.ts';

writeFileSync(join(import.meta.dirname, '..', '..', 'payment-event.schema.json'), eventSchemaText());
