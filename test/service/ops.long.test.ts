import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { SendMessageCommand } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ACCOUNT, LOCAL_KEYS, REGION } from '../../infra/local/account.ts';
import { type Secrets, startSecretsManager } from '../../infra/local/secrets.ts';
import type { OpsSettings } from '../../infra/stack/settings.ts';
import { keyFingerprint } from '../../shared/paytech/signature.ts';
import { type Service, startService } from '../support/service.ts';
import { signedCalls } from '../support/signed.ts';
import { isDeployed } from '../support/target.ts';

/** `paytech-ops` as an operator calls it: a process of its own, against a local run. */

// biome-ignore lint/suspicious/noExplicitAny: the document of any command
type Json = any;

const ENTRY = join(import.meta.dirname, '../../infra/cli/paytech-ops.ts');
const KEY = keyFingerprint(LOCAL_KEYS.signingKey);

let service: Service;
/** A payment whose webhook was lost. */
let missed: string;
/** A payout of which paytech has another amount. */
const flagged = `payout-${randomUUID()}`;
let madeBeside: string;
let lostId: string;
/** Another one, which paytech made over another amount. */
const lost = `payout-${randomUUID()}`;
/** A payment whose capture nobody heard the end of. */
let uncertain: string;
// Faults hit whoever comes first, so they are all used up before the tests, which run side by side.
beforeAll(async () => {
  service = await startService();
  missed = await depositWithoutWebhook();
  madeBeside = await flaggedWithdrawal(flagged);
  lostId = await flaggedWithdrawal(lost);
  uncertain = await uncertainCapture();
});
afterAll(() => service.stop());

interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

