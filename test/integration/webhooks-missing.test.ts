import type { SQSRecord } from 'aws-lambda';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { noteWebhooks } from '../../functions/apply-payment-event/webhook-heard.ts';
import { watchWebhooks, withEnds } from '../../functions/reconcile/webhooks-missing.ts';
import { doctor } from '../../infra/cli/doctor.ts';
import type { Environment } from '../../infra/cli/environment.ts';
import { explain } from '../../infra/cli/explain.ts';
import type { EventSource, Origin } from '../../shared/payment/payment.ts';
import { readPayment } from '../../shared/store/payments.ts';
import { HEARD_EVERY_MS, readWebhooksHeard } from '../../shared/store/webhooks-heard.ts';
import { reconciling } from '../support/reconciling.ts';
import { startWorld, type World, webhookEvent } from '../support/world.ts';

/** Whether webhooks arrive at all: noted where they are applied, counted by reconcile, said by doctor and explain. */

const MINUTE = 60_000;
const GRACE = 2 * MINUTE;

let world: World;
beforeAll(async () => {
  world = await startWorld();
  // The command line has the clock of the machine.
  world.clock.at = Date.now();
});
afterAll(() => world.stop());

const { created, pass } = reconciling(() => world);
const watch = () => watchWebhooks({ ...world, graceMs: GRACE });
const heard = async () => (await readWebhooksHeard(world.table))?.heardAt;
const message = (source: EventSource, receivedAt = world.now()) =>
  ({
    messageAttributes: {
      source: { stringValue: source },
      receivedAt: { stringValue: new Date(receivedAt).toISOString() },
    },
  }) as unknown as SQSRecord;

async function ended(source: EventSource): Promise<string> {
  const id = await created();
  world.gateway.set(id, { state: 'COMPLETED' });
  await world.apply(webhookEvent({ id, state: 'COMPLETED' }, { source }));
  return id;
}

async function seen(ids: string[], change: { origin?: Origin } = {}): Promise<number> {
  const webhooks = watch();
  for (const id of ids) webhooks.saw({ ...(await readPayment(world.table, id))!, ...change });
  return webhooks.missing();
}

/** A webhook was heard, long enough ago that another would have been noted. */
beforeEach(async () => {
  pass(MINUTE);
  await noteWebhooks(world)([message('webhook')]);
  await watch().missing();
  pass(HEARD_EVERY_MS + MINUTE);
});

describe('a webhook', () => {
  it('is noted by when it was received, whatever becomes of it, and nothing else is', async () => {
    const before = (await heard())!;
    const note = noteWebhooks(world);
    const said = world.logger.lines.length;
    await note([message('reconcile'), message('refresh'), message('operation')]);
    expect(world.logger.lines).toHaveLength(said);
    await note([message('webhook', before - 1)]);
    expect(await heard()).toBe(before);
    await noteWebhooks(world)([message('reconcile'), message('webhook', before + 7)]);
    expect(await heard()).toBe(before + 7);
  });

  it('is noted once in five minutes by each process', async () => {
    const note = noteWebhooks(world);
    const first = world.now();
    await note([message('webhook')]);
    pass(HEARD_EVERY_MS - 1);
    await note([message('webhook')]);
    expect(await heard()).toBe(first);
    pass(1);
    await note([message('webhook')]);
    expect(await heard()).toBe(first + HEARD_EVERY_MS);
  });

  it('is applied where it cannot be noted', async () => {
    const update = () => Promise.reject(new Error('throttled'));
    await noteWebhooks({ ...world, table: { ...world.table, update } })([message('webhook')]);
  });
});

