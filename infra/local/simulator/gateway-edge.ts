/**
 * What happens to every call of the gateway before and after its route: the log, the edge's rule about
 * User-Agents, the shop's key, and the faults that were set.
 */
import type { FastifyInstance } from 'fastify';
import { parseJson } from '../../../shared/payment/json.ts';
import { errorBody } from './answers.ts';
import type { Call, CallFault, Faults } from './faults.ts';
import type { Timers } from './timers.ts';

export interface LoggedRequest {
  time: string;
  method: string;
  path: string;
  query: unknown;
  /** The parsed body; null when there was none or it was refused unread. */
  body: unknown;
  /** null while there is no answer. */
  status: number | null;
  /** The parsed JSON or other text; null while there is none. */
  answer: unknown;
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The name under which faults can be set on this route. */
    call?: Call;
  }
  interface FastifyRequest {
    logged?: LoggedRequest;
    fault?: CallFault | undefined;
  }
}

export interface EdgeOptions {
  apiKey: string;
  /** How long the fault `slow` holds an answer, and `delay`. */
  slowMs: number;
  delayMs: number;
  now(): Date;
  timers: Timers;
  faults: Faults;
  requests: LoggedRequest[];
}

/** What HTTP libraries send by default. */
const LIBRARY_AGENT =
  /^(node|undici|node-fetch|axios|got|superagent|curl|wget|python|python-requests|python-urllib|python-httpx|go-http-client|java|okhttp|apache-httpclient)(\/|\s|$)/i;

const BLOCKED_PAGE = '<!doctype html><title>Please wait</title><p>Checking your browser</p>';

export function useGatewayEdge(api: FastifyInstance, options: EdgeOptions): void {
  const { apiKey, slowMs, delayMs, now, timers, faults, requests } = options;
  api.decorateRequest('logged');
  api.decorateRequest('fault');

  api.addHook('onRequest', async (request, reply) => {
    const [path = ''] = request.url.split('?');
    request.logged = {
      time: now().toISOString(),
      method: request.method,
      path,
      query: request.query,
      body: null,
      status: null,
      answer: null,
    };
    requests.push(request.logged);

    const agent = request.headers['user-agent'] ?? '';
    if (agent === '' || LIBRARY_AGENT.test(agent)) {
      return reply.code(403).type('text/plain').send('error code: 1010');
    }
    if (request.headers.authorization !== `Bearer ${apiKey}`) {
      return reply.code(401).send(errorBody(401, 'Full authentication is required', request.url));
    }
  });

  // Once the body is read, so that the log has it.
  api.addHook('preValidation', async (request, reply) => {
    if (request.logged) request.logged.body = request.body ?? null;
    const { call } = request.routeOptions.config;
    request.fault = call && faults.takeForCall(call);
    switch (request.fault) {
      case 'timeout':
        // Nobody answers any more: the connection stays open until the caller gives up.
        reply.hijack();
        return;
      case 'reset':
        reply.hijack();
        request.raw.socket.resetAndDestroy();
        return;
      case 'html':
        return reply.code(200).type('text/html').send(BLOCKED_PAGE);
      case '500':
        return reply.code(500).send(errorBody(500, 'Internal error', request.url));
      case '429':
        return reply.code(429).send(errorBody(429, 'Too many requests', request.url));
      case 'timeout-after-accept':
      case '429-after-accept':
      case 'slow':
      case 'delay':
      case 'sparse':
      case 'lag':
      case undefined:
        return;
      default:
        return request.fault satisfies never;
    }
  });

  api.addHook('onSend', async (request, reply, answer) => {
    if (request.fault === 'timeout-after-accept') await new Promise(() => {});
    if (request.fault === 'slow') await timers.pause(slowMs);
    if (request.fault === 'delay') await timers.pause(delayMs);
    const denies = request.fault === '429-after-accept' && reply.statusCode === 200;
    if (denies) reply.code(429);
    const payload = denies ? JSON.stringify(errorBody(429, 'Too many requests', request.url)) : answer;
    if (request.logged && typeof payload === 'string') {
      request.logged.status = reply.statusCode;
      const isJson = String(reply.getHeader('content-type')).startsWith('application/json');
      request.logged.answer = isJson ? parseJson(payload) : payload;
    }
    return payload;
  });
}
