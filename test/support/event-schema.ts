import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { closed } from './openapi.ts';

const ajv = new Ajv2020({ allErrors: true });
addFormats.default(ajv);
const file = join(import.meta.dirname, '..', '..', 'payment-event.schema.json');
/** Events have no fields that are not in the schema; subscribers should not count on that. */
const validate = ajv.compile(closed(JSON.parse(readFileSync(file, 'utf8'))));

/** What is wrong with the body of a message to subscribers by `payment-event.schema.json`, or undefined. */
export function eventProblem(body: string): string | undefined {
  return validate(JSON.parse(body)) ? undefined : ajv.errorsText(validate.errors);
}
