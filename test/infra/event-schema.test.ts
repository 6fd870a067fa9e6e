import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { eventSchemaText, eventTypes } from '../../infra/generate/event-schema-document.ts';

test('payment-event.schema.json is up to date (else: npm run event-schema)', () => {
  const text = readFileSync(join(import.meta.dirname, '../../payment-event.schema.json'), 'utf8');
  expect(text === eventSchemaText()).toBe(true);
});

test('the types of events are up to date (else: npm run event-schema)', () => {
  const text = readFileSync(join(import.meta.dirname, '../../shared/payment/event-types.ts'), 'utf8');
  expect(text === eventTypes()).toBe(true);
});
