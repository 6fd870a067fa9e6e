import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { promisify } from 'node:util';
import { CreateBackupCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { clientFor } from '../../infra/local/account.ts';
import { rehearsed } from '../support/deployed-target.ts';
import { commandBlocks, readDocument, root } from '../support/documents.ts';
import { orderToken } from '../support/order-token.ts';
import { type Service, startService } from '../support/service.ts';
import { signedCalls } from '../support/signed.ts';

/**
 * docs/runbook.md, "Restoring the table", command by command on the rehearsed account: what was made after the backup
 * goes out no second time. The emulator restores every point in time to now, so that a backup stands in its place.
 */

const { stack, env, endpoint, outputs, context } = rehearsed();
const RESTORED = 'payments-restored';

let service: Service;
let backup: string;
beforeAll(async () => {
  service = await startService();
});
afterAll(() => service.stop());

const back = (method: string, path: string, body?: object) =>
  signedCalls(service)(method, path, body && JSON.stringify(body));

/** One request as its caller sends it, and sends it again. */
type Request = () => ReturnType<Service['api']>;

function order(): Request {
  const exp = Math.floor(Date.now() / 1_000) + 3_600;
  const token = orderToken({ referenceId: `order-${randomUUID()}`, amount: '10', currency: 'EUR', exp });
  return () => service.api('POST', '/payments', JSON.stringify({ orderToken: token }));
}

function payout(): Request {
  const body = { referenceId: `payout-${randomUUID()}`, amount: '10', currency: 'EUR' };
  return () => back('POST', '/operations/withdrawals', { ...body, customer: { accountNumber: 'DE89' } });
}

function refund(paymentId: string): Request {
  const body = { refundId: `refund-${randomUUID()}`, paymentId, amount: '3' };
  return () => back('POST', '/operations/refunds', body);
}

async function made(request: Request): Promise<string> {
  const answer = await request();
  expect(answer.status, answer.text).toBe(201);
  return String(answer.json().id);
}

async function paid(request: Request): Promise<string> {
  const id = await made(request);
  await service.simulator('POST', `/simulator/payments/${id}/pay`, { state: 'COMPLETED' });
  await vi.waitFor(
    async () => expect(await service.item(`payment#${id}`)).toMatchObject({ state: 'COMPLETED' }),
    { timeout: 30_000, interval: 200 },
  );
  return id;
}

async function creations(): Promise<number> {
  const requests: { method: string; path: string }[] = JSON.parse(
    (await service.simulator('GET', '/simulator/requests')).text,
  );
  return requests.filter(({ method, path }) => method === 'POST' && path === '/api/v1/payments').length;
}

/** The commands of the runbook from one mark in its text to another. */
async function follow(from: string, to?: string): Promise<string> {
  const [, section = ''] = readDocument('docs/runbook.md').split('## <a id="restore"></a>');
  const [names] = commandBlocks(section);
  const part = section.slice(section.indexOf(from), to === undefined ? undefined : section.indexOf(to));
  const settings = { ...JSON.parse(context[1]!.replace('paytech=', '')), existingTable: RESTORED };
  const given = `--output cdk.out/rehearsal --require-approval never --context 'paytech=${JSON.stringify(settings)}'`;
  const script = [names!, ...commandBlocks(part)]
    .map((block) => block.script)
    .join('\n')
    .replace(/^stack=.*$/m, `stack=${stack}`)
    .replace(/^restored=.*$/m, `restored=${RESTORED}`)
    .replace('restore-table-to-point-in-time', 'restore-table-from-backup')
    .replace(/--source-table-name "[^"]*" /, `--backup-arn ${backup} `)
    .replace(' --restore-date-time "$whole"', '')
    .replace(/^sleep 15; /m, '')
    .replace(/^npx cdk deploy$/m, `npx cdk deploy ${given}`);
  const { stdout } = await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', script], {
    cwd: root,
    env: { ...process.env, ...env },
  });
  return stdout;
}

it('brings back what was made after the backup, and lets nothing out a second time', async ({ skip }) => {
  const hasAws = await promisify(execFile)('aws', ['--version']).catch(() => undefined);
  if (!hasAws) skip('the aws command is not installed here: the runbook was not followed');
  const [before, unpaid, completed] = [order(), order(), order()];
  const refunded = await paid(before);
  await service.invoke('reconcile', {});

  const dynamo = new DynamoDBClient(clientFor(endpoint));
  const { BackupDetails } = await dynamo.send(
    new CreateBackupCommand({ TableName: outputs.PaymentsTable, BackupName: 'whole' }),
  );
  backup = BackupDetails!.BackupArn!;
  dynamo.destroy();

  const since = new Map<Request, string>();
  since.set(unpaid, await made(unpaid));
  since.set(completed, await paid(completed));
  for (const request of [payout(), refund(refunded)]) since.set(request, await made(request));
  const sent = await creations();

  const stopped = async () => {
    for (const request of [order(), payout(), ...since.keys()])
      expect((await request()).status).toBeGreaterThanOrEqual(429);
    expect(await creations()).toBe(sent);
  };
  await follow('**1. ', '**2. ');
  await stopped();
  await follow('**2. ', '**4. ');
  const doctor = await follow('**4. ', '**5. ');
  expect(doctor).toMatch(/OK +protection +has its index, backups and protection/);
  await stopped();
  const at = new Date().toISOString();
  await vi.waitFor(
    async () => {
      const [, until = ''] = /compared until +(\S+)/.exec(await follow('**5. ', '**6. ')) ?? [];
      expect(until > at).toBe(true);
    },
    { timeout: 60_000, interval: 1_000 },
  );
  await follow('**6. ');

  for (const [request, id] of since) {
    // It is the restored table that answers: the request that made the payment is not in it.
    const { origin } = JSON.parse((await back('GET', `/operations/payments/${id}`)).text);
    expect(origin).toBe('external');
    const answer = await request();
    expect(answer.status, answer.text).toBe(200);
    expect(answer.json().id).toBe(id);
  }
  expect((await before()).json().id).toBe(refunded);
  expect(await creations()).toBe(sent);
  expect((await order()()).status).toBe(201);
}, 600_000);
