import { createHash, createHmac } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { openServer } from '../../infra/local/http-server.ts';
import { type AwsCall, AwsError, awsCall, endpointOf } from '../../shared/runtime/aws-call.ts';
import { blackHole } from '../support/black-hole.ts';

const SQS = { name: 'sqs', variable: 'SQS', target: 'AmazonSQS', jsonVersion: '1.0' } as const;
const SECRET_KEY = 'secret-access-key';

interface Received {
  headers: IncomingMessage['headers'];
  body: string;
}

beforeEach(() => {
  vi.stubEnv('AWS_REGION', 'eu-central-1');
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKID');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', SECRET_KEY);
  vi.stubEnv('AWS_SESSION_TOKEN', 'session-token');
});
afterEach(() => vi.unstubAllEnvs());

/** SQS, which gives these answers one after the other, and then the last again; `hang up` is none. */
async function sqsThat(...answers: ({ status: number; body: string } | 'hang up')[]) {
  const received: Received[] = [];
  const server = await openServer(0);
  onTestFinished(() => server.close());
  server.serve(async (request, response) => {
    received.push({ headers: request.headers, body: await text(request) });
    const answer = answers[Math.min(received.length, answers.length) - 1]!;
    if (answer === 'hang up') return void response.destroy();
    response.writeHead(answer.status).end(answer.body);
  });
  vi.stubEnv('AWS_ENDPOINT_URL_SQS', server.url);
  return { received, call: awsCall(SQS) as AwsCall, host: new URL(server.url).host };
}

const OK = { status: 200, body: '{"MessageId":"m"}' };
const refusal = (code: string, status = 400) => ({
  status,
  body: JSON.stringify({ __type: `com.amazonaws.sqs#${code}`, message: 'no', Item: { pk: { S: 'a' } } }),
});

describe('a call of AWS', () => {
  it('sends the input as JSON, signed as AWS verifies it', async () => {
    const { received, call, host } = await sqsThat(OK);
    expect(await call('SendMessage', { MessageBody: 'ü' })).toEqual({ MessageId: 'm' });
    const [{ headers, body }] = received as [Received];
    expect(body).toBe('{"MessageBody":"ü"}');
    expect(headers).toMatchObject({
      host,
      'content-type': 'application/x-amz-json-1.0',
      'x-amz-target': 'AmazonSQS.SendMessage',
      'x-amz-security-token': 'session-token',
    });
    expect(headers.authorization).toBe(authorizationOf(received[0]!));
  });

  it.each([
    ['a connection that ends without an answer', 'hang up'],
    ['a fault of the service', { status: 503, body: '<html>' }],
    ['throttling', refusal('RequestThrottled')],
  ] as const)('is repeated after %s', async (_, fault) => {
    const { received, call } = await sqsThat(fault, fault, OK);
    expect(await call('SendMessage', {})).toEqual({ MessageId: 'm' });
    expect(received).toHaveLength(3);
  });

  it('is given up after three attempts', async () => {
    const { received, call } = await sqsThat('hang up');
    await expect(call('SendMessage', {})).rejects.toThrow(AwsError);
    expect(received).toHaveLength(3);
  });

  it('is not repeated when AWS refuses it, and reports the code and all that AWS said', async () => {
    const { received, call } = await sqsThat(refusal('QueueDoesNotExist'));
    const error = await call('SendMessage', {}).catch((error) => error);
    expect(error).toMatchObject({ name: 'QueueDoesNotExist', message: 'no', Item: { pk: { S: 'a' } } });
    expect(received).toHaveLength(1);
  });

  it('fails on an answer that is no JSON', async () => {
    const { call } = await sqsThat({ status: 200, body: 'fine' });
    await expect(call('SendMessage', {})).rejects.toThrow(AwsError);
  });

  it('that is never answered, or whose connection is never encrypted, is given up', async () => {
    const { host } = await blackHole();
    const calls = ['http', 'https'].map((scheme) => {
      vi.stubEnv('AWS_ENDPOINT_URL_SQS', `${scheme}://${host}`);
      return awsCall(SQS)('SendMessage', {}).catch(({ name }) => name);
    });
    expect(await Promise.all(calls)).toEqual(['TimeoutError', 'TimeoutError']);
  }, 30_000);

  it.each([
    ['eu-central-1', 'amazonaws.com', 'sqs.eu-central-1.amazonaws.com'],
    ['us-gov-west-1', 'amazonaws.com', 'sqs.us-gov-west-1.amazonaws.com'],
    ['cn-north-1', 'amazonaws.com.cn', 'sqs.cn-north-1.amazonaws.com.cn'],
    ['eusc-de-east-1', 'amazonaws.eu', 'sqs.eusc-de-east-1.amazonaws.eu'],
  ])('goes to the endpoint of %s, whose domain is %s', async (region, suffix, host) => {
    vi.stubEnv('AWS_REGION', region);
    vi.stubEnv('URL_SUFFIX', suffix);
    expect(endpointOf(SQS).host).toBe(host);
  });
});

/** Written from the description of the algorithm, not with the library that signs: docs.aws.amazon.com, SigV4. */
function authorizationOf({ headers, body }: Received): string {
  const signed = /SignedHeaders=([^,]+)/.exec(headers.authorization ?? '')?.[1]?.split(';') ?? [];
  expect(signed).toEqual(
    expect.arrayContaining(['host', 'x-amz-date', 'x-amz-security-token', 'x-amz-target']),
  );
  const hash = (data: string) => createHash('sha256').update(data).digest('hex');
  const hmac = (key: string | Buffer, data: string) => createHmac('sha256', key).update(data).digest();
  const date = String(headers['x-amz-date']);
  const scope = `${date.slice(0, 8)}/eu-central-1/sqs/aws4_request`;
  const lines = signed.map((name) => `${name}:${headers[name]}\n`).join('');
  const canonical = ['POST', '/', '', lines, signed.join(';'), hash(body)].join('\n');
  const key = scope.split('/').reduce<string | Buffer>(hmac, `AWS4${SECRET_KEY}`);
  const signature = hmac(key, ['AWS4-HMAC-SHA256', date, scope, hash(canonical)].join('\n')).toString('hex');
  return `AWS4-HMAC-SHA256 Credential=AKID/${scope}, SignedHeaders=${signed.join(';')}, Signature=${signature}`;
}
