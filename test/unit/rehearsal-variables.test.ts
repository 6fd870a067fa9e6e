import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import type { Rehearsed } from '../../infra/rehearsal/rehearsal.ts';
import { variablesOf } from '../../infra/rehearsal/variables.ts';

/** What a shell has that has taken its settings from `npm run rehearse -- --keep`. */

const rehearsed: Rehearsed = {
  stack: 'paytech-payments-sandbox',
  endpoint: 'https://localhost:4566',
  apiUrl: 'http://127.0.0.1:4000',
  apiHost: 'abc.execute-api.localhost:4566',
  simulatorUrl: 'http://127.0.0.1:4001',
  outputs: {},
  backOffice: { accessKeyId: 'AKIA', secretAccessKey: 'secret' },
  context: ['--context', `paytech={"stage":"sandbox","allowedOrigins":["https://it's.example"]}`],
  env: { AWS_ENDPOINT_URL: 'https://localhost:4566', AWS_ACCESS_KEY_ID: 'local', HOME: '/elsewhere' },
};

/** With stand-ins for `aws` and `curl` that say how they were called. */
function shell(script: string): string {
  const standIns = 'command() { shift; echo "aws $*"; }; curl() { printf "%s\\n" "$@"; }';
  return execFileSync('bash', ['--norc', '-euc', `${variablesOf(rehearsed)}\n${standIns}\n${script}`], {
    encoding: 'utf8',
    env: { PATH: process.env.PATH, HOME: '/home/me', AWS_PROFILE: 'of-my-own', AWS_SESSION_TOKEN: 'mine' },
  });
}

test('aws and cdk find the emulator and nothing of an account of one’s own', () => {
  expect(shell('aws sqs list-queues')).toBe('aws --endpoint-url https://localhost:4566 sqs list-queues\n');
  expect(shell('printenv AWS_PROFILE AWS_SESSION_TOKEN || echo "$HOME $AWS_ACCESS_KEY_ID $stack"')).toBe(
    '/home/me local paytech-payments-sandbox\n',
  );
  expect(shell('echo "$CDK_CONTEXT"')).toBe(`${rehearsed.context[1]}\n`);
});

test('a call of the back office is signed for the host of the API', () => {
  const lines = shell(`back_office POST /refunds '{"amount": "5"}'`).split('\n');
  expect(lines).toContain('http://127.0.0.1:4000/operations/refunds');
  expect(lines).toContain('host: abc.execute-api.localhost:4566');
  expect(lines).toContain('{"amount": "5"}');
  expect(shell('back_office GET /payments')).not.toContain('-d');
});
