import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { jwtVerify } from 'jose';
import { describe, expect, it } from 'vitest';
import { LOCAL_KEYS } from '../../infra/local/account.ts';

/** What `npm start` takes from its environment, and `npm run order-token` from its arguments. */

interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

function run(script: string, args: string[], variables: Record<string, string> = {}): Promise<Ended> {
  const { PATH, HOME } = process.env;
  const file = join(import.meta.dirname, '../../infra/local', script);
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [file, ...args],
      // One that starts all the same is not left running.
      { env: { PATH, HOME, ...variables }, timeout: 30_000 },
      (error, stdout, stderr) => {
        resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr });
      },
    );
  });
}

describe('npm start', () => {
  it.concurrent.each([
    ['PORT', 'a port number'],
    ['PAYTECH_PORT', 'a port number'],
    ['SQS_PORT', 'a port number'],
    ['DYNAMODB_PORT', 'a port number'],
    ['ORDER_TOKENS', 'off or required'],
    ['PAYTECH_ANSWERS', 'whole or sparse or random'],
  ])('does not start with a wrong %s, and says what it must be', async (variable, what) => {
    const { code, stderr } = await run('start.ts', [], { [variable]: 'wrong' });
    expect(stderr).toBe(`${variable} must be ${what}, and is "wrong".\n`);
    expect(code).toBe(1);
  });
});

describe('npm run order-token', () => {
  const order = ['--reference', 'order-1', '--amount', '11.12', '--currency', 'EUR'];
  const secret = 'another-order-key-another-order-key';

  it('signs what it is told, for an hour, by the key of the local run', async () => {
    const { stdout } = await run('order-token.ts', [...order, '--payment', '{"preAuth":true}']);
    const { payload } = await jwtVerify(stdout.trim(), Buffer.from(LOCAL_KEYS.orderTokenKey));
    const { exp = 0, ...claims } = payload;
    expect(claims).toEqual({
      referenceId: 'order-1',
      amount: '11.12',
      currency: 'EUR',
      payment: { preAuth: true },
    });
    expect(Math.abs(exp - Date.now() / 1000 - 3_600)).toBeLessThan(300);
  });

  it('or by another key, for as long as it is told', async () => {
    const { stdout } = await run('order-token.ts', [...order, '--key', secret, '--expires', '86400']);
    const { payload } = await jwtVerify(stdout.trim(), Buffer.from(secret));
    expect(Math.abs(payload.exp! - Date.now() / 1000 - 86_400)).toBeLessThan(300);
  });

  it.concurrent.each([
    [['--expires', '86401'], 'expires must be'],
    [['--key', 'short'], 'at least 32 bytes'],
    [['--amount', '1,5'], 'amount must be'],
    [['--payment', 'preAuth'], 'payment is not JSON'],
  ])('refuses %j', async (wrong, says) => {
    const { code, stderr } = await run('order-token.ts', [...order, ...wrong]);
    expect(stderr).toContain(says);
    expect(code).toBe(1);
  });
});