/** On the target, or with other variables as they say. */
function ops(args: string[], variables?: Record<string, string>): Promise<Ended> {
  return new Promise((resolve) => {
    const { PATH, HOME } = process.env;
    const env = { PATH, HOME, ...(variables ?? service.ops.env) };
    const target = variables ? [] : service.ops.args;
    const child = execFile(process.execPath, [ENTRY, ...target, ...args], { env }, (error, stdout, stderr) =>
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

/** Made at paytech by somebody else; its id. */
async function madeElsewhere(body: object): Promise<string> {
  const answer = await fetch(`${service.simulatorUrl}/api/v1/payments`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'user-agent': 'another-system/1',
      authorization: `Bearer ${LOCAL_KEYS.apiKey}`,
    },
    body: JSON.stringify({ paymentType: 'WITHDRAWAL', currency: 'EUR', ...body }),
  });
  return ((await answer.json()) as Json).result.id;
}

async function flaggedWithdrawal(referenceId: string): Promise<string> {
  const id = await madeElsewhere({ referenceId, amount: 1 });
  await simulate('faults', { on: 'create', kind: 'reset' });
  const body = JSON.stringify({ referenceId, currency: 'EUR', amount: 2, customer: { referenceId: 'c-1' } });
  expect((await signedCalls(service)('POST', '/operations/withdrawals', body)).status).toBe(409);
  return id;
}

// Many processes side by side take their time on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

describe.concurrent('show', () => {
  it('finds a payment by its id and by its reference, to the last digit', async () => {
    const referenceId = `order-${randomUUID()}`;
    const id = await paid('999999999.123456789012345678', referenceId);
    const [byId, byReference] = await Promise.all([
      ops(['show', id, '--json']),
      ops(['--json', 'show', referenceId]),
    ]);
    expect(byId.stdout).toContain('"amount":"999999999.123456789012345678"');
    expect(JSON.parse(byId.stdout).payments).toMatchObject([
      {
        id,
        record: { state: 'COMPLETED', version: 2, history: [{}, {}] },
        paytech: { is: 'known' },
        differences: [],
      },
    ]);
    expect(JSON.parse(byReference.stdout)).toMatchObject({
      payments: [{ id }],
      claims: [{ kind: 'deposit', id: referenceId, stage: 'known' }],
    });
  });

  it('shows where the record and paytech differ', async () => {
    const id = await deposit('10');
    await simulate(`payments/${id}/pay`, { state: 'PENDING' });
    const { payments } = await json('show', id);
    expect(payments[0].differences).toContainEqual({
      field: 'state',
      record: 'CHECKOUT',
      paytech: 'PENDING',
    });
  });

  it('fails on what nobody knows, and otherwise on a wrong call', async () => {
    const [unknown, wrong, alone] = await Promise.all([
      ops(['show', 'nobody-knows', '--json']),
      ops(['show', '--json']),
      ops(['show', 'x', '--region', 'us-east-1'], {}),
    ]);
    expect(unknown.code).toBe(1);
    expect(JSON.parse(unknown.stdout).error).toContain('nobody-knows');
    expect(wrong.code).toBe(2);
    expect(JSON.parse(wrong.stdout).error).toContain('missing required argument');
    expect(alone).toMatchObject({ code: 2, stdout: '' });
  });
});

describe.concurrent('explain', () => {
  it('shows a contradiction: who said what, what was done, what to do', async () => {
    const id = await paid('11.12');
    await simulate(`payments/${id}/webhook`, { state: 'DECLINED' });
    await vi.waitFor(
      async () => expect(await service.item(`payment#${id}`)).toMatchObject({ quarantined: '1' }),
      {
        timeout: 10_000,
      },
    );
    const [{ explanations }, { stdout: text }] = await Promise.all([
      json('explain', id),
      ops(['explain', id]),
    ]);
    expect(explanations[0].timeline).toHaveLength(3);
    expect(explanations[0].timeline[2].text).toMatch(
      new RegExp(
        `key ${KEY} \\(hex\\), said DECLINED over 11.12 EUR, but the record said COMPLETED over 11.12 EUR`,
      ),
    );
    expect(explanations[0].now).toBe(
      'The record says COMPLETED over 11.12 EUR. paytech, asked just now, says the same.',
    );
    expect(explanations[0].todo[0]).toContain('Leave the order as it is');
    expect(text.split(/\s+/).join(' ')).toContain(explanations[0].timeline[2].text);
  });
});

describe.concurrent('explain, of what is not in order', () => {
  const explained = async (query: string) => {
    const { stdout } = await ops(['explain', query]);
    return stdout.split(/\s+/).join(' ');
  };
  const isRecorded = (id: string, fields: object) =>
    vi.waitFor(async () => expect(await service.item(`payment#${id}`)).toMatchObject(fields), {
      timeout: 10_000,
    });

  it('shows a correction, and what to check', async () => {
    const id = await paid('6');
    await simulate(`payments/${id}/pay`, { state: 'CANCELLED' });
    await isRecorded(id, { state: 'CANCELLED' });
    const text = await explained(id);
    expect(text).toContain('paytech was asked which is true and answered CANCELLED over 6 EUR.');
    expect(text).toContain('Check what was done on the strength of the earlier state');
  });

  it('shows an order that is paid twice, by either of its payments', async () => {
    const referenceId = `order-${randomUUID()}`;
    const first = await deposit('7', referenceId);
    await simulate(`payments/${first}/pay`, { state: 'DECLINED' });
    await isRecorded(first, { state: 'DECLINED' });
    const second = await paid('7', referenceId);
    await simulate(`payments/${first}/pay`, { state: 'COMPLETED' });
    await isRecorded(first, { state: 'COMPLETED' });
    expect(await explained(first)).toContain(`: ${second} holds money for it too.`);
    expect(await explained(second)).toContain(`: ${first} holds money for it too.`);
    expect((await json('show', second)).payments).toMatchObject([
      { paidToo: [first], record: { paidTwice: { paymentIds: [first, second].sort() } } },
    ]);
  });

  it('shows what stands until somebody decides, and who acknowledged it', async () => {
    const id = await paid('11');
    await simulate(`payments/${id}/pay`, { state: 'CANCELLED' });
    await isRecorded(id, { state: 'CANCELLED' });
    const row = new RegExp(`payment-corrected +${id} +.* UTC +version 3`);
    expect((await ops(['alarms'])).stdout).toMatch(row);
    expect(await explained(id)).toContain(`"paytech-ops acknowledge payment-corrected ${id} --reason …"`);
    const { checks } = await json('doctor');
    expect(checks).toContainEqual({
      check: 'decisions',
      is: 'warn',
      detail: expect.stringMatching(/\d decisions? open \(.*payment-corrected.*"paytech-ops alarms"/),
    });

    const arrive = { check: 'webhooks', is: 'ok', detail: expect.stringContaining('the last one was heard') };
    expect(checks).toContainEqual(arrive);

    const acknowledge = ['acknowledge', 'payment-corrected', id, '--reason', 'goods are back', '--yes'];
    expect((await ops(acknowledge)).stdout).toContain('Acknowledged: version 3.');
    expect(await explained(id)).toMatch(
      /\S+ acknowledged the alarm payment-corrected \(version 3\): "goods are back"/,
    );
    expect((await ops(['alarms'])).stdout).not.toMatch(row);
    const again = await ops(acknowledge);
    expect(again.code).toBe(1);
    expect(again.stderr).toContain(`No alarm payment-corrected stands on ${id}`);
    const flagged = await ops(['acknowledge', 'claim-flagged', 'withdrawal/p-1', '--reason', 'x', '--yes']);
    expect(flagged.code).toBe(1);
    expect(flagged.stderr).toContain('"paytech-ops claims resolve <kind> <id>" only');
  });

  it('shows a webhook that paytech does not confirm, and says to deliver nothing', async () => {
    const id = await deposit('8');
    await simulate(`payments/${id}/webhook`, { state: 'COMPLETED' });
    await isRecorded(id, { state: 'COMPLETED' });
    const text = await explained(id);
    expect(text).toContain(`Deliver nothing on it: only a webhook, signed with key ${KEY}, said COMPLETED`);
    expect(text).not.toContain('Believe paytech');
  });

  it('shows what was refunded, and of which payment a refund is', async () => {
    const id = await paid('9');
    const refundId = `refund-${randomUUID()}`;
    const body = JSON.stringify({ refundId, paymentId: id, amount: 2.5 });
    expect((await signedCalls(service)('POST', '/operations/refunds', body)).status).toBe(201);
    expect(await explained(id)).toContain(
      '2.5 EUR went back or is on its way, in 1 refund; 6.5 EUR can still be refunded.',
    );
    expect(await explained(refundId)).toContain(`for ${refundId}, of payment ${id}`);
    const { stdout } = await ops(['show', id]);
    expect(stdout).toMatch(new RegExp(`${refundId} +(reserved|settled) +2.5 EUR`));
  });

  it('asks for no decision about an amount that the merchant captured, and for one about any other', async () => {
    const order = { referenceId: `order-${randomUUID()}`, amount: 30, currency: 'EUR', preAuth: true };
    const id = String((await service.api('POST', '/payments', JSON.stringify(order))).json().id);
    await simulate(`payments/${id}/pay`, { cardNumber: '4000 0000 0000 0408' });
    await isRecorded(id, { state: 'AUTHORIZED' });
    await signedCalls(service)('POST', `/operations/payments/${id}/capture`, '{"amount":10}');
    await isRecorded(id, { state: 'COMPLETED' });
    expect(await explained(id)).toMatch(/What to do Nothing to do\. $/);

    const paidLess = await deposit('30');
    await simulate(`payments/${paidLess}/pay`, { state: 'COMPLETED', amount: 10 });
    await isRecorded(paidLess, { state: 'COMPLETED' });
    expect(await explained(paidLess)).toContain('10 EUR came instead of 30 EUR: decide whether to deliver');
  });

  it('shows a payment that waits for the merchant', async () => {
    const id = await deposit('10');
    await simulate(`payments/${id}/pay`, { state: 'AUTHORIZED' });
    await isRecorded(id, { state: 'AUTHORIZED' });
    expect(await explained(id)).toContain('Capture or void it');
  });

  it('fails on what nobody knows', async () => {
    for (const command of ['explain', 'replay']) {
      const { code, stdout, stderr } = await ops([command, 'nobody-knows']);
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
      expect(stderr).toContain('nobody-knows');
    }
    const released = ['claims', 'resolve', 'operation', 'nobody-knows', '--reason', 'x', '--yes'];
    for (const args of [['replay', 'nobody-knows'], released])
      expect(await ops(args)).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('"paytech-ops show'),
      });
  });
});

describe.concurrent('the program', () => {
  it.each([
    ['no command', [], 'Usage: paytech-ops'],
    ['a command that there is not', ['frobnicate'], "unknown command 'frobnicate'"],
    ['an option that there is not', ['doctor', '--wrong'], "unknown option '--wrong'"],
    ['an alarm that there is not', ['acknowledge', 'api-5xx', 'x', '--reason', 'y'], 'Allowed choices are'],
    ['a time that is none', ['keys', '--since', 'yesterday'], 'Give a duration such as'],
    ['no redrive filter', ['dlq', 'redrive', '--yes'], 'Name messages, a filter, or --all.'],
    ['nothing named to delete', ['dlq', 'delete', '--yes'], 'Name messages, a filter, or --all.'],
    ['a queue that there is not', ['dlq', 'ls', '--queue', 'mail'], 'There is no queue "mail" here.'],
  ])('is a usage error with %s', async (_name, args, complaint) => {
    const { code, stdout, stderr } = await ops(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(complaint);
  });

  it('says how to call it, and what its exit codes mean', async () => {
    const { code, stdout } = await ops(['--help']);
    expect(code).toBe(0);
    for (const command of ['show', 'explain', 'dlq', 'replay', 'claims', 'keys', 'reconcile', 'doctor'])
      expect(stdout).toMatch(new RegExp(`^  ${command} `, 'm'));
    expect(stdout).toContain('Exit codes: 0 done, 1 failed or not found, 2 usage error.');
  });
});

describe.concurrent('dlq', () => {
  it('lists, shows and redrives; poison comes back', async () => {
    const marker = randomUUID();
    expect((await service.webhook(`no payment ${marker}`)).status).toBe(200);
    await vi.waitFor(async () => expect(await service.depth('webhooks-dlq')).toBe(1), { timeout: 10_000 });

    const { messages } = await json('dlq', 'ls', '--reason', 'not json');
    expect(messages).toMatchObject([
      { reason: expect.stringContaining('UnreadablePayment'), source: 'webhook' },
    ]);
    const { messageId } = messages[0];
    expect((await json('dlq', 'show', messageId, '--raw')).body).toBe(`no payment ${marker}`);
    expect(await ops(['dlq', 'redrive', '--all'])).toMatchObject({ code: 2, stdout: '' });
    expect(await service.depth('webhooks-dlq')).toBe(1);

    expect(await json('dlq', 'redrive', '--reason', 'not json', '--yes')).toEqual({ redriven: [messageId] });
    const again = await vi.waitFor(
      async () => {
        const listed = await json('dlq', 'ls');
        expect(listed.messages).toHaveLength(1);
        return listed.messages[0];
      },
      { timeout: 10_000 },
    );
    expect(again.messageId).not.toBe(messageId);
    expect(again.sha256).toBe(messages[0].sha256);
  });

  it('of a subscriber are put back onto its own queue as they were, or deleted', async () => {
    const id = await paid('6');
    const [event] = await vi.waitFor(
      async () => {
        const events = await service.eventsOf(id);
        expect(events).toHaveLength(1);
        return events;
      },
      { timeout: 10_000 },
    );
    const { body, attributes } = event!;
    const MessageAttributes = Object.fromEntries(
      Object.entries(attributes).map(([name, StringValue]) => [name, { DataType: 'String', StringValue }]),
    );
    const lost = async (queue: string, MessageBody = body) => {
      const QueueUrl = service.queueUrl(queue);
      const { MessageId } = await service.sqs.send(
        new SendMessageCommand({ QueueUrl, MessageBody, MessageAttributes }),
      );
      return MessageId!;
    };
    const failed = await lost('payment-events-dlq');
    const undelivered = await lost('payment-events-undelivered');
    const garbage = await lost('payment-events-undelivered', 'no event');

    const { messages } = await json('dlq', 'ls', '--queue', 'payment-events');
    expect(messages).toHaveLength(3);
    const told = { paymentId: id, state: 'COMPLETED', eventId: `${id}:2`, type: 'paytech.payment.completed' };
    expect(messages).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ ...told, messageId: failed, queue: 'payment-events-dlq' }),
        expect.objectContaining({ ...told, messageId: undelivered, queue: 'payment-events-undelivered' }),
        expect.objectContaining({ messageId: garbage, unreadable: expect.any(String) }),
      ]),
    );
    const only = await json('dlq', 'ls', '--queue', 'payment-events-dlq');
    expect(only.messages.map(({ messageId }: Json) => messageId)).toEqual([failed]);
    const shown = await ops(['dlq', 'show', undelivered, '--queue', 'payment-events']);
    expect(shown.stdout).toContain(`${id}:2 paytech.payment.completed`);

    const { redriven } = await json('dlq', 'redrive', '--queue', 'payment-events', '--payment', id, '--yes');
    expect(redriven.sort()).toEqual([failed, undelivered].sort());
    await vi.waitFor(async () => expect(await service.eventsOf(id)).toEqual([event, event, event]), {
      timeout: 10_000,
    });
    expect(await json('dlq', 'delete', garbage, '--queue', 'payment-events-undelivered', '--yes')).toEqual({
      deleted: [garbage],
    });
    for (const queue of ['payment-events-dlq', 'payment-events-undelivered'])
      expect(await service.depth(queue), queue).toBe(0);
    // Seven processes, one after the other.
  }, 180_000);
});

