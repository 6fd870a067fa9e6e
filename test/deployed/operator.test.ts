import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { clientFor } from '../../infra/local/account.ts';
import { makeUserWith } from '../../infra/rehearsal/account.ts';
import { rehearsed } from '../support/deployed-target.ts';
import { type Json, operator } from '../support/operator.ts';
import { type Service, startService } from '../support/service.ts';

/** docs/operator-policy.json is enough for paytech-ops, as far as the emulator asks for permissions. */

vi.setConfig({ testTimeout: 180_000 });

const { stack, env, endpoint } = rehearsed();
const { Version, Statement }: Json = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../docs/operator-policy.json'), 'utf8'),
);

let service: Service;
beforeAll(async () => {
  service = await startService();
});
afterAll(() => service.stop());

async function operatorWith(name: string, statements: Json[]) {
  const keys = await makeUserWith(
    `${name}-${randomUUID()}`,
    JSON.stringify({ Version, Statement: statements }),
    clientFor(endpoint),
  );
  const variables = {
    ...(env as Record<string, string>),
    AWS_ACCESS_KEY_ID: keys.accessKeyId,
    AWS_SECRET_ACCESS_KEY: keys.secretAccessKey,
  };
  const { ops, paid, simulate } = operator(service);
  const call = (...args: string[]) => ops(['--stack', stack, ...args], variables);
  return { call, paid, simulate };
}

it('who operates may look, decide, redrive, replay and reconcile', async () => {
  // The emulator asks for these where AWS is content with the actions for one message.
  const Action = ['sns:PublishBatch', 'sqs:ChangeMessageVisibilityBatch'];
  const ofEmulator = { Effect: 'Allow', Action, Resource: '*' };
  const { call, paid } = await operatorWith('operator', [...Statement, ofEmulator]);
  const id = await paid('7');
  await service.webhook('no payment of the operator');
  const commands = [
    ['show', id],
    ['explain', id],
    ['keys'],
    ['claims', 'ls'],
    ['alarms'],
    ['replay', id],
    ['reconcile'],
    ['dlq', 'ls'],
    ['dlq', 'ls', '--queue', 'payment-events'],
    ['dlq', 'redrive', '--all', '--yes'],
    ['dlq', 'delete', '--all', '--yes'],
  ];
  for (const command of commands) {
    const { code, stdout, stderr } = await call(...command);
    expect({ command, code, said: code === 0 ? '' : stderr + stdout }).toEqual({
      command,
      code: 0,
      said: '',
    });
  }
  const { stdout } = await call('doctor', '--json');
  const { checks } = JSON.parse(stdout);
  expect(checks.filter(({ is }: Json) => is === 'fail')).toEqual([]);
  expect(checks.find(({ check }: Json) => check === 'alarms').detail).toBe('reach 1 subscriber');
});

it('who only looks may do nothing else', async () => {
  const looking = Statement.filter(({ Sid }: Json) => !/^(DecideAndReconcile|RedriveAndReplay)$/.test(Sid));
  const { call, paid } = await operatorWith('onlooker', looking);
  const id = await paid('8');
  for (const command of [['show', id], ['explain', id], ['alarms']])
    expect(await call(...command)).toMatchObject({ code: 0 });
  for (const command of [
    ['dlq', 'ls'],
    ['replay', id],
  ]) {
    const { code, stdout, stderr } = await call(...command);
    expect({ command, code, isDenied: /not authorized|AccessDenied/.test(stdout + stderr) }).toEqual({
      command,
      code: 1,
      isDenied: true,
    });
  }
});
