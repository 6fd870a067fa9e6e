import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { bundleFunctions } from '../../infra/stack/bundle.ts';
import { functionNames } from '../../infra/stack/settings.ts';
import { invoked, loadedCode } from '../support/loaded-code.ts';

const outdir = mkdtempSync(join(tmpdir(), 'paytech-bundles-'));
afterAll(() => rmSync(outdir, { recursive: true, force: true }));

let names: string[];
beforeAll(async () => {
  names = await bundleFunctions(outdir);
}, 240_000);

test('every function gets its folder', () => {
  expect(names).toEqual([...functionNames].sort());
  for (const name of functionNames) expect(existsSync(join(outdir, name, 'index.mjs')), name).toBe(true);
});

/** In KB, gzip. The others carry the SDK's client of DynamoDB, which is more than half of theirs. */
const LIMITS: Record<string, number> = { 'receive-webhook': 33, others: 150 };

describe('what a cold start loads', () => {
  test.each(functionNames)(
    'of %s stays small, and is not undici',
    async (name) => {
      const { gzipBytes, builtIns } = await loadedCode(name, outdir);
      expect(gzipBytes / 1024).toBeLessThan(LIMITS[name] ?? LIMITS.others!);
      expect(builtIns.filter((builtIn) => builtIn.includes('undici'))).toEqual([]);
    },
    240_000,
  );

  test('of receive-webhook has no zod', async () => {
    const { code } = await loadedCode('receive-webhook', outdir);
    expect(code).toContain('SendMessage');
    expect(code).not.toContain('zod');
  }, 240_000);
});

test('a bundle signs its calls of AWS with the credentials of its environment, session token included', async () => {
  const headers: IncomingHttpHeaders[] = [];
  const dynamoDb = createServer((request, response) => {
    headers.push(request.headers);
    response.writeHead(200, { 'content-type': 'application/x-amz-json-1.0' }).end('{}');
  });
  await new Promise<void>((resolve) => dynamoDb.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void dynamoDb.close());
  const { port } = dynamoDb.address() as AddressInfo;
  const event = { pathParameters: { id: 'a'.repeat(32) }, headers: {}, requestContext: { requestId: 'r' } };
  const answer = await invoked('get-payment', event, outdir, {
    AWS_ACCESS_KEY_ID: 'THE-KEY',
    AWS_SESSION_TOKEN: 'the-token',
    AWS_ENDPOINT_URL: `http://127.0.0.1:${port}`,
  });
  expect(answer).toMatchObject({ statusCode: 404 });
  expect(headers).toMatchObject([
    {
      authorization: expect.stringContaining('Credential=THE-KEY/'),
      'x-amz-security-token': 'the-token',
    },
  ]);
}, 240_000);
