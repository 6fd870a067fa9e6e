import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { type LoopbackServer, listenOnLoopback } from '../../infra/local/http-server.ts';
import { root } from '../support/documents.ts';

/** paytech-ops behind a proxy: one that lets through to `aws.test` only, which is a server of this test. */

const ENTRY = join(root, 'infra/cli/paytech-ops.ts');
const NO_STACK = 'Stack with id shop does not exist';
const KEYS = { AWS_ACCESS_KEY_ID: 'local', AWS_SECRET_ACCESS_KEY: 'local' };
const START_URL = 'https://shop.awsapps.test/start';

let aws: LoopbackServer;
let proxy: LoopbackServer;
let home: string;
/** What the proxy was asked for, in order. */
let asked: string[] = [];

beforeAll(async () => {
  aws = await listenOnLoopback(
    createServer((_request, response) => {
      const error = `<Code>ValidationError</Code><Message>${NO_STACK}</Message>`;
      response.writeHead(400).end(`<ErrorResponse><Error>${error}</Error></ErrorResponse>`);
    }),
    0,
  );
  const server = createServer((_request, response) => {
    response.writeHead(501).end();
  });
  server.on('connect', (request, socket) => {
    asked.push(`${request.url} ${request.headers['proxy-authorization'] ?? ''}`.trim());
    if (!request.url?.startsWith('aws.test:')) return socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n');
    const there = connect(Number(new URL(aws.url).port), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      there.pipe(socket).pipe(there);
    });
    for (const end of [socket, there]) end.on('error', () => end.destroy());
  });
  proxy = await listenOnLoopback(server, 0);
  home = await mkdtemp(join(tmpdir(), 'proxy-'));
  await mkdir(join(home, '.aws/sso/cache'), { recursive: true });
  await writeFile(
    join(home, '.aws/config'),
    `[profile night]\nregion = eu-west-1\nsso_start_url = ${START_URL}\nsso_region = eu-west-1\nsso_account_id = 111111111111\nsso_role_name = Operator\n`,
  );
  await writeFile(
    join(home, '.aws/sso/cache', `${createHash('sha1').update(START_URL).digest('hex')}.json`),
    JSON.stringify({ startUrl: START_URL, accessToken: 'token', expiresAt: '2999-01-01T00:00:00Z' }),
  );
});
afterAll(async () => {
  await Promise.all([aws.close(), proxy.close(), rm(home, { recursive: true })]);
});
beforeEach(() => {
  asked = [];
});

function ops(env: Record<string, string>, ...args: string[]): Promise<string> {
  const whole = { PATH: process.env.PATH, HOME: home, AWS_EC2_METADATA_DISABLED: 'true', ...env };
  return new Promise((resolve) => {
    execFile(process.execPath, [ENTRY, ...args], { env: whole }, (_error, stdout, stderr) =>
      resolve(stdout + stderr),
    );
  });
}

const showOf = (...target: string[]) => ['show', 'order-1', '--stack', 'shop', ...target];
const show = showOf('--region', 'eu-west-1');

it('asks AWS through HTTPS_PROXY, and says which proxy let nothing through, without its password', async () => {
  const named = proxy.url.replace('//', '//me:secret@');
  const said = await ops({ ...KEYS, HTTPS_PROXY: named }, ...show);
  expect(new Set(asked)).toEqual(
    new Set([`cloudformation.eu-west-1.amazonaws.com:443 Basic ${btoa('me:secret')}`]),
  );
  expect(said).toContain(`Nothing came through the proxy ${new URL(proxy.url).host}`);
  expect(said).toContain('502');
  expect(said).not.toContain('secret');
});

it('has the answer of what the proxy lets through', async () => {
  const http_proxy = new URL(proxy.url).host;
  const said = await ops({ ...KEYS, http_proxy, AWS_ENDPOINT_URL: 'http://aws.test' }, ...show);
  expect(asked).toEqual(['aws.test:80']);
  expect(said).toContain(NO_STACK);
});

it('leaves the hosts of NO_PROXY out', async () => {
  const here = { AWS_ENDPOINT_URL: aws.url, HTTP_PROXY: proxy.url, HTTPS_PROXY: proxy.url };
  const said = await ops({ ...KEYS, ...here, NO_PROXY: 'localhost,127.0.0.1' }, ...show);
  expect(said).toContain(NO_STACK);
  expect(asked).toEqual([]);
});

it('asks AWS without one where the variable is empty', async () => {
  const said = await ops({ ...KEYS, AWS_ENDPOINT_URL: aws.url, HTTPS_PROXY: '', http_proxy: '' }, ...show);
  expect(said).toContain(NO_STACK);
});

it('signs in through it, too', async () => {
  const said = await ops({ HTTPS_PROXY: proxy.url }, ...showOf('--profile', 'night'));
  expect(new Set(asked)).toEqual(new Set(['portal.sso.eu-west-1.amazonaws.com:443']));
  expect(said).toContain('There are no AWS credentials to use');
});

it('asks the local run without it', async () => {
  const ports = { PORT: '65530', PAYTECH_PORT: '65531', SQS_PORT: '65532', DYNAMODB_PORT: '65533' };
  const said = await ops({ ...ports, HTTP_PROXY: proxy.url, HTTPS_PROXY: proxy.url }, 'show', 'order-1');
  expect(said).toContain('Is the local run running');
  expect(asked).toEqual([]);
});
