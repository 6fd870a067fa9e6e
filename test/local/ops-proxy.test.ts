import { execFile, execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { useProxyOf } from '../../infra/cli/proxy.ts';
import { send } from '../../shared/runtime/transport.ts';
import { blackHole } from '../support/black-hole.ts';

/** paytech-ops behind a proxy that HTTPS_PROXY names: a small one of these tests, which says what it was asked for. */

const root = join(import.meta.dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'paytech-ops-proxy-'));
const [keyFile, certFile] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];

let server: https.Server;
let proxy: http.Server;
let asked: { target: string; authorization: string | undefined }[] = [];
let refusesWith: number | undefined;
let undo = () => {};

const portOf = (each: http.Server) => (each.address() as AddressInfo).port;
const proxyUrl = (credentials = '') => `http://${credentials}127.0.0.1:${portOf(proxy)}`;

beforeAll(async () => {
  // A certificate of its own authority, for every host of the tests.
  const subject = [
    '-subj',
    '/CN=test',
    '-addext',
    'subjectAltName=DNS:paytech.example,DNS:api.paytech.example,DNS:localhost',
  ];
  const asFiles = ['-keyout', keyFile, '-out', certFile];
  execFileSync(
    'openssl',
    ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', ...asFiles, ...subject],
    {
      stdio: 'ignore',
    },
  );
  const [key, cert] = [readFileSync(keyFile), readFileSync(certFile)];
  server = https.createServer({ key, cert }, (request, response) =>
    response.end(`seen ${request.headers.host}`),
  );
  https.globalAgent.options.ca = cert;
  proxy = http.createServer();
  proxy.on('connect', ({ url = '', headers }, socket: Socket) => {
    asked.push({ target: url, authorization: headers['proxy-authorization'] });
    socket.on('error', () => {});
    if (refusesWith) return socket.end(`HTTP/1.1 ${refusesWith} No\r\n\r\n`);
    const there = connect(portOf(server), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      there.pipe(socket).pipe(there);
    });
    there.on('error', () => socket.destroy());
  });
  for (const each of [server, proxy]) await once(each.listen(0, '127.0.0.1'), 'listening');
});
afterAll(() => {
  server.close();
  proxy.close();
  rmSync(folder, { recursive: true });
});
beforeEach(() => {
  asked = [];
  refusesWith = undefined;
});
afterEach(() => undo());

/** As paytech is called, but that the certificate is the tests' own. */
async function get(url: string): Promise<string> {
  const agent = new https.Agent({ ca: readFileSync(certFile) });
  const request = https.get(url, { agent });
  const [answer] = (await once(request, 'response')) as [http.IncomingMessage];
  let text = '';
  for await (const chunk of answer.setEncoding('utf8')) text += chunk;
  return text;
}

function ops(env: Record<string, string>, ...args: string[]) {
  const { PATH, HOME } = process.env;
  const keys = { AWS_ACCESS_KEY_ID: 'x', AWS_SECRET_ACCESS_KEY: 'x', AWS_REGION: 'eu-west-1' };
  return new Promise<{ code: number; said: string }>((resolve) => {
    execFile(
      process.execPath,
      ['infra/cli/paytech-ops.ts', ...args],
      { cwd: root, env: { PATH, HOME, ...keys, ...env } },
      (error, _stdout, stderr) => resolve({ code: Number(error?.code ?? 0), said: stderr }),
    );
  });
}

it('calls of https go through it, with its credentials, to the very host', async () => {
  undo = useProxyOf({ HTTPS_PROXY: proxyUrl('jane:se%40cret@') });
  expect(await get('https://paytech.example/x')).toBe('seen paytech.example');
  const authorization = `Basic ${Buffer.from('jane:se@cret').toString('base64')}`;
  expect(asked).toEqual([{ target: 'paytech.example:443', authorization }]);
});

