/** Requests for every route of openapi.json: valid ones, and what an attacker makes of them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { orderToken } from '../support/order-token.ts';
import { fromSchema, type Overrides, PLANTED } from './from-schema.ts';
import { ALLOWED_ORIGIN } from './handlers.ts';
import { corruption, type Mutation, mutated, mutation, nastyValue, write } from './json-text.ts';

// biome-ignore lint/suspicious/noExplicitAny: an OpenAPI document is JSON of any shape
type Json = any;

export const document: Json = JSON.parse(
  readFileSync(join(import.meta.dirname, '..', '..', 'openapi.json'), 'utf8'),
);

/** `POST /payments`, as the document and API Gateway name it. */
export const ROUTES: string[] = Object.entries<Json>(document.paths).flatMap(([path, methods]) =>
  Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
);

export interface FuzzRequest {
  route: string;
  at: Record<string, string>;
  query: Record<string, string>;
  body: Buffer;
  contentType: string;
  /** How API Gateway hands the body over; `lied` as base64 that it is not. */
  encoding: 'text' | 'base64' | 'lied';
}

function operationOf(route: string): Json {
  const [method = '', path = ''] = route.split(' ');
  return document.paths[path][method.toLowerCase()];
}

/** Of the body; undefined where there is none. */
const schemaOf = (route: string) => operationOf(route).requestBody?.content['application/json'].schema;

const { OrderWithToken, OrderWithoutToken } = document.components.schemas;
const { referenceId: _, amount: __, currency: ___, ...besideTheToken } = OrderWithToken.properties;

const { customer } = OrderWithoutToken.properties;
const { ip: ____, ...ofBrowser } = customer.properties;

/** Unsigned, and so without an address of the customer's. */
export const WITHOUT_TOKEN: Json = {
  ...OrderWithoutToken,
  properties: { ...OrderWithoutToken.properties, customer: { ...customer, properties: ofBrowser } },
};
/** Now and then with fields that the token has, too. */
export const WITH_TOKEN: Json = {
  anyOf: [1, 2, 3].map(() => ({ ...OrderWithToken, properties: besideTheToken })).concat(OrderWithToken),
};

const ODD_IDS = [
  '',
  ' ',
  '.',
  '..',
  '../payments',
  '%2e%2e',
  '%',
  '%00',
  'a/b',
  '\u0000',
  'é',
  '💶',
  '__proto__',
  'constructor',
  'null',
  '-1',
  '0',
  'payment#x',
  'x'.repeat(65),
  'x'.repeat(5_000),
  `order/${PLANTED}`,
];

const CONTENT_TYPES = [
  'application/json',
  'application/json; charset=utf-8',
  'APPLICATION/JSON',
  'text/plain',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  'application/json, application/json',
  '',
];

/** Ids that exist are taken from `pool`; some requests go out as they are, most after a mutation or two. */
export function requestsFor(
  route: string,
  pool: readonly string[],
  schema: Json = schemaOf(route),
): fc.Arbitrary<FuzzRequest> {
  const operation = operationOf(route);
  const known = fc.constantFrom(...pool);
  const id = fc.oneof(
    { weight: 6, arbitrary: known },
    { weight: 1, arbitrary: fc.stringMatching(/^[a-f0-9]{32}$/) },
    { weight: 2, arbitrary: fc.constantFrom(...ODD_IDS) },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 30 }) },
  );
  const overrides: Overrides = {
    id: fc.oneof(known, fc.stringMatching(/^[A-Za-z0-9._:/-]{1,40}$/), fc.constantFrom(...ODD_IDS)),
    paymentId: fc.oneof(known, fc.stringMatching(/^[a-f0-9]{32}$/)),
    returnUrl: fc.constantFrom(`${ALLOWED_ORIGIN}/back?id={id}`, `${ALLOWED_ORIGIN}.evil.example/`),
    orderToken: tokens(),
    ip: fc.constantFrom('198.51.100.1', '2001:db8::1', '198.51.100.256'),
  };
  const names = (place: string): string[] =>
    (operation.parameters ?? []).filter((each: Json) => each.in === place).map((each: Json) => each.name);
  const at = fc.record(Object.fromEntries(names('path').map((name) => [name, id])));
  return fc.record({
    route: fc.constant(route),
    at,
    query: queryOf(names('query')),
    body: schema ? bodies(fromSchema(schema, document, overrides)) : fc.constant(Buffer.alloc(0)),
    contentType: fc.constantFrom(...CONTENT_TYPES),
    encoding: fc.oneof(
      { weight: 4, arbitrary: fc.constant('text' as const) },
      { weight: 2, arbitrary: fc.constant('base64' as const) },
      { weight: 1, arbitrary: fc.constant('lied' as const) },
    ),
  });
}

