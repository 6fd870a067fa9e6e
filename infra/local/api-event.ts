/**
 * Translates between HTTP and the payload format 2.0 of a Lambda behind an HTTP API.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
 */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { ACCOUNT, CREDENTIALS } from './account.ts';
import type { RouteMatch } from './api-routes.ts';

/** An HTTP request, taken apart once. */
export interface ApiRequest {
  method: string;
  /** As sent, still percent-encoded. */
  encodedPath: string;
  path: string;
  rawQuery: string;
  /** Lower-case names; repeated headers joined by commas. */
  headers: Record<string, string>;
  sourceIp: string;
  protocol: string;
}

/** @throws URIError when the path is badly encoded */
export function readRequest(request: IncomingMessage): ApiRequest {
  const [encodedPath = '/', ...query] = (request.url ?? '/').split('?');
  return {
    method: request.method ?? 'GET',
    encodedPath,
    path: decodeURIComponent(encodedPath),
    rawQuery: query.join('?'),
    headers: joinHeaders(request.rawHeaders),
    sourceIp: request.socket.remoteAddress ?? '127.0.0.1',
    protocol: `HTTP/${request.httpVersion}`,
  };
}

export function toEvent(
  request: ApiRequest,
  body: Buffer,
  { route, pathParameters }: RouteMatch,
  apiId: string,
): APIGatewayProxyEventV2 {
  const { cookie, ...headers } = request.headers;
  const query = joinValues(new URLSearchParams(request.rawQuery));
  const now = new Date();
  return {
    version: '2.0',
    routeKey: route.key,
    // API Gateway decodes the path; Lambda function URLs, which share the format, do not.
    rawPath: request.path,
    rawQueryString: request.rawQuery,
    ...(cookie && { cookies: cookie.split(/; */) }),
    headers: {
      ...headers,
      'x-forwarded-for': [headers['x-forwarded-for'], request.sourceIp].filter(Boolean).join(', '),
      'x-forwarded-proto': 'http',
    },
    ...(Object.keys(query).length > 0 && { queryStringParameters: query }),
    ...(Object.keys(pathParameters).length > 0 && { pathParameters }),
    requestContext: {
      accountId: ACCOUNT,
      apiId,
      domainName: headers.host ?? '',
      domainPrefix: apiId,
      http: {
        method: request.method,
        path: request.path,
        protocol: request.protocol,
        sourceIp: request.sourceIp,
        userAgent: headers['user-agent'] ?? '',
      },
      requestId: randomUUID(),
      routeKey: route.key,
      stage: '$default',
      time: clfTime(now),
      timeEpoch: now.getTime(),
      ...(route.needsSignature && { authorizer: { iam: localCaller } }),
    },
    ...encodeBody(body, headers['content-type']),
  };
}

const localCaller = {
  accessKey: CREDENTIALS.accessKeyId,
  accountId: ACCOUNT,
  callerId: 'AIDALOCAL',
  cognitoIdentity: null,
  principalOrgId: null,
  userArn: `arn:aws:iam::${ACCOUNT}:user/local`,
  userId: 'AIDALOCAL',
};

/** What API Gateway hands over as text; all else, a missing type included, comes as base64. */
const TEXT_TYPE = /^(text\/.*|application\/(json|javascript|xml))$/;

function encodeBody(body: Buffer, contentType = '') {
  if (body.length === 0) return { isBase64Encoded: false };
  const type = contentType.split(';')[0]?.trim().toLowerCase() ?? '';
  const text = body.toString();
  const isText = TEXT_TYPE.test(type) && Buffer.from(text).equals(body);
  return isText
    ? { body: text, isBase64Encoded: false }
    : { body: body.toString('base64'), isBase64Encoded: true };
}

function joinHeaders(rawHeaders: string[]): Record<string, string> {
  const names = rawHeaders.filter((_text, index) => index % 2 === 0);
  return joinValues(names.map((name, index) => [name.toLowerCase(), rawHeaders[index * 2 + 1] as string]));
}

function joinValues(pairs: Iterable<[string, string]>): Record<string, string> {
  const joined = new Map<string, string>();
  for (const [name, value] of pairs) {
    joined.set(name, joined.has(name) ? `${joined.get(name)},${value}` : value);
  }
  return Object.fromEntries(joined);
}

/** `12/Mar/2026:19:03:58 +0000` */
function clfTime(time: Date): string {
  const [, day, month, year, clock] = time.toUTCString().split(' ');
  return `${day}/${month}/${year}:${clock} +0000`;
}

export interface ApiAnswer {
  statusCode: number;
  headers: Record<string, string>;
  cookies: string[];
  body: Buffer;
}

/** Reads what the function returned; undefined when API Gateway would not understand it. */
export function readAnswer(returned: unknown): ApiAnswer | undefined {
  if (typeof returned !== 'object' || returned === null || !('statusCode' in returned)) {
    return { statusCode: 200, headers: json, cookies: [], body: Buffer.from(JSON.stringify(returned)) };
  }
  const { statusCode, headers, cookies, body, isBase64Encoded } = returned as Record<string, unknown>;
  const hasStatus =
    Number.isInteger(Number(statusCode)) && Number(statusCode) >= 200 && Number(statusCode) < 600;
  const hasBody = body === undefined || body === null || typeof body === 'string';
  if (!hasStatus || !hasBody) return undefined;
  return {
    statusCode: Number(statusCode),
    headers: { 'content-type': 'text/plain;charset=utf-8', ...textHeaders(headers) },
    cookies: Array.isArray(cookies) ? cookies.map(String) : [],
    body: Buffer.from((body as string) ?? '', isBase64Encoded === true ? 'base64' : 'utf8'),
  };
}

const json = { 'content-type': 'application/json' };

function textHeaders(headers: unknown): Record<string, string> {
  const entries = Object.entries((headers ?? {}) as Record<string, unknown>);
  return Object.fromEntries(entries.map(([name, value]) => [name.toLowerCase(), String(value)]));
}
