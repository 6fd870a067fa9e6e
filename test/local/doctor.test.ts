import { GetTopicAttributesCommand, SNSClient, type Subscription } from '@aws-sdk/client-sns';
import { CreateQueueCommand, SendMessageCommand, SetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { alarmTopic } from '../../infra/cli/check-alarms.ts';
import { judgeTable } from '../../infra/cli/check-table.ts';
import { doctor } from '../../infra/cli/doctor.ts';
import { type Environment, findEnvironment } from '../../infra/cli/environment.ts';
import type { Finding } from '../../infra/cli/finding.ts';
import { gatewayClient } from '../../shared/paytech/client.ts';
import { DAY_MS, MINUTE_MS } from '../../shared/runtime/time.ts';
import { keepEnds } from '../../shared/store/webhooks-heard.ts';
import { startLocalService } from '../support/service.ts';

/** `doctor` names what is wrong when it is made wrong. */

let service: Awaited<ReturnType<typeof startLocalService>>;
let environment: Environment;
beforeAll(async () => {
  service = await startLocalService();
  for (const [name, value] of Object.entries(service.ops.env)) vi.stubEnv(name, value);
  // What is due at once needs no grace here.
  environment = { ...(await findEnvironment({})), graceMs: 0 };
  vi.unstubAllEnvs();
});
afterAll(() => service.stop());
afterEach(() => vi.useRealTimers());

async function check(name: string, changes: Partial<Environment> = {}): Promise<Finding> {
  const { document } = await doctor({ ...environment, ...changes });
  const { checks } = document as { checks: (Finding & { check: string })[] };
  const { is, detail } = checks.find(({ check }) => check === name)!;
  return { is, detail };
}

async function paid(referenceId: string): Promise<void> {
  const order = { referenceId, amount: 10, currency: 'EUR', paymentMethod: 'BASIC_CARD' };
  const { id } = (await service.api('POST', '/payments', JSON.stringify(order))).json();
  await service.simulator('POST', `/simulator/payments/${id}/pay`, { state: 'COMPLETED' });
  await vi.waitFor(
    async () => {
      await service.invoke('reconcile', {});
      expect(await service.item(`payment#${id}`)).toMatchObject({ state: 'COMPLETED' });
    },
    { timeout: 30_000, interval: 500 },
  );
}

it('webhooks that do not arrive, as with a wrong URL or signing key', async () => {
  expect(await check('webhooks')).toEqual({ is: 'ok', detail: 'none has ever arrived' });
  // As reconcile notes it when paytech's list is compared again (test/integration/webhooks-missing.test.ts).
  await keepEnds(environment.table, { heardAt: 0, ended: 3, endedUpTo: Date.now(), countedFrom: 0 });
  expect(await check('webhooks')).toEqual({
    is: 'fail',
    detail: expect.stringMatching(/none has ever arrived, and 3 payments .* signing key/),
  });
  await paid('order-with-webhook');
  // Reconcile may have been faster than the webhook.
  await vi.waitFor(async () => expect((await check('webhooks')).is).toBe('ok'), { timeout: 20_000 });
});

it('a list that takes no notice of its filter', async () => {
  expect((await check('list of paytech')).is).toBe('ok');
  const { gateway } = environment;
  const careless = {
    ...gateway,
    listReadable: (
      { referenceId: _, ...query }: Parameters<typeof gateway.listReadable>[0],
      limitMs: number,
    ) => gateway.listReadable(query, limitMs),
  };
  expect((await check('list of paytech', { gateway: careless })).is).toBe('fail');
  const timeless = {
    ...gateway,
    listReadable: (
      { updatedFrom: _, ...query }: Parameters<typeof gateway.listReadable>[0],
      limitMs: number,
    ) => gateway.listReadable(query, limitMs),
  };
  expect(await check('list of paytech', { gateway: timeless })).toEqual({
    is: 'fail',
    detail: expect.stringContaining('ignores updated.gte'),
  });
  // In a shop that has had no payment since yesterday.
  const asked: (Date | undefined)[] = [];
  const watched = {
    ...gateway,
    listReadable: (query: Parameters<typeof gateway.listReadable>[0], limitMs: number) => {
      asked.push(query.createdFrom);
      return gateway.listReadable(query, limitMs);
    },
  };
  await check('list of paytech', { gateway: watched });
  expect(asked.length).toBe(2);
  for (const from of asked) expect(Date.now() - from!.getTime()).toBeGreaterThan(300 * DAY_MS);
});

it('a signing key that nobody has put in', async () => {
  expect((await check('signing keys', { isGenerated: async () => false })).is).toBe('ok');
  expect(await check('signing keys', { isGenerated: async () => true })).toEqual({
    is: 'fail',
    detail: expect.stringMatching(/every webhook is refused: put the signing key/),
  });
});

it('functions that do not read the queue, or that are few', async () => {
  const functions = (atOnce: number, state?: string) =>
    check('functions', {
      functionsState: async () => ({ atOnce, ...(state && { eventSource: { id: 'the-uuid', state } }) }),
    });
  expect(await functions(1_000, 'Enabled')).toMatchObject({ is: 'ok' });
  expect(await functions(1_000, 'Disabled')).toEqual({
    is: 'fail',
    detail: expect.stringMatching(
      /is not read \(.* Disabled\).* update-event-source-mapping --uuid the-uuid/,
    ),
  });
  expect(await functions(1_000)).toMatchObject({ is: 'fail', detail: expect.stringContaining('deploy') });
  expect(await functions(10, 'Enabled')).toEqual({
    is: 'warn',
    detail: expect.stringMatching(/^only 10 run at once .* Service Quotas$/),
  });
});

it('webhooks that nobody works off', async () => {
  expect((await check('webhook queue')).is).toBe('ok');
  const sqs = {
    send: async () => ({
      Attributes: { ApproximateNumberOfMessages: '1200', ApproximateNumberOfMessagesNotVisible: '3' },
    }),
  } as unknown as Environment['sqs'];
  expect(await check('webhook queue', { sqs })).toEqual({
    is: 'warn',
    detail: expect.stringMatching(/^1203 wait, .*apply-payment-event$/),
  });
});

it('a key that paytech refuses', async () => {
  const apiKey = { get: async () => 'another-shop', refreshed: async () => undefined };
  const gateway = gatewayClient({ baseUrl: environment.paytechUrl, apiKey });
  expect(await check('API key', { gateway, apiKey })).toEqual({
    is: 'fail',
    detail: expect.stringContaining('put the shop'),
  });
});

it('dead letters, of whichever queue', async () => {
  expect(await check('dead letters')).toEqual({ is: 'ok', detail: 'none' });
  const QueueUrl = service.queueUrl('payment-events-undelivered');
  await service.sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: '{}' }));
  expect(await check('dead letters')).toEqual({
    is: 'warn',
    detail:
      '1 in payment-events-undelivered, not received by the subscriber. They are deleted after 14 days: see "paytech-ops dlq ls --queue payment-events-undelivered"',
  });
});

