import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { expect, vi } from 'vitest';
import { LOCAL_KEYS } from '../../infra/local/account.ts';
import { keyFingerprint } from '../../shared/paytech/signature.ts';
import type { Service } from './service.ts';
import { signedCalls } from './signed.ts';

// biome-ignore lint/suspicious/noExplicitAny: the document of any command
export type Json = any;

const ENTRY = join(import.meta.dirname, '../../infra/cli/paytech-ops.ts');
export const KEY = keyFingerprint(LOCAL_KEYS.signingKey);

interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

/** `paytech-ops` as an operator calls it: a process of its own, against a local run; and what it is called about. */
export function operator(service: Service) {
  /** On the target, or with other variables as they say. */
  function ops(args: string[], variables?: Record<string, string>): Promise<Ended> {
    return new Promise((resolve) => {
      const { PATH, HOME } = process.env;
      const env = { PATH, HOME, ...(variables ?? service.ops.env) };
      const target = variables ? [] : service.ops.args;
      const child = execFile(
        process.execPath,
        [ENTRY, ...target, ...args],
        { env },
        (error, stdout, stderr) =>
          resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr }),
      );
      child.stdin?.end();
    });
  }

  /** With `--json`, whose document must be all that is on stdout. */
  async function json(...args: string[]): Promise<Json> {
    const { code, stdout, stderr } = await ops([...args, '--json']);
    expect(code, stderr + stdout).toBe(0);
    expect(stdout.trim().split('\n')).toHaveLength(1);
    return JSON.parse(stdout);
  }

  const simulate = (path: string, body: object) => service.simulator('POST', `/simulator/${path}`, body);

  async function deposit(amount: string, referenceId = `order-${randomUUID()}`): Promise<string> {
    const rest = JSON.stringify({ referenceId, currency: 'EUR', paymentMethod: 'BASIC_CARD' });
    const answer = await service.api('POST', '/payments', `{"amount":${amount},${rest.slice(1)}`);
    expect(answer.status, answer.text).toBe(201);
    return answer.json().id as unknown as string;
  }

  async function paid(amount: string, referenceId?: string): Promise<string> {
    const id = await deposit(amount, referenceId);
    await simulate(`payments/${id}/pay`, { state: 'COMPLETED' });
    await vi.waitFor(
      async () => expect(await service.item(`payment#${id}`)).toMatchObject({ state: 'COMPLETED' }),
      {
        timeout: 10_000,
      },
    );
    return id;
  }

  async function uncertainCapture(): Promise<string> {
    const order = { referenceId: `order-${randomUUID()}`, amount: 5, currency: 'EUR', preAuth: true };
    const created = await service.api('POST', '/payments', JSON.stringify(order));
    const id = String(created.json().id);
    await simulate(`payments/${id}/pay`, { cardNumber: '4000 0000 0000 0408' });
    await vi.waitFor(
      async () => expect(await service.item(`payment#${id}`)).toMatchObject({ state: 'AUTHORIZED' }),
      { timeout: 10_000 },
    );
    await simulate('faults', { on: 'capture', kind: '500' });
    const captured = await signedCalls(service)('POST', `/operations/payments/${id}/capture`, '');
    expect(captured.json().code, captured.text).toBe('operation.outcome_unknown');
    return id;
  }

  async function depositWithoutWebhook(): Promise<string> {
    await simulate('faults', { on: 'webhook', kind: 'drop' });
    const id = await deposit('20');
    await simulate(`payments/${id}/pay`, { state: 'COMPLETED' });
    return id;
  }

  async function flaggedWithdrawal(referenceId: string): Promise<string> {
    const { id } = await service.madeElsewhere({
      paymentType: 'WITHDRAWAL',
      referenceId,
      amount: 1,
      currency: 'EUR',
    });
    await simulate('faults', { on: 'create', kind: 'reset' });
    const body = JSON.stringify({
      referenceId,
      currency: 'EUR',
      amount: 2,
      customer: { referenceId: 'c-1' },
    });
    expect((await signedCalls(service)('POST', '/operations/withdrawals', body)).status).toBe(409);
    return id;
  }

  return {
    ops,
    json,
    simulate,
    deposit,
    paid,
    uncertainCapture,
    depositWithoutWebhook,
    flaggedWithdrawal,
  };
}
