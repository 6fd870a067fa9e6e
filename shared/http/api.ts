import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2, Context } from 'aws-lambda';
import { parseJson, stringifyWithTexts } from '../payment/json.ts';
import type { Logger } from '../runtime/logger.ts';
import { logIfSlow } from '../runtime/slow.ts';
import { PROBLEMS, Problem } from './problem.ts';

/** What a route answers. Decimals in the body, which are all its amounts, become texts. */
export interface Reply {
  status: number;
  body: unknown;
}

/** API Gateway's part of a request that the routes look at. */
export type HttpEvent = Pick<
  APIGatewayProxyEventV2,
  'body' | 'isBase64Encoded' | 'headers' | 'pathParameters' | 'queryStringParameters' | 'requestContext'
>;

type Route = (event: HttpEvent, context: Context) => Promise<Reply>;

/**
 * A Lambda handler for an HTTP API route (payload 2.0): what the route returns becomes JSON, a thrown
 * {@link Problem} becomes RFC 9457 problem+json, and anything else is logged and answered as `internal`.
 */
export function httpHandler(logger: Logger, route: Route) {
  return async (event: HttpEvent, context: Context): Promise<APIGatewayProxyStructuredResultV2> => {
    const requestId = event.requestContext.requestId;
    logger.resetKeys();
    logger.appendKeys({ requestId });
    try {
      const { status, body } = await logIfSlow(logger, async () => route(event, context));
      return answer(status, 'application/json', body);
    } catch (error) {
      const problem =
        error instanceof Problem ? error : new Problem('internal', `Please report request ${requestId}.`);
      if (problem !== error) logger.error('unexpected error', { error: describe(error) });
      // Not the fields' names: a caller can put anything there, a card number too.
      else logger.info('refused', { code: problem.code, wrongFields: problem.errors.length });
      return problemAnswer(problem, requestId);
    }
  };
}

/** The bytes of the body as they were sent, whatever API Gateway made of them. */
export function rawBody(event: HttpEvent): Buffer {
  return Buffer.from(event.body ?? '', event.isBase64Encoded ? 'base64' : 'utf8');
}

/** Ten times what any request needs. */
const MAX_BODY_BYTES = 64 * 1024;

/** The body as JSON with exact decimals. Throws `request.invalid` when it is none, or far too large. */
export function jsonBody(event: HttpEvent): unknown {
  return parsedBody(event, parseJson);
}

/**
 * The body for a first look, its numbers not exact: much cheaper for whoever must not be given that much work yet.
 * Throws as {@link jsonBody} does.
 */
export function roughJsonBody(event: HttpEvent): unknown {
  return parsedBody(event, JSON.parse);
}

function parsedBody(event: HttpEvent, parse: (text: string) => unknown): unknown {
  const bytes = rawBody(event);
  if (bytes.length > MAX_BODY_BYTES) {
    throw new Problem('request.invalid', `The body must have at most ${MAX_BODY_BYTES} bytes.`);
  }
  try {
    return parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw new Problem('request.invalid', 'The body must be a JSON object in UTF-8.');
  }
}

/** The same for a route that can do without a body: an absent one is an empty object. */
export function optionalJsonBody(event: HttpEvent): unknown {
  return rawBody(event).length === 0 ? {} : jsonBody(event);
}

/** A header by its name in lower case, in whatever case it came. */
export function header(event: HttpEvent, name: string): string | undefined {
  return Object.entries(event.headers).find(([each]) => each.toLowerCase() === name)?.[1];
}

/** Whether API Gateway has verified an IAM signature: then the caller is the merchant's own server. */
export function isSigned(event: HttpEvent): boolean {
  return iamOf(event) !== undefined;
}

/**
 * Who signed the request, as API Gateway verified it: an ARN of IAM. Throws on a route without IAM authorization,
 * which is a fault of the stack.
 */
export function callerOf(event: HttpEvent): string {
  const caller = iamOf(event)?.userArn;
  if (!caller) throw new Error(`the caller of ${event.requestContext.routeKey} is not known`);
  return caller;
}

function iamOf({ requestContext }: HttpEvent): { userArn?: string } | undefined {
  return (requestContext as { authorizer?: { iam?: { userArn?: string } } }).authorizer?.iam;
}

function problemAnswer(problem: Problem, requestId: string): APIGatewayProxyStructuredResultV2 {
  const { status, title } = PROBLEMS[problem.code];
  const body = {
    type: `urn:paytech-payments:problem:${problem.code}`,
    title,
    status,
    code: problem.code,
    detail: problem.message,
    requestId,
    errors: problem.errors,
  };
  const retryAfter = problem.retryAfter === undefined ? {} : { 'retry-after': String(problem.retryAfter) };
  return answer(status, 'application/problem+json', body, retryAfter);
}

function answer(
  statusCode: number,
  type: string,
  body: unknown,
  headers: Record<string, string> = {},
): APIGatewayProxyStructuredResultV2 {
  return {
    statusCode,
    headers: { 'content-type': type, 'cache-control': 'no-store', ...headers },
    body: stringifyWithTexts(body),
  };
}

/** An error's name, message and stack: enough to find it, without the request that an SDK error carries. */
function describe(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { message: String(error) };
  return { name: error.name, message: error.message, stack: error.stack };
}