describe('an end without a webhook', () => {
  it.each(['reconcile', 'refresh', 'operation'] as const)(
    'is counted where %s brought it, once',
    async (source) => {
      const id = await ended(source);
      if (source !== 'reconcile') {
        expect(await seen([id])).toBe(0);
        pass(GRACE);
      }
      expect(await seen([id])).toBe(1);
      expect(await seen([id])).toBe(1);
      pass(1);
      expect(await seen([id, await ended('reconcile')])).toBe(2);
    },
  );

  it('is none of a payment of others, of one that is open, or of what create was answered', async () => {
    expect(await seen([await created()])).toBe(0);
    expect(await seen([await ended('reconcile')], { origin: 'external' })).toBe(0);
    const id = await created();
    const record = (await readPayment(world.table, id))!;
    const webhooks = watch();
    const entry = {
      ...record.history[0]!,
      facts: { ...record.history[0]!.facts, state: 'DECLINED' } as const,
    };
    webhooks.saw({ ...record, state: 'DECLINED', history: [entry] });
    expect(await webhooks.missing()).toBe(0);
  });

  it('is forgotten with the next webhook', async () => {
    expect(await seen([await ended('reconcile')])).toBe(1);
    pass(MINUTE);
    expect(await seen([await ended('reconcile')])).toBe(2);
    await noteWebhooks(world)([message('webhook')]);
    expect(await seen([])).toBe(0);
  });
});

it.each([
  ['nothing was ever kept: what was before is not counted', undefined, [500], [0, 1_000, 0]],
  ['an end after the last', [0, 500_000, 0, 0], [500_001, 499_999], [1, 500_001, 0]],
  [
    'an end while the last webhook may have been heard without a note',
    [50, 100, 0, 50],
    [100 + 5, 50 + HEARD_EVERY_MS],
    [0, 100, 50],
  ],
  ['an end after that', [50, 100, 0, 50], [51 + HEARD_EVERY_MS], [1, 51 + HEARD_EVERY_MS, 50]],
  ['a webhook since they were counted', [60, 100, 5, 50], [], [0, 100, 60]],
] as const)('%s', (_, kept, ends, [count, upTo, from]) => {
  const before = kept && { heardAt: kept[0], endedUpTo: kept[1], ended: kept[2], countedFrom: kept[3] };
  expect(withEnds(before, ends, 1_000)).toEqual({
    heardAt: kept?.[0] ?? 0,
    ended: count,
    endedUpTo: upTo,
    countedFrom: from,
  });
});

describe('an operator', () => {
  const environment = () =>
    ({
      ...world,
      name: 'the test',
      maxAgeMs: 86_400_000,
      webhookUrl: 'https://x.example/webhooks/paytech',
    }) as unknown as Environment;
  const finding = async (check: string) => {
    const { document } = await doctor(environment());
    return (document as { checks: { check: string }[] }).checks.find((each) => each.check === check);
  };

  it('is told by doctor how many, since when, and what to compare', async () => {
    expect(await finding('webhooks')).toMatchObject({
      is: 'ok',
      detail: expect.stringContaining('the last one arrived 20'),
    });
    for (const [count, is] of [
      [1, 'warn'],
      [2, 'warn'],
      [3, 'fail'],
    ] as const) {
      pass(MINUTE);
      expect(await seen([await ended('reconcile')])).toBe(count);
      expect(await finding('webhooks')).toMatchObject({
        is,
        detail: expect.stringMatching(
          /arrived 20.* UTC, and \d payments? of ours ended since without one: compare the webhook URL .* with https:\/\/x\.example\/webhooks\/paytech, and its signing key/,
        ),
      });
    }
  });

  it('is told by explain of a payment whose webhook has not come, where none come', async () => {
    const todo = async (id: string) => {
      const { document } = await explain(environment(), id);
      return (document as { explanations: { todo: string[] }[] }).explanations[0]!.todo.join('\n');
    };
    const id = await ended('reconcile');
    expect(await todo(id)).toBe('Nothing to do.');
    await seen([id]);
    expect(await todo(id)).toMatch(
      /^Its webhook has not come, and no webhook has arrived since 20.* UTC, while 1 payment ended\. Compare/,
    );
    await noteWebhooks(world)([message('webhook')]);
    await seen([]);
    expect(await todo(id)).toBe('Nothing to do.');
  });
});
