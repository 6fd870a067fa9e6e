/** Values that fit a schema of openapi.json. */
import fc from 'fast-check';
import { AMOUNT_TEXT } from '../../shared/payment/money.ts';
import { RawText } from './json-text.ts';

// biome-ignore lint/suspicious/noExplicitAny: a JSON Schema is JSON of any shape
type Json = any;

/** In every free text: it must be in no log. */
export const PLANTED = 'Quackenbush';

export type Overrides = Readonly<Record<string, fc.Arbitrary<unknown>>>;

const AMOUNTS = [
  '0',
  '0.00001',
  '1',
  '10',
  '11.12',
  '0.1',
  '999999999.123456789012345678',
  '1000000000',
  '1e2', // As a number only.
];
/** As a text, which the document names, and as the number that is taken as well. */
const amount = fc
  .tuple(
    fc.oneof(
      fc.constantFrom(...AMOUNTS),
      fc.tuple(fc.nat({ max: 9_999 }), fc.nat({ max: 99 })).map(([whole, cents]) => `${whole}.${cents}`),
    ),
    fc.boolean(),
  )
  .map(([text, isText]) => (isText ? text : new RawText(text)));

/** `overrides` by property name, at any depth: what must be an id that exists, or the like. */
export function fromSchema(schema: Json, document: Json, overrides: Overrides = {}): fc.Arbitrary<unknown> {
  const of = (each: Json): fc.Arbitrary<unknown> => fromSchema(each, document, overrides);
  if (schema.$ref) return of(document.components.schemas[schema.$ref.split('/').at(-1)]);
  if (schema.anyOf) return fc.oneof(...schema.anyOf.map(of));
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum) return fc.constantFrom(...schema.enum);
  switch (schema.type) {
    case 'object':
      return objectOf(schema, of, overrides);
    case 'array':
      return fc.array(of(schema.items ?? {}), { maxLength: 3 });
    case 'string':
      return textOf(schema);
    case 'integer':
      return fc.integer({ min: schema.minimum ?? 0, max: schema.maximum ?? 1_000_000 });
    case 'boolean':
      return fc.boolean();
    default:
      return fc.jsonValue({ maxDepth: 2 });
  }
}

function objectOf(schema: Json, of: (schema: Json) => fc.Arbitrary<unknown>, overrides: Overrides) {
  const { properties = {}, required = [], additionalProperties } = schema;
  const members = Object.entries<Json>(properties).map(([name, each]) => [name, overrides[name] ?? of(each)]);
  if (members.length > 0) return fc.record(Object.fromEntries(members), { requiredKeys: required });
  const values = typeof additionalProperties === 'object' ? of(additionalProperties) : fc.constant('v');
  return additionalProperties === false
    ? fc.constant({})
    : fc.dictionary(fc.string({ maxLength: 8 }), values, { maxKeys: 4 });
}

/** Look-aheads are beyond fast-check. */
const PHONE = fc.constantFrom('44 02072243688', '4930123456');

function textOf({ pattern, format, minLength = 0, maxLength = 40 }: Json): fc.Arbitrary<unknown> {
  if (pattern === AMOUNT_TEXT.source) return amount;
  if (pattern?.includes('(?=')) return PHONE;
  if (pattern) return fc.stringMatching(new RegExp(pattern));
  if (format) return fc.constantFrom('2026-11-23T12:00:00Z', 'https://shop.example/back');
  return fc
    .string({ minLength, maxLength: 20 })
    .map((text) => (PLANTED + text).slice(0, Math.max(minLength, maxLength)));
}
