import { execFile } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { CREDENTIALS, REGION } from '../../infra/local/account.ts';
import { readDocument } from '../support/documents.ts';
import { startLocalService } from '../support/service.ts';

/** The payment in the sandbox that docs/pipeline.md makes after a deployment, as printed, against the local run. */

let service: Awaited<ReturnType<typeof startLocalService>>;
let folder: string;
beforeAll(async () => {
  service = await startLocalService();
  folder = await mkdtemp(join(tmpdir(), 'pipeline-'));
  await writeFile(join(folder, 'aws'), '#!/bin/sh\necho "$API_URL"\n');
  await chmod(join(folder, 'aws'), 0o755);
});
afterAll(async () => {
  await service.stop();
  await rm(folder, { recursive: true, force: true });
});

/** As GitHub runs a step: `bash -e`. */
const script = readDocument('docs/pipeline.md')
  .match(/name: A payment in the sandbox\n[^|]*run: \|\n((?: {10}.*\n)+)/)![1]!
  .replaceAll(/^ {10}/gm, '');

function step(FIRST_PAYMENT: string, run: string): Promise<{ code: number; output: string }> {
  const env = {
    PATH: `${folder}:${process.env.PATH}`,
    API_URL: service.apiUrl,
    AWS_REGION: REGION,
    AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
    GITHUB_RUN_ID: run,
    GITHUB_RUN_ATTEMPT: '1',
    FIRST_PAYMENT,
  };
  return new Promise((resolve) =>
    execFile('bash', ['-e', '-c', script], { env, cwd: folder }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, output: stdout + stderr }),
    ),
  );
}

async function firstPayment(): Promise<string> {
  const order = {
    referenceId: 'first',
    amount: '1',
    currency: 'EUR',
    paymentMethod: 'BASIC_CARD',
    startRecurring: true,
  };
  const { id } = (await service.api('POST', '/payments', JSON.stringify(order))).json();
  await service.simulator('POST', `/simulator/payments/${id}/pay`, { cardNumber: '4000 0000 0000 0408' });
  await vi.waitFor(
    async () => expect(await service.item(`payment#${id}`)).toMatchObject({ state: 'COMPLETED' }),
    { timeout: 30_000, interval: 100 },
  );
  return String(id);
}

it('ends well with a charge that is COMPLETED', async () => {
  const { code, output } = await step(await firstPayment(), '1001');
  expect({ code, output }).toEqual({ code: 0, output: expect.stringContaining('"state":"COMPLETED"') });
  expect(output).toContain('deploy-1001-1');
});

it('fails the job where the charge is refused', async () => {
  const { code, output } = await step('no-such-payment', '1002');
  expect(code).not.toBe(0);
  expect(output).toContain('"code"');
});

it('fails the job where paytech declines the charge', async () => {
  const order = { referenceId: 'unpaid', amount: '1', currency: 'EUR', startRecurring: true };
  const { id } = (await service.api('POST', '/payments', JSON.stringify(order))).json();
  const { code } = await step(String(id), '1003');
  expect(code).not.toBe(0);
});
