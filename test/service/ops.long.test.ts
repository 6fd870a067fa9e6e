import { randomUUID } from 'node:crypto';
import { SendMessageCommand } from '@aws-sdk/client-sqs';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { type Json, KEY, operator } from '../support/operator.ts';
import { sharedService } from '../support/service.ts';
import { isDeployed } from '../support/target.ts';

// Many processes side by side take their time on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

const service = await sharedService();
/** A payment whose webhook was lost. */
let missed: string;
// Faults hit whoever comes first, so they are all used up before the tests, which run side by side.
beforeAll(async () => {
  missed = await depositWithoutWebhook();
});

const { ops, json, simulate, deposit, paid, depositWithoutWebhook } = operator(service);

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

describe.concurrent('the program', () => {
  it.each([
    ['no command', [], 'Usage: paytech-ops'],
    ['a command that there is not', ['frobnicate'], "unknown command 'frobnicate'"],
    ['an option that there is not', ['doctor', '--wrong'], "unknown option '--wrong'"],
    ['an alarm that there is not', ['acknowledge', 'api-5xx', 'x', '--reason', 'y'], 'Allowed choices are'],
    ['a time that is none', ['keys', '--since', 'yesterday'], 'Give how long ago, such as'],
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
      'webhook URL of payments',
      'webhooks',
      'list of paytech',
      'table',
      ...(isDeployed ? ['protection', 'functions'] : []),
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