describe.concurrent('replay', () => {
  it('publishes the same bytes under the same id', async () => {
    const id = await paid('5');
    const events = (length: number) =>
      vi.waitFor(
        async () => {
          const received = await service.eventsOf(id);
          expect(received).toHaveLength(length);
          return received;
        },
        { timeout: 10_000 },
      );
    const [event] = await events(1);
    expect(await json('replay', id)).toEqual({
      events: [{ id: `${id}:2`, type: 'paytech.payment.completed', published: true }],
    });
    expect(await events(2)).toEqual([event, event]);
    expect((await ops(['replay', id, '--version', '1'])).code).toBe(1);
  });
});

describe.concurrent('claims', () => {
  it('says what is flagged and why, and takes a person’s decision', async () => {
    const listed = async () => (await json('claims', 'ls')).claims.filter(({ id }: Json) => id === flagged);
    expect(await listed()).toMatchObject([
      {
        kind: 'withdrawal',
        id: flagged,
        stage: 'flagged',
        flag: expect.stringContaining('another amount'),
      },
    ]);
    const resolve = [
      'claims',
      'resolve',
      'withdrawal',
      flagged,
      '--outcome',
      'not-sent',
      '--reason',
      'asked them',
    ];
    expect((await ops(resolve)).code).toBe(2);
    const unnamed = await ops([...resolve, '--yes']);
    expect(unnamed).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`--not-payment ${madeBeside}`),
    });
    expect((await json(...resolve, '--not-payment', madeBeside, '--yes')).result).toBe('released');
    const item = (await service.item(`withdrawal#${flagged}`)) as Json;
    expect(item).toMatchObject({ stage: 'released', attempt: '2' });
    expect(item.resolutions).toMatchObject([
      { reason: 'asked them', caller: expect.stringContaining(service.ops.caller) },
    ]);
    expect(await listed()).toEqual([]);
    const again = await ops([...resolve, '--yes']);
    expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining('not flagged') });
  });

  it('adopts what was sent, by its id also where it differs, but nothing of another kind', async () => {
    const resolve = (...more: string[]) =>
      ops(['claims', 'resolve', 'withdrawal', lost, '--reason', 'seen there', '--yes', ...more]);
    const other = await resolve('--outcome', 'sent');
    expect(other).toMatchObject({ code: 1, stdout: '' });
    expect(other.stderr).toContain('no payment under this reference that fits');
    const another = await resolve('--outcome', 'sent', '--payment', await paid('4'));
    expect(another.stderr).toContain('another payment type');

    const { stdout } = await ops(['explain', lost]);
    // In one line, to be copied.
    expect(stdout).toContain(`"paytech-ops claims resolve withdrawal ${lost}`);
    const document = JSON.parse((await resolve('--outcome', 'sent', '--payment', lostId, '--json')).stdout);
    expect(document).toMatchObject({ result: 'adopted', payment: { id: lostId } });
    expect(await service.item(`withdrawal#${lost}`)).toMatchObject({ stage: 'known', paymentId: lostId });
  });

  it('ends an operation whose outcome is unknown, but not too early', async () => {
    const resolve = ['claims', 'resolve', 'operation', uncertain, '--reason', 'asked them', '--yes'];
    const early = await ops(resolve);
    expect(early).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/^Too early: .* Wait another \d+ s/),
    });

    // The clock of a process cannot be moved, so the operation is.
    await service.dynamo.send(
      new UpdateItemCommand({
        TableName: service.tableName,
        Key: { pk: { S: `payment#${uncertain}` } },
        UpdateExpression: 'SET operations[0].startedAt = operations[0].startedAt - :ms',
        ExpressionAttributeValues: { ':ms': { N: '600000' } },
      }),
    );
    expect(await json(...resolve)).toEqual({ kind: 'operation', id: uncertain, result: 'released' });
    expect(await service.item(`payment#${uncertain}`)).toMatchObject({
      state: 'AUTHORIZED',
      operations: [
        { kind: 'capture', released: { by: expect.stringContaining(service.ops.caller), why: 'asked them' } },
      ],
    });
    const again = await ops(resolve);
    expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining('No operation is open') });
  });

  it.each([
    ['no outcome', ['withdrawal', 'x'], 'Pass --outcome'],
    ['an outcome that there is not', ['withdrawal', 'x', '--outcome', 'maybe'], 'Allowed choices are'],
    ['a kind that there is not', ['payout', 'x', '--outcome', 'sent'], 'Allowed choices are'],
    ['an operation that was sent', ['operation', 'x', '--outcome', 'sent'], 'only --outcome not-sent'],
    ['a payment of an operation', ['operation', 'x', '--payment', 'p'], 'only --outcome not-sent'],
    ['a denied payment that was sent', ['refund', 'x', '--outcome', 'sent', '--not-payment', 'p'], '--not-'],
    ['a payment that was not sent', ['refund', 'x', '--outcome', 'not-sent', '--payment', 'p'], '--payment'],
    ['no terminal', ['refund', 'x', '--outcome', 'not-sent'], 'pass --yes'],
  ])('is a usage error with %s', async (_name, args, complaint) => {
    const { code, stdout, stderr } = await ops(['claims', 'resolve', ...args, '--reason', 'x']);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(complaint);
  });
});

