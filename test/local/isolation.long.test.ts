import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, onTestFinished, test, vi } from 'vitest';
import { blackHole } from '../support/black-hole.ts';

const start = join(import.meta.dirname, '../../infra/local/start.ts');

/** A home folder whose owner works on AWS, with everything that can lead a client of the SDK astray. */
function homeOf(host: string): string {
  const home = mkdtempSync(join(tmpdir(), 'hostile-home-'));
  onTestFinished(() => rmSync(home, { recursive: true, force: true }));
  mkdirSync(join(home, '.aws'));
  const settings = `region = eu-west-1
ignore_configured_endpoint_urls = true
endpoint_url = http://${host}
use_fips_endpoint = true
use_dualstack_endpoint = true
defaults_mode = auto
retry_mode = adaptive
account_id_endpoint_mode = required
credential_process = exit 1
`;
  writeFileSync(join(home, '.aws/config'), `[default]\n${settings}\n[profile work]\n${settings}`);
  writeFileSync(join(home, '.aws/credentials'), '[default]\naws_access_key_id = AKIAWORK\n');
  return home;
}

/** `npm start` on that machine; answers its log so far and, once it is ready, the URLs of API and simulator. */
async function startOn(host: string, more: NodeJS.ProcessEnv = {}) {
  const run = spawn(process.execPath, [start], {
    env: {
      ...process.env,
      HOME: homeOf(host),
      ...Object.fromEntries(['PORT', 'PAYTECH_PORT', 'SQS_PORT', 'DYNAMODB_PORT'].map((name) => [name, '0'])),
      AWS_PROFILE: 'work',
      AWS_REGION: 'eu-west-1',
      AWS_ENDPOINT_URL: `http://${host}`,
      AWS_ENDPOINT_URL_DYNAMODB: `http://${host}`,
      AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'true',
      AWS_USE_FIPS_ENDPOINT: 'true',
      AWS_EC2_METADATA_SERVICE_ENDPOINT: `http://${host}`,
      CDK_CONTEXT_JSON: '{"paytech": {}}',
      CDK_OUTDIR: '/nowhere',
      ...Object.fromEntries(
        ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'http_proxy', 'https_proxy'].map((name) => [
          name,
          `http://${host}`,
        ]),
      ),
      NODE_USE_ENV_PROXY: '1',
      ...more,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(async () => {
    run.kill('SIGTERM');
    if (run.exitCode === null) await once(run, 'exit');
  });
  const log: string[] = [];
  for (const stream of [run.stdout, run.stderr]) {
    createInterface({ input: stream }).on('line', (line) => log.push(line));
  }
  const ready = await vi.waitUntil(() => log.find((line) => line.startsWith('ready')), { timeout: 50_000 });
  const [apiUrl, , simulatorUrl] = ready.match(/http:\/\/127\.0\.0\.1:\d+/g)!;
  return { run, log, apiUrl: apiUrl!, simulatorUrl: simulatorUrl! };
}

async function json(url: string, body?: unknown) {
  const response = await fetch(url, {
    ...(body !== undefined && { method: 'POST', body: JSON.stringify(body) }),
    headers: { 'content-type': 'application/json' },
  });
  return response.json() as Promise<Record<string, unknown>>;
}

test('a payment goes through whatever profile, endpoint, proxy and home folder the machine has', async () => {
  const { host, connections } = await blackHole();
  const { log, apiUrl, simulatorUrl } = await startOn(host);
  const order = { referenceId: 'order-1', amount: '11.12', currency: 'EUR' };
  const { id, ...created } = await json(`${apiUrl}/payments`, { ...order, amount: 11.12 });
  expect(created, log.join('\n')).toMatchObject({ state: 'CHECKOUT' });
  await json(`${simulatorUrl}/simulator/payments/${id}/pay`, { cardNumber: '4000000000000408' });
  await expect
    .poll(() => json(`${apiUrl}/payments/${id}`), { message: log.join('\n') })
    .toMatchObject({ state: 'COMPLETED', version: 2 });
  expect(connections()).toBe(0);
}, 120_000);

test('nothing is left behind when the terminal is closed', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'closed-terminal-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const { host } = await blackHole();
  const { run, apiUrl } = await startOn(host, { TMPDIR: folder });
  // Nobody reads any more either.
  run.stdout.destroy();
  run.stderr.destroy();
  const ended = once(run, 'exit');
  run.kill('SIGHUP');
  expect(await ended).toEqual([0, null]);
  // What Node itself caches there is its own.
  expect(readdirSync(folder).filter((name) => name !== 'node-compile-cache')).toEqual([]);
  await expect(fetch(apiUrl)).rejects.toThrow('fetch failed');
}, 120_000);
