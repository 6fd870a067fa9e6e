/** As much of Lambda as a function uses: Invoke, of another function or itself, without waiting for its end. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { forCallersHere } from './callers.ts';
import { type LoopbackServer, openServer, readBody, sendJson } from './http-server.ts';

const INVOKE = /^\/2015-03-31\/functions\/([\w-]+)\/invocations$/;
/** Source: AWS Lambda, "Lambda quotas": asynchronous invocation. */
const MAX_EVENT_BYTES = 1024 * 1024;

/** @param invoke what becomes of it is in the function's log */
export async function startLambda(
  invoke: (functionName: string, event: unknown) => Promise<unknown>,
): Promise<LoopbackServer> {
  const server = await openServer(0);
  server.serve(forCallersHere((request, response) => answer(request, response, invoke)));
  return server;
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  invoke: (functionName: string, event: unknown) => Promise<unknown>,
): Promise<void> {
  const body = await readBody(request, MAX_EVENT_BYTES);
  const [, name] = INVOKE.exec(request.url ?? '') ?? [];
  const isAsynchronous = request.headers['x-amz-invocation-type'] === 'Event';
  if (name === undefined || !isAsynchronous || body === undefined) {
    return sendJson(response, 400, { Message: 'Only the asynchronous Invoke is here.' });
  }
  void invoke(name, JSON.parse(body.toString())).catch(() => {});
  sendJson(response, 202, {});
}
