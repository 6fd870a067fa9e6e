/** The running service, with every answer held against openapi.json, and a count of what has been seen. */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { expect, vi } from 'vitest';
import { clientFor } from '../../infra/local/account.ts';
import { LOCAL_KEYS, type LocalOptions } from '../../infra/local/local-service.ts';
import { openTable } from '../../shared/store/table.ts';
import { validatorOf } from './openapi.ts';
import { orderToken } from './order-token.ts';
import { startLocalService } from './service.ts';
import { signedHeaders } from './signed.ts';

const document = JSON.parse(readFileSync(join(import.meta.dirname, '../../openapi.json'), 'utf8'));
const { answer: faultOf } = validatorOf(document);

export interface CallOptions {
  /** Values for the path's parameters. */
  at?: Record<string, string>;
  query?: string;
  body?: object | string;
  headers?: Record<string, string>;
  /** Leaves an IAM-authorized call unsigned. */
  unsigned?: boolean;
}

/** Answers that this test file has seen: `POST /payments 409 payment.in_progress`. */
const seen = new Set<string>();

export async function startDocumentedService(options: LocalOptions = {}) {
  const service = await startLocalService({ orderTokens: 'required', ...options });

  /** Calls a route (`GET /payments/{id}`) and checks the answer; `code` is that of a problem. */
  async function call(route: string, { at = {}, query = '', body, headers, unsigned }: CallOptions = {}) {
    const [method = '', template = ''] = route.split(' ');
    const path = template.replace(/\{(\w+)\}/g, (_match, name: string) => encodeURIComponent(at[name] ?? ''));
    const text = typeof body === 'object' ? JSON.stringify(body) : body;
    const isSigned = document.paths[template][method.toLowerCase()].security.some(
      (each: object) => 'iam' in each,
    );
    const signature = isSigned && !unsigned ? await signedHeaders(service, method, path + query, text) : {};
    const answer = await service.api(method, path + query, text, { ...signature, ...headers });
    expect(faultOf(route, answer), `${route} ${answer.status} ${answer.text}`).toBeUndefined();
    const json: Record<string, unknown> & { id: string } = JSON.parse(answer.text);
    seen.add([route, answer.status, json.code].filter(Boolean).join(' '));
    return { status: answer.status, code: json.code, json };
  }

  return {
    ...service,
    call,
    /** Has paytech fail the next call. */
    fault: (on: string, kind: string, times = 1) =>
      service.simulator('POST', '/simulator/faults', { on, kind, times }),
    /** Drives a payment as its provider would. */
    drive: (id: string, state: string, more: object = {}) =>
      service.simulator('POST', `/simulator/payments/${id}/pay`, { state, ...more }),
    /** Waits until the record says so. */
    until: (id: string, state: string) =>
      vi.waitFor(async () => expect(await service.item(`payment#${id}`)).toMatchObject({ state }), {
        timeout: 10_000,
        interval: 20,
      }),
    /** Takes the value of every secret away, until it is restored, also from the functions that have it already. */
    breakSecrets: () => {
      for (const name of service.secrets.keys()) service.secrets.set(name, '');
      for (const workers of service.functions.values()) workers.kill();
    },
    restoreSecrets: () => {
      service.secrets.set('api-key', LOCAL_KEYS.apiKey);
      service.secrets.set('signing-keys', LOCAL_KEYS.signingKey);
      service.secrets.set('order-token-keys', LOCAL_KEYS.orderTokenKey);
    },
    table: openTable('payments', new DynamoDBClient(clientFor(service.dynamoDbUrl))),
  };
}

export type DocumentedService = Awaited<ReturnType<typeof startDocumentedService>>;

export const newId = (prefix = 'order') => `${prefix}-${randomUUID()}`;

/** A token for an order of EUR 11.12. */
export function tokenFor(referenceId: string, claims: object = {}): string {
  const exp = Math.floor(Date.now() / 1000) + 3600;
  return orderToken({ referenceId, amount: '11.12', currency: 'EUR', exp, ...claims });
}

/** What the document says of these routes and no test of this file has seen, and the other way round. */
export function differenceToDocument(isOurs: (answer: string) => boolean) {
  const documented = new Set(documentedAnswers());
  return {
    unseen: [...documented].filter((each) => isOurs(each) && !seen.has(each)),
    undocumented: [...seen].filter((each) => !documented.has(each)),
  };
}

/** `POST /payments 409 payment.in_progress`, less what API Gateway answers when it throttles or fails. */
function documentedAnswers(): string[] {
  return Object.entries<Record<string, Operation>>(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).flatMap(([method, { responses }]) =>
      Object.entries(responses)
        .filter(([status]) => status !== 'default')
        .flatMap(([status, { content }]) => {
          // A status may be answered by the function, with a code, and by API Gateway, without.
          const own = content['application/problem+json']?.schema.properties.code.enum ?? [];
          const codes = content['application/json'] ? [...own, ''] : own;
          return codes.map((code) => [method.toUpperCase(), path, status, code].filter(Boolean).join(' '));
        }),
    ),
  );
}

interface Operation {
  responses: Record<
    string,
    { content: Record<string, { schema: { properties: { code: { enum: string[] } } } }> }
  >;
}
