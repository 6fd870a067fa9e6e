/**
 * A shop for the simulator's tests: it calls the gateway with exact numbers, and receives its webhooks. What it receives must
 * be as paytech's contract says, in every test.
 */
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import {
  type Simulator,
  type SimulatorOptions,
  startSimulator,
} from '../../infra/local/simulator/simulator.ts';
import { parseJson, stringifyJson } from '../../shared/payment/json.ts';
import { decimal } from '../../shared/payment/money.ts';
import { answerProblem, webhookProblem } from './paytech-forms.ts';

export const API_KEY = 'test-api-key';
export const SIGNING_KEY = 'test-signing-key';
/** Pays without 3-D Secure. */
export const OK_CARD = '4000 0000 0000 0408';
/** An id that no payment has. */
export const NOWHERE = '0'.repeat(32);

export type Fields = Record<string, unknown>;

export interface Answer {
  status: number;
  headers: Headers;
  text: string;
  /** The parsed JSON, its numbers exact; undefined when the answer is none. */
  body: unknown;
}

export interface Shop {
  simulator: Simulator;
  /** Calls the gateway's API; a body given as text is sent as it is. */
  api(method: string, path: string, body?: Fields | string, options?: CallOptions): Promise<Answer>;
  /** As `api`, for calls that must succeed: `result` of the answer. */
  ok(method: string, path: string, body?: Fields | string): Promise<Fields>;
  /** Calls the simulator's controls. */
  control(method: string, path: string, body?: Fields | string): Promise<Answer>;
  /** Makes a deposit of EUR 10 by default; its id. */
  deposit(fields?: Fields): Promise<string>;
}

export interface CallOptions {
  headers?: Record<string, string>;
  timeoutMs?: number;
}

/** A simulator with short waits, closed at the end of the test, and a shop that talks to it. */
export async function startShop(options: Partial<SimulatorOptions> = {}): Promise<Shop> {
  const simulator = await startSimulator({
    apiKey: API_KEY,
    signingKey: SIGNING_KEY,
    webhookRetryMs: 5,
    settleMs: 5,
    slowMs: 100,
    ...options,
  });
  onTestFinished(() => simulator.close());

  const call = async (method: string, path: string, body?: Fields | string, options: CallOptions = {}) => {
    const response = await fetch(simulator.url + path, {
      method,
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...options.headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : stringifyJson(body) }),
      redirect: 'manual',
      signal: AbortSignal.timeout(options.timeoutMs ?? 5000),
    });
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.startsWith('application/json');
    return {
      status: response.status,
      headers: response.headers,
      text,
      body: isJson ? parseJson(text) : undefined,
    };
  };
  const headers = { 'user-agent': 'test-shop/1.0', authorization: `Bearer ${API_KEY}` };
  const api: Shop['api'] = async (method, path, body, options) => {
    const answer = await call(method, `/api/v1${path}`, body, {
      ...options,
      headers: { ...headers, ...options?.headers },
    });
    const isJson = answer.body !== undefined;
    const problem = isJson && answerProblem(method, path.split('?')[0]!, answer.status, answer.body);
    if (problem) throw new Error(`Not as the contract says: ${method} ${path}: ${problem} in ${answer.text}`);
    return answer;
  };
  const ok: Shop['ok'] = async (method, path, body) => {
    const answer = await api(method, path, body);
    if (answer.status !== 200) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`);
    return (answer.body as { result: Fields }).result;
  };
  return {
    simulator,
    api,
    ok,
    control: (method, path, body) => call(method, `/simulator${path}`, body),
    deposit: async (fields = {}) => {
      const request = { paymentType: 'DEPOSIT', amount: decimal('10'), currency: 'EUR', ...fields };
      return String((await ok('POST', '/payments', request)).id);
    },
  };
}

/** The fields that a refusal names. */
export function fieldsOf(body: unknown): unknown[] {
  return ((body as { errors?: Fields[] }).errors ?? []).map(({ field }) => field);
}

export interface ReceivedWebhook {
  bytes: Buffer;
  headers: IncomingHttpHeaders;
  object: Fields;
}

export interface WebhookEndpoint {
  url: string;
  received: ReceivedWebhook[];
}

/** Listens for webhooks until the end of the test. Answers the given statuses in turn, then 200. */
export async function startWebhookEndpoint(...statuses: number[]): Promise<WebhookEndpoint> {
  const received: ReceivedWebhook[] = [];
  const problems: string[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const bytes = Buffer.concat(chunks);
    const object = parseJson(bytes.toString()) as Fields;
    received.push({ bytes, headers: request.headers, object });
    problems.push(...[webhookProblem(object)].filter((problem) => problem !== undefined));
    response.writeHead(statuses.shift() ?? 200).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
    if (problems.length > 0) throw new Error(`Not as the contract says: ${problems.join('; ')}`);
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/webhook`, received };
}