describe.concurrent('keys', () => {
  it('says which key and encoding matched', async () => {
    await paid('3');
    const found = await json('keys', '--since', '1h');
    expect(found.uses).toMatchObject([{ key: KEY, encoding: 'hex', webhooks: expect.any(Number) }]);
    expect(found.keys).toMatchObject([{ key: KEY, is: 'newest', retirable: false }]);
  });
});

describe.concurrent('reconcile', () => {
  it('finds what no webhook brought, and only counts in a dry run', async () => {
    const state = async () => (await service.item(`payment#${missed}`))?.state;

    await vi.waitFor(
      async () =>
        expect((await json('reconcile', '--since', '1h', '--dry-run')).missedByWebhook).toBeGreaterThan(0),
      { timeout: 20_000 },
    );
    expect(await state()).toBe('CHECKOUT');
    const found = await json('reconcile', '--since', '1h');
    expect(found).toMatchObject({ dryRun: false, nothingToCheck: false, failed: 0 });
    expect(found.missedByWebhook).toBeGreaterThan(0);
    expect(await state()).toBe('COMPLETED');
    expect(await json('reconcile', '--since', '1h')).toMatchObject({
      rounds: 1,
      changed: 0,
      missedByWebhook: 0,
    });
  });
});

describe.concurrent('doctor', () => {
  it('finds everything in place', async () => {
    const { checks } = await json('doctor');
    expect(checks.map(({ check }: Json) => check)).toEqual([
      'versions',
      'API key',
      'signing keys',
      'paytech',
      'clock',
      'API',
      'webhook URL',
      'webhooks',
      'list of paytech',
      'table',
      ...(isDeployed ? ['protection'] : []),
      'webhook queue',
      'dead letters',
      ...(isDeployed ? ['alarms'] : []),
      'reconcile',
      'decisions',
    ]);
    expect(checks.filter(({ is }: Json) => is === 'fail')).toEqual([]);
  });

  it('fails when nothing answers', async () => {
    const nowhere = { PORT: '9', PAYTECH_PORT: '9', SQS_PORT: '9', DYNAMODB_PORT: '9' };
    const { code, stdout } = await ops(['doctor', '--json'], nowhere);
    expect(code).toBe(1);
    expect(JSON.parse(stdout).checks.filter(({ is }: Json) => is === 'fail').length).toBeGreaterThan(4);
  });
});

