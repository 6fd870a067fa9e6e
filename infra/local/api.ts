/** The HTTP API on this machine: what API Gateway does between the network and a function, throttling aside. */
import type { ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { isPreflight, preflightHeaders, withCors } from './api-cors.ts';
import { type ApiAnswer, type ApiRequest, readAnswer, readRequest, toEvent } from './api-event.ts';
import { type ApiDefinition, matchRoute, type RouteMatch } from './api-routes.ts';
import { type RequestHandler, readBody } from './http-server.ts';
import type { OnMeasured } from './measured.ts';
import { isSignedByLocalKeys } from './sigv4.ts';

export interface ApiOptions {
  definition: ApiDefinition;
  invoke(functionName: string, event: unknown): Promise<unknown>;
  onMeasured?: OnMeasured;
  /** What the answer says here beside what it would say on AWS. */
  explain?(answer: ApiAnswer): Promise<ApiAnswer>;
}

const MAX_BODY_BYTES = 10 * 1024 * 1024;

export function createApi({
  definition,
  invoke,
  onMeasured = () => {},
  explain = async (answer) => answer,
}: ApiOptions): RequestHandler {
  const { cors, routes } = definition;

  const answerRequest = async (request: ApiRequest, body: Buffer | undefined): Promise<ApiAnswer> => {
    if (cors && isPreflight(request.method, request.headers)) {
      return {
        statusCode: 204,
        headers: preflightHeaders(cors, request.headers.origin),
        cookies: [],
        body: empty,
      };
    }
    const match = matchRoute(routes, request.method, request.path);
    if (!match) return refusal(404, 'Not Found');
    if (!body) return refusal(413, 'Request Entity Too Large');
    if (match.route.needsSignature && !(await isSigned(request, body))) return refusal(403, 'Forbidden');
    const startedAt = performance.now();
    const answer = await explain(await callFunction(request, body, match));
    const [method = '', path = ''] = match.route.key.split(' ');
    const milliseconds = performance.now() - startedAt;
    onMeasured({ of: 'route', method, path, status: answer.statusCode, milliseconds });
    return answer;
  };

  const callFunction = async (request: ApiRequest, body: Buffer, match: RouteMatch): Promise<ApiAnswer> => {
    const { functionName, timeoutMs } = match.route;
    const called = invoke(functionName, toEvent(request, body, match, definition.id)).then(
      (returned) => readAnswer(returned) ?? failure,
      () => failure,
    );
    const stopWaiting = new AbortController();
    const tooLate = delay(timeoutMs, refusal(503, 'Service Unavailable'), { signal: stopWaiting.signal });
    tooLate.catch(() => {});
    return Promise.race([called, tooLate]).finally(() => stopWaiting.abort());
  };

  return async (incoming, response) => {
    let request: ApiRequest;
    try {
      request = readRequest(incoming);
    } catch {
      return send(response, refusal(400, 'Bad Request'));
    }
    const answer = await answerRequest(request, await readBody(incoming, MAX_BODY_BYTES));
    const headers = isPreflight(request.method, request.headers)
      ? answer.headers
      : withCors(answer.headers, cors, request.headers.origin);
    send(response, { ...answer, headers });
  };
}

function isSigned(request: ApiRequest, body: Buffer): Promise<boolean> {
  const { method, encodedPath, rawQuery, headers } = request;
  return isSignedByLocalKeys({ method, path: encodedPath, rawQuery, headers, body }, new Date());
}

function send(response: ServerResponse, { statusCode, headers, cookies, body }: ApiAnswer): void {
  if (cookies.length > 0) response.setHeader('set-cookie', cookies);
  const hasBody = statusCode !== 204 && statusCode !== 304;
  response.writeHead(statusCode, { ...headers, ...(hasBody && { 'content-length': body.length }) }).end(body);
}

/** API Gateway's own answers are `{message}`. */
function refusal(statusCode: number, message: string): ApiAnswer {
  const headers = { 'content-type': 'application/json' };
  return { statusCode, headers, cookies: [], body: Buffer.from(JSON.stringify({ message })) };
}

const empty = Buffer.alloc(0);
const failure = refusal(500, 'Internal Server Error');
