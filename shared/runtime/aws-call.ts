import { Sha256 } from '@smithy/core/checksum';
import {
  isServerError,
  isThrottlingError,
  isTransientError,
  StandardRetryStrategy,
} from '@smithy/core/retry';
import { SignatureV4 } from '@smithy/signature-v4';
import { ATTEMPT_LIMIT_MS, MAX_ATTEMPTS } from './aws-limits.ts';
import { env } from './config.ts';
import { lambdaCredentials } from './credentials.ts';
import { send, type Transported } from './transport.ts';

/** A service of AWS that speaks JSON, as its SDK client knows it. */
export interface JsonService {
  /** In the endpoint and in the signature. */
  name: string;
  /** What the SDK's variable for another endpoint ends with: AWS_ENDPOINT_URL_<variable>. */
  variable: string;
  /** Before the action in `x-amz-target`. */
  target: string;
  jsonVersion: '1.0' | '1.1';
}

/** Calls an action; input and answer are as the API reference has them. Rejects with an {@link AwsError}. */
export type AwsCall = <Answer>(action: string, input: object) => Promise<Answer>;

/**
 * As the SDK's errors: `name` is the code that AWS gave, or TimeoutError when there was no answer, and what else the
 * answer says is a property, such as the `Item` of a failed condition.
 */
export class AwsError extends Error {
  readonly $metadata: { httpStatusCode?: number };

  constructor(name: string, message: string, status?: number, details: object = {}) {
    super(message);
    Object.assign(this, details);
    this.name = name;
    this.$metadata = status === undefined ? {} : { httpStatusCode: status };
  }
}

/**
 * For all attempts together, in milliseconds: receive-webhook makes two calls one after the other, for its keys and
 * to the queue, and both fit into the ten seconds that paytech's webhooks have.
 */
const LIMIT_MS = 4_500;

/**
 * Calls a service of AWS with the SDK's own signer and retries, but without its generated client, whose loading
 * was nearly half of a webhook's cold start (docs/performance.md). For actions that may be repeated, with a JSON object
 * in and out. Region and credentials are those that Lambda puts into the environment.
 */
export function awsCall({ name, variable, target, jsonVersion }: JsonService): AwsCall {
  const url = endpointOf({ name, variable });
  const retries = new StandardRetryStrategy(MAX_ATTEMPTS);
  const signer = new SignatureV4({
    service: name,
    region: env('AWS_REGION'),
    credentials: lambdaCredentials,
    sha256: Sha256,
  });

  async function attempt(action: string, body: string, limitMs: number): Promise<object> {
    const { headers } = await signer.sign({
      method: 'POST',
      protocol: url.protocol,
      hostname: url.hostname,
      path: '/',
      headers: {
        host: url.host,
        'content-type': `application/x-amz-json-${jsonVersion}`,
        'x-amz-target': `${target}.${action}`,
      },
      body,
    });
    return read(await send({ method: 'POST', url, headers, body, limitMs, reuseConnection: true }));
  }

  return async <Answer>(action: string, input: object) => {
    const body = JSON.stringify(input);
    const deadline = Date.now() + LIMIT_MS;
    const left = () => deadline - Date.now();
    let token = await retries.acquireInitialRetryToken(name);
    for (;;) {
      try {
        const answer = await attempt(action, body, Math.min(ATTEMPT_LIMIT_MS, left()));
        retries.recordSuccess(token);
        return answer as Answer;
      } catch (error) {
        token = await retries
          .refreshRetryTokenForRetry(token, { errorType: typeOf(error as Error) })
          .catch(() => {
            throw error;
          });
        if (left() <= 0) throw error;
      }
    }
  };
}

/**
 * Where the service is in this region, or where the environment says, as for the SDK. The end of the name comes from
 * the stack, since each partition has its own: amazonaws.com, amazonaws.com.cn in China, amazonaws.eu in the European
 * Sovereign Cloud. Source: AWS CloudFormation, "Pseudo parameters", AWS::URLSuffix.
 */
export function endpointOf({ name, variable }: Pick<JsonService, 'name' | 'variable'>): URL {
  const configured = process.env[`AWS_ENDPOINT_URL_${variable}`] ?? process.env.AWS_ENDPOINT_URL;
  return new URL(configured ?? `https://${name}.${env('AWS_REGION')}.${env('URL_SUFFIX')}`);
}

function read(transported: Transported): object {
  if (transported.ended !== 'answered') throw new AwsError('TimeoutError', transported.reason);
  const { status, text } = transported;
  const answer = parse(text);
  if (status === 200 && answer) return answer;
  const { __type, message, Message = message, ...details } = answer ?? {};
  // The code may have its namespace before it.
  const code = String(__type ?? 'UnknownError').replace(/^.*#/, '');
  throw new AwsError(code, String(Message ?? text.slice(0, 200)), status, details);
}

function parse(text: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Whether the same call may succeed later as it is: nobody answered, or AWS has too much to do, or a fault of its own. */
export function mayPass(error: Error): boolean {
  return typeOf(error) !== 'CLIENT_ERROR';
}

function typeOf(error: Error & { $metadata?: { httpStatusCode?: number } }) {
  if (isThrottlingError(error as never)) return 'THROTTLING';
  if (isTransientError(error as never)) return 'TRANSIENT';
  return isServerError(error as never) ? 'SERVER_ERROR' : 'CLIENT_ERROR';
}
