import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { SQS } from '@aws-sdk/client-sqs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { findEnvironment } from '../../infra/cli/environment.ts';
import { keys } from '../../infra/cli/keys.ts';
import type { Result } from '../../infra/cli/output.ts';
import { program } from '../../infra/cli/program.ts';
import { LOCAL_KEYS } from '../../infra/local/account.ts';
import { type Simulator, startSimulator } from '../../infra/local/simulator/simulator.ts';
import { claimedCall } from '../../shared/calls/claimed-call.ts';
import type { ClaimStage } from '../../shared/payment/claim.ts';
import { decimal } from '../../shared/payment/money.ts';
import { keyFingerprint } from '../../shared/paytech/signature.ts';
import { HOUR_MS, MINUTE_MS } from '../../shared/runtime/time.ts';
import { saveClaim } from '../../shared/store/claims.ts';
import { recordPayment } from '../../shared/store/payments.ts';
import { startWorld, type World, webhookEvent } from '../support/world.ts';

/**
 * The commands of paytech-ops, from their arguments to what they did, in this process and on embedded parts. As an
 * operator calls them, against a whole service, they are in ops.test.ts.
 */

// biome-ignore lint/suspicious/noExplicitAny: the document of any command
type Json = any;

let world: World;
let paytech: Simulator;
let ports: Record<string, string>;
beforeAll(async () => {
  world = await startWorld();
  // The command line has the clock of the machine.
  world.clock.at = Date.now();
  // What was made there was made some minutes ago: its webhook is not to come any more.
  paytech = await startSimulator({ ...LOCAL_KEYS, now: () => new Date(Date.now() - 10 * MINUTE_MS) });
  const portOf = (url: string) => new URL(url).port;
  ports = {
    // Nothing listens there.
    PORT: '9',
    PAYTECH_PORT: portOf(paytech.url),
    SQS_PORT: portOf(world.sqsUrl),
    DYNAMODB_PORT: portOf(world.dynamoDbUrl),
  };
});
afterAll(() => Promise.all([world.stop(), paytech.close()]));
beforeEach(() => {
  for (const [name, port] of Object.entries(ports)) vi.stubEnv(name, port);
  // Progress is for whoever waits.
  vi.spyOn(process.stderr, 'write').mockReturnValue(true);
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

async function ops(...args: string[]): Promise<Json> {
  let result: Result | undefined;
  const onResult = (each: Result) => {
    result = each;
  };
  await program(onResult).parseAsync(args, { from: 'user' });
  return result!.document;
}

const EUR_10 = { amount: decimal('10'), currency: 'EUR' };

/** The id of a payment that paytech has; it is not on record here. */
async function madeElsewhere(): Promise<string> {
  const answer = await fetch(`${paytech.url}/api/v1/payments`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${LOCAL_KEYS.apiKey}`,
      'user-agent': 'another-system/1',
      'content-type': 'application/json',
    },
    body: JSON.stringify({ paymentType: 'DEPOSIT', referenceId: randomUUID(), amount: 10, currency: 'EUR' }),
  });
  return ((await answer.json()) as Json).result.id;
}

let isQueueDown = false;
/** SQS as it is, but that a queue at hand has told all at once; and takes nothing while it is down. */
function watchSqs(): void {
  const send = SQS.prototype.send as (command: Json) => Promise<unknown>;
  isQueueDown = false;
  vi.spyOn(SQS.prototype, 'send').mockImplementation(function (this: SQS, command: Json) {
    if ('WaitTimeSeconds' in command.input) command.input.WaitTimeSeconds = 0;
    const isRefused = isQueueDown && 'MessageBody' in command.input;
    return isRefused ? Promise.reject(new Error('the queue is down')) : send.call(this, command);
  });
}

describe('dlq', () => {
  const old = webhookEvent(
    { id: 'a'.repeat(32), state: 'COMPLETED' },
    { requestId: 'r1', receivedAt: new Date(Date.now() - HOUR_MS).toISOString() },
  );
  const fresh = webhookEvent(
    { id: 'b'.repeat(32), state: 'DECLINED' },
    { receivedAt: new Date().toISOString() },
  );
  beforeEach(async () => {
    await Promise.all(['webhooks', 'webhooks-dlq'].map(world.drain));
    for (const [event, reason] of [
      [old, 'no such Payment'],
      [fresh, 'a full history'],
    ] as const) {
      await world.queue.send(event);
      const [{ MessageId, Body, MessageAttributes = {} }] = (await world.drain('webhooks')) as [Json];
      const attributes = Object.entries<Json>(MessageAttributes).map(([name, { StringValue }]) => [
        name,
        { stringValue: StringValue },
      ]);
      const messageAttributes = Object.fromEntries(attributes);
      await world.deadLetters.park({ messageId: MessageId, body: Body, messageAttributes }, reason);
    }
    watchSqs();
  });
  const left = async () => (await ops('dlq', 'ls')).messages.map(({ paymentId }: Json) => paymentId);

  it.each([
    ['--older-than', '30m'],
    ['--reason', 'such payment'],
    ['--payment', 'a'.repeat(32)],
  ])('ls %s %s lists what fits, and lets go of everything', async (...filter) => {
    const { messages } = await ops('dlq', 'ls', ...filter);
    expect(messages).toMatchObject([{ paymentId: 'a'.repeat(32), receivedAt: old.receivedAt }]);
    expect(await left()).toEqual(['a'.repeat(32), 'b'.repeat(32)]);
  });

  it('redrive puts back what fits as it came, and nothing else', async () => {
    await ops('dlq', 'redrive', '--older-than', '30m', '--yes');
    const queued = await world.drain('webhooks');
    expect(queued.map(({ Body }) => Body)).toEqual([Buffer.from(old.bytes).toString('base64')]);
    expect(queued[0]?.MessageAttributes).toMatchObject({
      source: { StringValue: 'webhook' },
      requestId: { StringValue: 'r1' },
      receivedAt: { StringValue: old.receivedAt },
    });
    expect(queued[0]?.MessageAttributes).not.toHaveProperty('parkedBecause');
    expect(await left()).toEqual(['b'.repeat(32)]);
  });

  it('redrive loses nothing, and holds nothing back, when the webhook queue takes nothing', async () => {
    isQueueDown = true;
    await expect(ops('dlq', 'redrive', '--all', '--yes')).rejects.toThrow('is down');
    expect(await left()).toEqual(['a'.repeat(32), 'b'.repeat(32)]);
  });
});

it('replay publishes what was published, byte for byte, and not the creation', async () => {
  const result = await claimedCall(world)({
    kind: 'deposit',
    referenceId: randomUUID(),
    request: EUR_10,
    body: (referenceId) => ({ paymentType: 'DEPOSIT', referenceId, ...EUR_10 }),
    owner: randomUUID(),
    deadline: world.now() + 14_000,
  });
  const { id } = (result as Extract<typeof result, { record: unknown }>).record;
  const { publication } = await world.apply(webhookEvent({ id, state: 'COMPLETED' }));
  await world.drain('payment-events');
  const { events } = await ops('replay', id);
  expect(events).toEqual([{ id: `${id}:2`, type: 'paytech.payment.completed', published: true }]);
  expect((await world.drain('payment-events')).map(({ Body }) => Body)).toEqual([
    publication?.body.replace(world.eventSource, 'urn:paytech-payments:sandbox'),
  ]);
});

it('reconcile --dry-run finds what is missing, and changes and sends nothing', async () => {
  await madeElsewhere();
  await world.drain('webhooks');
  const since = ['--since', '1h'];
  const before = await world.scan();
  expect(await ops('reconcile', ...since, '--dry-run')).toMatchObject({ dryRun: true, unknownToUs: 1 });
  expect(await world.scan()).toEqual(before);
  expect(await world.drain('webhooks')).toEqual([]);
});

it('reconcile looks no further back than payments are asked for, whenever it is to begin', async () => {
  await ops('reconcile', '--since', '1970-01-01', '--dry-run');
  const requests = (await (await fetch(`${paytech.url}/simulator/requests`)).json()) as Json[];
  const from = requests.flatMap(({ query }) => (query['updated.gte'] ? [query['updated.gte']] : []));
  expect(from.sort()[0] > '2020').toBe(true);
});

it('reconcile says what it leaves to webhooks that may still come, and with --wait finds that too', async () => {
  const id = await madeElsewhere();
  const created = new Date(Date.now() - 2 * HOUR_MS).toISOString();
  await recordPayment(
    world.table,
    { id, paymentType: 'DEPOSIT', created, origin: 'service', attempt: 1 },
    { at: created, source: 'create', facts: { state: 'CHECKOUT', ...EUR_10 } },
  );
  const paid = await fetch(`${paytech.url}/simulator/payments/${id}/pay`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"state":"COMPLETED"}',
  });
  expect(paid.status).toBe(200);
  const none = { changed: 0, missedByWebhook: 0, left: 1 };
  expect(await ops('reconcile', '--since', '1m')).toMatchObject({ ...none, rounds: 1 });
  expect(await world.drain('webhooks')).toEqual([]);
  const told = { changed: 1, missedByWebhook: 1, left: 0 };
  // A round waits for its messages to be taken.
  let isOver = false;
  const taking = (async () => {
    while (!isOver) await world.drain('webhooks');
  })();
  expect(await ops('reconcile', '--since', '1m', '--wait')).toMatchObject(told);
  isOver = true;
  await taking;
}, 60_000);

it('claims ls lists what waits for a person, and with --all whatever is open', async () => {
  const claim = async (stage: ClaimStage) => {
    const referenceId = `${stage}-${randomUUID()}`;
    const times = { sentAt: world.now(), leaseUntil: world.now() };
    const of = { kind: 'withdrawal', referenceId, attempt: 1, owner: 'somebody' } as const;
    const claim = { ...of, ...times, stage, request: EUR_10, earlierPaymentIds: [] };
    await saveClaim(world.table, undefined, claim);
    return referenceId;
  };
  const [flagged, unknown] = [await claim('flagged'), await claim('unknown')];
  const listed = async (...args: string[]) =>
    (await ops('claims', 'ls', ...args)).claims.map(({ id }: Json) => id);
  expect(await listed()).toEqual([flagged]);
  expect((await listed('--all')).sort()).toEqual([flagged, unknown].sort());
});

it('keys lets an old key go only after a day in which the newest alone has matched', async () => {
  const [newest, old] = ['the-newest-signing-key', 'an-old-signing-key'];
  const signature = { key: keyFingerprint(newest), encoding: 'hex' };
  const id = await madeElsewhere();
  await world.apply({ ...webhookEvent({ id, state: 'CHECKOUT' }), source: 'refresh' });
  await world.apply(webhookEvent({ id, state: 'COMPLETED' }, { signature }));
  const signingKeys = { get: async () => [newest, old], refreshed: async () => undefined };
  const environment = { ...(await findEnvironment({})), signingKeys };
  const judged = async (lookedBackMs: number, keysNow = [newest, old]) => {
    const get = async () => keysNow;
    const result = await keys(
      { ...environment, signingKeys: { ...signingKeys, get } },
      { since: Date.now() - lookedBackMs, max: 100 },
    );
    return (result.document as Json).keys.map(({ retirable }: Json) => retirable);
  };
  expect(await judged(24 * HOUR_MS + MINUTE_MS)).toEqual([false, true]);
  expect(await judged(23 * HOUR_MS)).toEqual([false, false]);
  // The one that matches is the older one.
  expect(await judged(25 * HOUR_MS, [old, newest])).toEqual([false, false]);
});

describe('a command that', () => {
  const ENTRY = join(import.meta.dirname, '../../infra/cli/paytech-ops.ts');
  const exitCode = (args: string[]) =>
    new Promise<number>((resolve) => {
      const { PATH, HOME } = process.env;
      const child = execFile(process.execPath, [ENTRY, ...args], { env: { PATH, HOME, ...ports } }, (error) =>
        resolve(typeof error?.code === 'number' ? error.code : 0),
      );
      child.stdin?.end();
    });

  it.concurrent.each([
    ['did its work', ['claims', 'ls'], 0],
    ['found less than it was told to', ['dlq', 'redrive', '--reason', 'no such reason', '--yes'], 1],
    ['was called wrongly', ['claims', 'resolve', 'order', 'o-1'], 2],
  ])('%s exits so: %j', async (_, args, code) => {
    expect(await exitCode(args)).toBe(code);
  });
});