describe('with a payment', () => {
  /** Pays whatever the command has created, as a person would who is told where. */
  async function payIt(state: string): Promise<void> {
    await vi.waitFor(
      async () => {
        const payments: Record<string, string>[] = JSON.parse(
          (await service.simulator('GET', '/simulator/payments')).text,
        );
        const waiting = payments.find(
          ({ referenceId = '', state }) => referenceId.startsWith('doctor-') && state === 'CHECKOUT',
        );
        expect(waiting).toBeDefined();
        await service.simulator('POST', `/simulator/payments/${waiting!.id}/pay`, { state });
      },
      { timeout: 30_000, interval: 100 },
    );
  }

  const pay = async (changes: Partial<Environment> = {}) => {
    const { document, failed } = await doctor({ ...environment, ...changes }, { pay: true });
    const { checks } = document as { checks: (Finding & { check: string })[] };
    return { failed, checks: Object.fromEntries(checks.map(({ check, ...finding }) => [check, finding])) };
  };

  it('that is paid, and whose webhook comes', async () => {
    const [{ checks }] = await Promise.all([pay(), payIt('COMPLETED')]);
    expect(checks).toMatchObject({
      'payment created': { is: 'ok' },
      'payment paid': { is: 'ok', detail: 'it is COMPLETED' },
      'its webhook': { is: 'ok', detail: expect.stringMatching(/signed with key \w+ \(hex\)/) },
      'its state': { is: 'ok' },
    });
  });

  it('whose webhook does not come', async () => {
    await service.simulator('POST', '/simulator/faults', { on: 'webhook', kind: 'drop', times: 1 });
    const swept = vi.waitFor(
      async () => {
        const { changed } = (await service.invoke('reconcile', {})) as { changed: number };
        expect(changed).toBe(1);
      },
      { timeout: 40_000, interval: 500 },
    );
    const [{ failed, checks }] = await Promise.all([pay(), payIt('COMPLETED'), swept]);
    expect(failed).toBe(true);
    expect(checks['its webhook']).toEqual({
      is: 'fail',
      detail: expect.stringContaining('none came in time; reconcile found the end'),
    });
  }, 90_000);

  it('that fails, that cannot be created, and that would be real', async () => {
    const [{ failed, checks }] = await Promise.all([pay(), payIt('DECLINED')]);
    expect(failed).toBe(true);
    expect(checks['payment paid']).toEqual({ is: 'fail', detail: 'it is DECLINED' });
    await service.simulator('POST', '/simulator/faults', { on: 'create', kind: '429', times: 1 });
    expect((await pay()).checks['payment created']).toMatchObject({
      is: 'fail',
      detail: expect.stringContaining('gateway.unavailable'),
    });
    await expect(pay({ eventSource: 'urn:paytech-payments:production' })).rejects.toThrow('for the sandbox');
  });
});

