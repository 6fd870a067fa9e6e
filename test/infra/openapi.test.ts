/** The OpenAPI document is what the code says, and has the routes that the stack has. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, test } from 'vitest';
import { readCreateRequest } from '../../functions/create-payment/request.ts';
import { openApiText } from '../../infra/generate/openapi/document.ts';
import { PROBLEMS } from '../../shared/http/problem.ts';
import { parseJson } from '../../shared/payment/json.ts';
import { AMOUNT_TEXT, SIGNED_AMOUNT_TEXT } from '../../shared/payment/money.ts';
import { validatorOf } from '../support/openapi.ts';
import { type Json, minimal, synthesize } from './synthesized.ts';

const text = readFileSync(join(import.meta.dirname, '../../openapi.json'), 'utf8');
const document: Json = JSON.parse(text);
const operations = Object.entries<Json>(document.paths).flatMap(([path, methods]) =>
  Object.entries<Json>(methods).map(([method, operation]) => ({
    key: `${method.toUpperCase()} ${path}`,
    operation,
  })),
);

test('openapi.json is up to date (else: npm run openapi)', () => {
  expect(text === openApiText()).toBe(true);
});

/** OpenAPI's own schema, https://spec.openapis.org/oas/3.1/schema/2026-08-03 (Apache-2.0), and JSON Schema's for the schemas in it. */
test('openapi.json is a valid OpenAPI 3.1 document', () => {
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  const isDocument = ajv.compile(
    JSON.parse(readFileSync(join(import.meta.dirname, '../fixtures/openapi-3.1.schema.json'), 'utf8')),
  );
  expect(isDocument(document), ajv.errorsText(isDocument.errors)).toBe(true);
  for (const [name, schema] of Object.entries<Json>(document.components.schemas)) {
    expect(ajv.validateSchema(schema), `${name}: ${ajv.errorsText()}`).toBe(true);
  }
});

test('every error code is documented with its status and with no other', () => {
  const documented = operations.flatMap(({ operation }) =>
    Object.entries<Json>(operation.responses).flatMap(([status, { content }]) =>
      (content['application/problem+json']?.schema.properties?.code.enum ?? []).map(
        (code: string) => `${code} ${status}`,
      ),
    ),
  );
  const all = Object.entries(PROBLEMS).map(([code, { status }]) => `${code} ${status}`);
  expect([...new Set(documented)].sort()).toEqual(all.sort());
});

test('the values of a schema are listed once, under a name: a generated client has one type of them', () => {
  const listed = [...JSON.stringify(document.components.schemas).matchAll(/"enum":(\[[^\]]*\])/g)];
  const lists = listed.map(([, values]) => values);
  expect(lists.filter((values, at) => lists.indexOf(values) < at)).toEqual([]);
  const { CreatedPayment, Payment, Refund } = document.components.schemas;
  for (const { properties } of [CreatedPayment, Payment, Refund]) {
    expect(properties.state).toEqual({ $ref: '#/components/schemas/PaymentState' });
  }
});

test('operation ids differ, and every schema that is named is there', () => {
  const ids = operations.map(({ operation }) => operation.operationId);
  expect(new Set(ids).size).toBe(ids.length);
  const named = [...text.matchAll(/"#\/components\/schemas\/(\w+)"/g)].map(([, name]) => name!);
  expect([...new Set(named)].sort()).toEqual(Object.keys(document.components.schemas).sort());
});

test('the routes are those of the stack, and so is who may call them', async () => {
  const routesOf = async (settings: object) => {
    const { template } = await synthesize({ ...minimal, hostToHost: true, ...settings });
    const routes = Object.values<Json>(template.findResources('AWS::ApiGatewayV2::Route'));
    // The webhooks of payments have the same route again, by a path that only paytech is told.
    const documented = routes.filter(({ Properties }) => typeof Properties.RouteKey === 'string');
    return documented
      .map(({ Properties }) => `${Properties.RouteKey} ${Properties.AuthorizationType}`)
      .sort();
  };
  const documented = (withTokens: boolean) =>
    operations
      .map(({ key, operation }) => {
        const needsIam = operation.security.some((each: Json) => 'iam' in each);
        const isOpenToo = operation.security.some((each: Json) => Object.keys(each).length === 0);
        return `${key} ${needsIam && !(isOpenToo && withTokens) ? 'AWS_IAM' : 'NONE'}`;
      })
      .sort();
  expect(await routesOf({ orderTokens: 'required' })).toEqual(documented(true));
  expect(await routesOf({ orderTokens: 'off' })).toEqual(documented(false));
}, 240_000);