it.each(['paytech.example', '.paytech.example', 'other.example, paytech.example:443', '*'])(
  'NO_PROXY=%s keeps api.paytech.example out of it',
  async (without) => {
    undo = useProxyOf({ HTTPS_PROXY: proxyUrl(), NO_PROXY: without });
    await expect(get('https://api.paytech.example/')).rejects.toThrow(/ENOTFOUND|EAI_AGAIN/);
    expect(asked).toEqual([]);
  },
);

it.each(['', 'tech.example', 'paytech.example:8443', 'example.com'])(
  'NO_PROXY=%j does not',
  async (without) => {
    undo = useProxyOf({ https_proxy: proxyUrl(), no_proxy: without });
    expect(await get('https://api.paytech.example/')).toBe('seen api.paytech.example');
    expect(asked).toHaveLength(1);
  },
);

it('what it refuses was not sent, and says who refused it', async () => {
  undo = useProxyOf({ HTTPS_PROXY: proxyUrl() });
  refusesWith = 407;
  const url = new URL('https://paytech.example/');
  expect(await send({ method: 'POST', url, headers: {}, body: '{}', limitMs: 5_000 })).toEqual({
    ended: 'not-sent',
    reason: `the proxy 127.0.0.1:${portOf(proxy)} answers HTTP 407 for paytech.example:443`,
  });
});

it('a certificate is checked as without it, and nothing is sent to what has a wrong one', async () => {
  undo = useProxyOf({ HTTPS_PROXY: proxyUrl() });
  const url = new URL('https://elsewhere.example/');
  const ended = await send({ method: 'POST', url, headers: {}, body: '{}', limitMs: 5_000 });
  expect(ended).toMatchObject({ ended: 'not-sent', reason: expect.stringMatching(/certificate|altnames/i) });
  expect(asked).toHaveLength(1);
});

it('one that never answers is not waited for without end', async () => {
  const { host } = await blackHole();
  undo = useProxyOf({ HTTPS_PROXY: `http://${host}` }, 200);
  const url = new URL('https://paytech.example/');
  expect(await send({ method: 'GET', url, headers: {}, limitMs: 5_000 })).toEqual({
    ended: 'not-sent',
    reason: `the proxy ${host} does not answer`,
  });
});

it('paytech-ops finds its stack through it, and names it where it refuses', async () => {
  refusesWith = 403;
  const { code, said } = await ops({ HTTPS_PROXY: proxyUrl() }, 'doctor', '--stack', 'shop');
  expect(code).toBe(1);
  expect(said).toContain(`the proxy 127.0.0.1:${portOf(proxy)} answers HTTP 403`);
  expect(new Set(asked.map(({ target }) => target))).toEqual(
    new Set(['cloudformation.eu-west-1.amazonaws.com:443']),
  );
});

it('signs a profile in through it, too', async () => {
  refusesWith = 403;
  const startUrl = 'https://shop.awsapps.test/start';
  const cached = `${createHash('sha1').update(startUrl).digest('hex')}.json`;
  const profile = `sso_start_url = ${startUrl}\nsso_region = eu-west-1\nsso_account_id = 111111111111\nsso_role_name = night`;
  mkdirSync(join(folder, '.aws/sso/cache'), { recursive: true });
  writeFileSync(join(folder, '.aws/config'), `[profile night]\n${profile}\n`);
  writeFileSync(
    join(folder, '.aws/sso/cache', cached),
    JSON.stringify({ startUrl, accessToken: 'token', expiresAt: '2999-01-01T00:00:00Z' }),
  );
  const env = { HTTPS_PROXY: proxyUrl(), HOME: folder };
  expect((await ops(env, 'doctor', '--stack', 'shop', '--profile', 'night')).code).toBe(1);
  expect(new Set(asked.map(({ target }) => target))).toEqual(
    new Set(['portal.sso.eu-west-1.amazonaws.com:443']),
  );
});

it.each(['http://[', 'socks5://127.0.0.1:1080'])('refuses %s as a wrong call', async (wrong) => {
  const { code, said } = await ops({ HTTPS_PROXY: wrong }, 'doctor', '--stack', 'shop');
  expect({ code, said }).toEqual({
    code: 2,
    said: 'HTTPS_PROXY must be a URL such as http://proxy.example:3128.\n',
  });
});