/** The bytes of a value that fits, after up to three mutations and perhaps a corruption of the whole. */
export function bodies(valid: fc.Arbitrary<unknown>): fc.Arbitrary<Buffer> {
  const mutations = fc.oneof(
    { weight: 3, arbitrary: fc.constant<Mutation[]>([]) },
    { weight: 5, arbitrary: fc.array(mutation, { minLength: 1, maxLength: 3 }) },
  );
  return fc
    .tuple(valid, mutations, corruption)
    .map(([value, mutations, corrupt]) => corrupt(mutated(value, mutations)));
}

const QUERY_VALUES = fc.oneof(
  fc.constantFrom(
    '2026-11-23T12:00:00',
    '2026-02-31T00:00:00',
    '10',
    '0',
    '-1',
    '1e3',
    '1000001',
    '50,60',
    '',
    ' ',
    'order-1',
  ),
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.constantFrom('x'.repeat(5_000), '%00', '__proto__', '٣'),
);

function queryOf(names: readonly string[]): fc.Arbitrary<Record<string, string>> {
  const name = fc.oneof(...(names.length > 0 ? [{ weight: 6, arbitrary: fc.constantFrom(...names) }] : []), {
    weight: 1,
    arbitrary: fc.constantFrom('__proto__', 'constructor', 'id', 'limit[]', ''),
  });
  return names.length > 0
    ? fc.dictionary(name, QUERY_VALUES, { maxKeys: 4 })
    : fc.oneof(fc.constant({}), fc.dictionary(name, QUERY_VALUES, { maxKeys: 2 }));
}

/** Order tokens: most are signed with the right key, whatever they claim. */
function tokens(): fc.Arbitrary<string> {
  const exp = () => Math.floor(Date.now() / 1000) + 3_600;
  const claims = fc.record(
    {
      referenceId: fc.stringMatching(/^[A-Za-z0-9._:/-]{1,40}$/),
      amount: fc.constantFrom('11.12', '0.00001', '999999999.123456789012345678'),
      currency: fc.constantFrom('EUR', 'USDT'),
      exp: fc.constantFrom(exp()),
      payment: fc.record(
        {
          preAuth: fc.boolean(),
          additionalParameters: fc.dictionary(fc.string({ maxLength: 8 }), fc.constant(PLANTED), {
            maxKeys: 2,
          }),
          customer: fc.record(
            { referenceId: fc.constant(PLANTED), depositsCnt: fc.nat() },
            { requiredKeys: [] },
          ),
        },
        { requiredKeys: [] },
      ),
    },
    { requiredKeys: ['referenceId', 'amount', 'currency', 'exp'] },
  );
  const mutations = fc.oneof(
    { weight: 3, arbitrary: fc.constant<Mutation[]>([]) },
    { weight: 1, arbitrary: fc.array(mutation, { minLength: 1, maxLength: 2 }) },
  );
  const keys = fc.constantFrom<{ key?: string; header?: object }>(
    ...Array.from({ length: 12 }, () => ({})),
    { key: 'another-key-of-at-least-32-bytes-length' },
    { header: { alg: 'none' } },
    { header: { alg: 'HS512' } },
    { header: { alg: 'HS256', crit: ['b64'], b64: false } },
  );
  return fc.oneof(
    {
      weight: 8,
      arbitrary: fc
        .tuple(claims, mutations, keys)
        .map(([value, some, parts]) => orderToken(mutated(value, some), parts)),
    },
    { weight: 1, arbitrary: fc.constantFrom('', '..', 'a.b.c', 'x'.repeat(10_000)) },
    { weight: 1, arbitrary: nastyValue.map((value) => write(value).slice(0, 200)) },
  );
}