// In a rehearsal all of this file is about one.
describe.skipIf(isDeployed)('a deployed stack', () => {
  const secrets: Secrets = new Map([
    ['api-key', LOCAL_KEYS.apiKey],
    ['signing-keys', JSON.stringify(['a-newer-signing-key', LOCAL_KEYS.signingKey])],
  ]);
  let cloudFormation: Server;
  let secretsManager: Awaited<ReturnType<typeof startSecretsManager>>;
  beforeAll(async () => {
    secretsManager = await startSecretsManager(secrets);
    cloudFormation = createServer((_, response) => response.end(stackXml()));
    await new Promise<void>((resolve) => cloudFormation.listen(0, '127.0.0.1', resolve));
  });
  afterAll(async () => {
    cloudFormation.close();
    await secretsManager.close();
  });

  function stackXml(): string {
    const settings: OpsSettings = {
      paytechUrl: service.simulatorUrl,
      eventSource: 'urn:paytech-payments:sandbox',
      webhookGraceSeconds: 120,
      sweepCreatedDays: 400,
      captureWithinHours: 72,
      approveWithinHours: 24,
    };
    const outputs = {
      ApiUrl: service.apiUrl,
      WebhookUrl: `${service.apiUrl}/webhooks/paytech`,
      PaymentsTable: 'payments',
      WebhookQueueUrl: service.queueUrl('webhooks'),
      WebhookDeadLetterQueueUrl: service.queueUrl('webhooks-dlq'),
      ApiKeySecret: 'api-key',
      SigningKeysSecret: 'signing-keys',
      PaymentEventsTopicArn: `arn:aws:sns:${REGION}:${ACCOUNT}:payment-events`,
      Settings: JSON.stringify(settings).replaceAll('"', '&quot;'),
    };
    const members = Object.entries(outputs).map(
      ([key, value]) => `<member><OutputKey>${key}</OutputKey><OutputValue>${value}</OutputValue></member>`,
    );
    return `<DescribeStacksResponse><DescribeStacksResult><Stacks><member><Outputs>${members.join('')}</Outputs></member></Stacks></DescribeStacksResult></DescribeStacksResponse>`;
  }

  it('is found by its outputs, with its own secrets', async () => {
    const { port } = cloudFormation.address() as AddressInfo;
    const { code, stdout, stderr } = await ops(['keys', '--stack', 'shop', '--region', REGION, '--json'], {
      AWS_ACCESS_KEY_ID: 'local',
      AWS_SECRET_ACCESS_KEY: 'local',
      AWS_ENDPOINT_URL_CLOUDFORMATION: `http://127.0.0.1:${port}`,
      AWS_ENDPOINT_URL_DYNAMODB: `http://127.0.0.1:${service.ops.env.DYNAMODB_PORT}`,
      AWS_ENDPOINT_URL_SQS: `http://127.0.0.1:${service.ops.env.SQS_PORT}`,
      AWS_ENDPOINT_URL_SECRETS_MANAGER: secretsManager.url,
    });
    expect(code, stderr).toBe(0);
    expect(JSON.parse(stdout).keys).toMatchObject([
      { key: keyFingerprint('a-newer-signing-key'), is: 'newest', retirable: false },
      { key: KEY, is: 'old', retirable: false, why: expect.stringContaining('a webhook matched it') },
    ]);
  });
});