it('a clock that is wrong', async () => {
  expect((await check('clock')).is).toBe('ok');
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3 * MINUTE_MS });
  expect(await check('clock')).toEqual({
    is: 'warn',
    detail: expect.stringMatching(/^18\d s from paytech's: set the clock of this machine/),
  });
});

it('alarms that reach nobody', async () => {
  const arn = 'arn:aws:sns:eu-west-1:123456789012:alarms';
  const alarms = (told: number, pending: string[] = [], key?: string) =>
    check('alarms', { alarmTopic: async () => ({ arn, told, pending, lost: [], ...(key && { key }) }) });
  expect(await alarms(1)).toEqual({ is: 'ok', detail: 'reach 1 subscriber' });
  expect(await alarms(1, ['day@shop.example'])).toMatchObject({
    is: 'warn',
    detail: expect.stringMatching(/1 subscriber, and others not: day@shop\.example must open the link/),
  });
  expect(await alarms(0)).toMatchObject({
    is: 'warn',
    detail: 'reach nobody: name addresses in the setting alarmEmails, and deploy',
  });
  // The address is named already; what is missing is its answer.
  expect(await alarms(0, ['day@shop.example'])).toEqual({
    is: 'warn',
    detail: `reach nobody: day@shop.example must open the link in the mail of AWS; "aws sns subscribe --topic-arn ${arn} --protocol email --notification-endpoint <address>" sends it again`,
  });
  const ofAws = 'arn:aws:kms:eu-west-1:123456789012:alias/aws/sns';
  for (const key of ['alias/aws/sns', ofAws])
    expect(await alarms(1, [], key)).toMatchObject({
      is: 'fail',
      detail: expect.stringMatching(/^reach nobody: CloudWatch cannot publish/),
    });
  expect((await alarms(1, [], 'alias/alarms')).is).toBe('ok');
});

