/** The OpenAPI 3.1 document of our API, made from the schemas that the handlers parse with. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { PROBLEMS, type ProblemCode } from '../../../shared/http/problem.ts';
import { toJsonSchema } from './json-schema.ts';
import { withNamedValues } from './named-values.ts';
import { operations } from './operations.ts';
import type { RouteDescription, RouteGroup, SchemaName } from './route.ts';
import { storefront } from './storefront.ts';
import { webhooks } from './webhooks.ts';

/** A new group of routes is one entry here. */
const GROUPS: Record<string, RouteGroup> = { storefront, webhooks, operations };

/** Problems that come with `Retry-After`: the same request may be sent again after so many seconds. */
const RETRYABLE: ReadonlySet<ProblemCode> = new Set([
  'payment.in_progress',
  'payment.outcome_unknown',
  'operation.in_progress',
  'operation.outcome_unknown',
  'gateway.unavailable',
]);

const SECURITY = {
  open: undefined,
  iam: [{ iam: [] }],
  'open-or-iam': [{}, { iam: [] }],
  paytech: [{ paytechSignature: [] }],
};

const problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int().check(z.minimum(400), z.maximum(599)),
  code: z.enum(Object.keys(PROBLEMS) as ProblemCode[]),
  detail: z.string(),
  requestId: z.string(),
  errors: z.array(z.object({ field: z.string(), message: z.string() })),
});

/** One type for whatever has failed, so that a client may ask for the `code` without asking first who answered. */
const failure = z
  .object({ ...z.partial(problem).shape, message: z.optional(z.string()) })
  .check(
    z.describe(
      'A Problem; or the answer of API Gateway itself, which has nothing but a message, and no code.',
    ),
  );

function openApiDocument() {
  const { version, description } = JSON.parse(
    readFileSync(join(import.meta.dirname, '..', '..', '..', 'package.json'), 'utf8'),
  );
  const groups = Object.entries(GROUPS);
  const routes = groups.flatMap(([tag, group]) => group.routes.map((route) => ({ tag, route })));
  const paths: Record<string, Record<string, object>> = {};
  for (const { tag, route } of routes) {
    paths[route.path] = { ...paths[route.path], [route.method]: operation(route, tag) };
  }
  const schemas = Object.assign(
    { Problem: problem, Failure: failure },
    ...groups.map(([, group]) => group.schemas),
  );
  return {
    openapi: '3.1.0',
    info: {
      title: 'paytech payments',
      version,
      description: `${description}\n\nAmounts are strings ("11.12") and exact: read and write them as decimals, not as binary floats.`,
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [
      { url: 'http://127.0.0.1:3000', description: 'npm start; of a deployed stack, its output ApiUrl' },
    ],
    tags: groups.map(([name, { description }]) => ({ name, description })),
    paths,
    components: {
      schemas: {
        ...withNamedValues(
          Object.fromEntries(
            Object.entries(schemas).map(([name, schema]) => [name, toJsonSchema(schema as z.ZodMiniType)]),
          ),
        ),
        ...Object.fromEntries(
          groups.flatMap(([, { unions = {} }]) =>
            Object.entries(unions).map(([name, parts]) => [name, { anyOf: parts.map(reference) }]),
          ),
        ),
      },
      securitySchemes: {
        iam: {
          type: 'apiKey',
          in: 'header',
          name: 'Authorization',
          description: 'AWS Signature Version 4 for the service execute-api.',
          'x-amazon-apigateway-authtype': 'awsSigv4',
        },
        paytechSignature: { type: 'apiKey', in: 'header', name: 'Signature' },
      },
    },
  };
}

/** The document as it is kept in `openapi.json`. */
export function openApiText(): string {
  return `${JSON.stringify(openApiDocument(), null, 2)}\n`;
}

function operation(route: RouteDescription, tag: string) {
  const { operationId, summary, description, body } = route;
  const parameters = [...pathParameters(route.path), ...queryParameters(route.query)];
  const security = SECURITY[route.access];
  return {
    operationId,
    tags: [tag],
    summary,
    ...(description && { description }),
    security: security ?? [],
    ...(parameters.length > 0 && { parameters }),
    ...(body && {
      requestBody: {
        required: !route.bodyIsOptional,
        content: { 'application/json': { schema: reference(body) } },
      },
    }),
    responses: responses(route),
  };
}

function responses({ answers, problems, access }: RouteDescription) {
  const successes = Object.entries(answers).map(([status, { description, schema }]) => [
    status,
    { description, headers: NO_STORE, content: { 'application/json': { schema: reference(schema) } } },
  ]);
  const codes: ProblemCode[] = [...problems, 'internal'];
  const statuses = [...new Set(codes.map((code) => PROBLEMS[code].status))].sort((a, b) => a - b);
  const codesOf = (status: number) => codes.filter((code) => PROBLEMS[code].status === status);
  const refusals = statuses.map((status) => [status, problemResponse(codesOf(status))]);
  const forbidden = access === 'iam' || access === 'open-or-iam';
  return {
    ...Object.fromEntries([...successes, ...refusals]),
    ...(forbidden && { 403: forbiddenResponse(codesOf(403)) }),
    default: failureResponse(
      'Any other failure. API Gateway answers itself with 429 when throttled and with 5xx when a function fails.',
      ['problem+json', 'json'],
    ),
  };
}

function problemResponse(codes: ProblemCode[]) {
  const isRetryable = codes.filter((code) => RETRYABLE.has(code));
  const retryAfter = {
    description: `Seconds to wait before the same request is sent again${isRetryable.length < codes.length ? `, with ${isRetryable.join(' and ')}` : ''}.`,
    schema: { type: 'integer', minimum: 1 },
    required: isRetryable.length === codes.length,
  };
  return {
    description: codes.map((code) => `\`${code}\`: ${PROBLEMS[code].title}.`).join('\n\n'),
    headers: { ...NO_STORE, ...(isRetryable.length > 0 && { 'Retry-After': retryAfter }) },
    content: {
      'application/problem+json': {
        schema: { allOf: [reference('Problem')], properties: { code: { type: 'string', enum: codes } } },
      },
    },
  };
}

/** API Gateway's own answer, and where the function refuses with the same status, either. */
function forbiddenResponse(codes: ProblemCode[]) {
  const unsigned = failureResponse('The IAM signature is missing or not accepted.', ['json']);
  if (codes.length === 0) return unsigned;
  const { description, content } = problemResponse(codes);
  return {
    description: `${unsigned.description}\n\n${description}`,
    content: { ...content, ...unsigned.content },
  };
}

function failureResponse(description: string, types: string[]) {
  const content = types.map((type) => [`application/${type}`, { schema: reference('Failure') }]);
  return { description, content: Object.fromEntries(content) };
}

const NO_STORE = { 'Cache-Control': { required: true, schema: { type: 'string', const: 'no-store' } } };

function pathParameters(path: string) {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
}

function queryParameters(query: RouteDescription['query']) {
  if (!query) return [];
  const { properties = {}, required = [] } = toJsonSchema(query);
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    in: 'query',
    required: required.includes(name),
    schema,
  }));
}

function reference(name: SchemaName) {
  return { $ref: `#/components/schemas/${name}` };
}