test('amounts are strings, and every value has a type that generated clients know', () => {
  const found: string[] = [];
  const walk = (schema: Json, path: string): void => {
    if (typeof schema !== 'object' || schema === null) return;
    if (schema.type === 'number') found.push(`${path}: a number`);
    const isChoice = 'const' in schema || Array.isArray(schema.enum);
    if (isChoice && typeof schema.type !== 'string') found.push(`${path}: values without a type`);
    if (Math.abs(schema.minimum ?? schema.maximum) === Number.MAX_SAFE_INTEGER)
      found.push(`${path}: a bound of JavaScript`);
    if (schema.properties) {
      for (const [name, each] of Object.entries<Json>(schema.properties)) {
        const isAmount = /amount|refundable/i.test(name) && each.type !== 'boolean';
        const { pattern } = each.items ?? each;
        const isText = [AMOUNT_TEXT.source, SIGNED_AMOUNT_TEXT.source].includes(pattern);
        if (isAmount && !isText) found.push(`${path}/${name}: no decimal string`);
      }
    }
    for (const [name, each] of Object.entries(schema)) walk(each, `${path}/${name}`);
  };
  walk(document, '');
  expect(found).toEqual([]);
  // A body that is one of several has a name: unnamed, generated clients send it as {}.
  const unnamed = operations.filter(
    ({ operation }) =>
      operation.requestBody && !operation.requestBody.content['application/json'].schema.$ref,
  );
  expect(unnamed.map(({ key }) => key)).toEqual([]);
});

describe('the schema of a body says what the handler says', () => {
  const validate = validatorOf(document).schema('OrderWithoutToken');
  const order = '"referenceId":"order-1","currency":"EUR"';

  test.each([
    `{${order},"amount":"11.12"}`,
    `{${order},"amount":"999999999.123456789012345678","paymentMethod":"PIX","customer":{"phone":"44 2072243688"}}`,
    `{${order},"amount":"0","preAuth":true,"additionalParameters":{"a":"b"},"checkoutStyle":"dark"}`,
    `{${order},"amount":"1","customer":{"kycStatus":"PASSED","depositsCnt":3,"depositsAmount":"1.5"}}`,
    `{${order},"amount":"1","customer":{"ip":"2001:db8::1","locale":"en_GB"}}`,
  ])('takes %s', (body) => {
    expect(() => readCreateRequest(parseJson(body), [])).not.toThrow();
    expect(validate(JSON.parse(body))).toBeUndefined();
  });

  test.each([
    '[]',
    `{"referenceId":"order-1","amount":"1"}`,
    `{${order},"amount":"11,12"}`,
    `{${order},"amount":"1e3"}`,
    `{${order},"amount":"-1"}`,
    `{${order},"amount":-1}`,
    `{${order},"amount":1e10}`,
    `{${order},"amount":"1","checkoutStyle":{"theme":["dark"]}}`,
    `{${order},"amount":"1","colour":"red"}`,
    `{${order},"amount":"1","card":{}}`,
    `{${order},"amount":"1","webhookUrl":"https://evil.example"}`,
    `{${order},"amount":"1","orderToken":"x"}`,
    `{${order},"amount":"1","paymentType":"REFUND"}`,
    `{${order},"amount":"1","customer":{"ip":"not an address"}}`,
    `{${order},"amount":"1","customer":{"phone":"+44"}}`,
    `{${order},"amount":"1","customer":{"depositsCnt":1.5}}`,
    `{${order},"amount":"1","customer":[]}`,
    `{${order},"amount":"1","additionalParameters":{"a":1}}`,
  ])('refuses %s', (body) => {
    expect(() => readCreateRequest(parseJson(body), [])).toThrow();
    expect(validate(JSON.parse(body))).toBeDefined();
  });
});