it('alarms for a queue that is not there, or that does not let them in', async () => {
  const { sqs } = service;
  const TopicArn = 'arn:aws:sns:us-east-1:000000000000:alarms';
  const queueArn = TopicArn.replace('sns', 'sqs');
  const subscribed = (...subscriptions: Subscription[]) => {
    const send = async (command: object) =>
      command instanceof GetTopicAttributesCommand
        ? { Attributes: {} }
        : {
            Subscriptions: subscriptions.map((each, at) => ({
              SubscriptionArn: `${TopicArn}:${at}`,
              ...each,
            })),
          };
    // The embedded SNS has no mails to confirm.
    const sns = Object.assign(Object.create(SNSClient.prototype), { send }) as SNSClient;
    return check('alarms', { alarmTopic: () => alarmTopic(TopicArn, sns, environment.sqs) });
  };
  const mail = { Protocol: 'email', Endpoint: 'day@shop.example' };
  const queue = { Protocol: 'sqs', Endpoint: queueArn };

  expect(await subscribed({ ...mail, SubscriptionArn: 'PendingConfirmation' })).toEqual({
    is: 'warn',
    detail: expect.stringMatching(/^reach nobody: day@shop\.example must open the link/),
  });
  expect(await subscribed(mail, { ...mail, SubscriptionArn: 'Deleted' })).toEqual({
    is: 'ok',
    detail: 'reach 1 subscriber',
  });
  const secret = { Protocol: 'https', Endpoint: 'https://chat.example/hooks/password' };
  const { detail } = await subscribed({ ...secret, SubscriptionArn: 'PendingConfirmation' });
  expect(detail).toContain('https://chat.example ');
  expect(detail).not.toContain('password');

  expect(await subscribed(queue)).toEqual({
    is: 'warn',
    detail: `reach nobody: the queue ${queueArn} does not exist: mend it, or "aws sns unsubscribe --subscription-arn ${TopicArn}:0"`,
  });
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: 'alarms' }));
  expect(await subscribed(mail, queue)).toEqual({
    is: 'warn',
    detail: expect.stringMatching(
      /^reach 1 subscriber, and others not: .*no policy that lets sns\.amazonaws/,
    ),
  });
  const allow = (Statement: object) =>
    sqs.send(
      new SetQueueAttributesCommand({ QueueUrl, Attributes: { Policy: JSON.stringify({ Statement }) } }),
    );
  const Principal = { Service: 'sns.amazonaws.com' };
  await allow([{ Effect: 'Deny', Principal, Action: 'sqs:SendMessage' }]);
  expect((await subscribed(queue)).detail).toContain('no policy');
  await allow({ Effect: 'Allow', Principal, Action: ['SQS:SendMessage'] });
  expect(await subscribed(queue)).toEqual({ is: 'ok', detail: 'reach 1 subscriber' });
  const onlyFrom = (source: string) =>
    allow({
      Effect: 'Allow',
      Principal,
      Action: 'sqs:SendMessage',
      Condition: { ArnLike: { 'aws:SourceArn': source } },
    });
  await onlyFrom('arn:aws:sns:us-east-1:000000000000:another');
  expect((await subscribed(queue)).detail).toContain('no policy');
  await onlyFrom(TopicArn.replace(/[^:]*$/, '*'));
  expect((await subscribed(queue)).is).toBe('ok');
  const key = (KmsMasterKeyId: string) =>
    sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes: { KmsMasterKeyId } }));
  await key('alias/aws/sqs');
  expect((await subscribed(queue)).detail).toContain('alias/aws/sqs, which SNS may not use');
  await key('alias/alarms');
  expect((await subscribed(queue)).is).toBe('ok');
  // Of those that nobody here can look at nothing is said.
  expect((await subscribed({ ...queue, Endpoint: 'arn:aws:sqs:us-east-1:999999999999:away' })).is).toBe('ok');
});

it('a reconcile that has never run is behind only where the stack is old', async () => {
  const table = { ...environment.table, get: async () => undefined };
  const aged = (minutes: number) =>
    check('reconcile', { table, createdAt: Date.now() - minutes * MINUTE_MS });
  expect(await aged(3)).toEqual({ is: 'ok', detail: 'the stack is new: the first run is still to come' });
  expect(await aged(20)).toEqual({
    is: 'warn',
    detail: expect.stringMatching(/^no run has .* the stack is 20 min old: see .*#reconcile-not-running$/),
  });
});

it('fails for what is worth a look where it is told to', async () => {
  const alarmTopic = async () => ({ arn: 'arn:aws:sns:::alarms', told: 0, pending: [], lost: [] });
  const on = { ...environment, alarmTopic };
  expect((await doctor(on)).failed).toBe(false);
  expect((await doctor(on, { strict: true })).failed).toBe(true);
});

describe('a table', () => {
  const whole = {
    name: 'payments-2',
    keys: ['pk HASH'],
    openKeys: ['openShard HASH', 'dueAt RANGE'],
    isProtected: true,
    hasBackups: true,
    expiresBy: 'expiresAt',
  };

  it.each([
    ['as the stack makes it', {}, 'ok', /^has its index/],
    ['of another key', { keys: ['id HASH'] }, 'fail', /its key is id HASH/],
    ['without the index', { openKeys: undefined }, 'fail', /no index/],
    [
      'that anybody may delete',
      { isProtected: false },
      'warn',
      /"aws .* payments-2 --deletion-protection-en/,
    ],
    ['without backups', { hasBackups: false }, 'warn', /"aws .* payments-2 --point-in-time-recovery/],
    ['that forgets nothing', { expiresBy: undefined }, 'warn', /"aws .* payments-2 --time-to-live-spec/],
    ['that forgets by another attribute', { expiresBy: 'dueAt' }, 'warn', /time to live/],
  ] as const)('%s', (_, change, is, detail) => {
    const state = Object.fromEntries(
      Object.entries({ ...whole, ...change }).filter(([, value]) => value !== undefined),
    ) as unknown as typeof whole;
    expect(judgeTable(state)).toEqual({ is, detail: expect.stringMatching(detail) });
  });

  it('is looked at on a stack', async () => {
    const tableState = async () => ({ ...whole, hasBackups: false });
    expect((await check('protection', { tableState })).is).toBe('warn');
  });
});
