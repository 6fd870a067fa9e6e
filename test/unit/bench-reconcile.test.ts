/** The world in which `npm run bench -- reconcile` plays. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ListQuery } from '../../shared/paytech/client.ts';
import { Actor, Usage } from '../bench/reconcile/actor.ts';
import { Clock } from '../bench/reconcile/clock.ts';
import { Paytech, simulatedGateway, type Weather } from '../bench/reconcile/gateway.ts';
import { createdItem, recordedItem } from '../bench/reconcile/items.ts';
import { OpenEntries } from '../bench/reconcile/open-entries.ts';
import { idOf, Population } from '../bench/reconcile/population.ts';

const START = Date.parse('2026-11-01T00:00:00Z');
const MINUTE = 60_000;
const FAIR: Weather = { getMs: 150, pageMs: 500, refused: 0, lagMs: 0, cap: 100 };

function paytechAt(now: number, weather: Partial<Weather> = {}) {
  const population = new Population({ seed: 3, rate: 1, from: START, until: START + 90 * MINUTE });
  const clock = new Clock(now);
  const paytech = new Paytech({
    ...{ population, weather: { ...FAIR, ...weather }, now: clock.now, start: START, seed: 3 },
  });
  return { population, clock, paytech };
}

test('the list is what each payment says, filtered and paged as paytech does', () => {
  const { population, paytech } = paytechAt(START + 80 * MINUTE);
  const at = fc.integer({ min: START, max: START + 80 * MINUTE }).map((moment) => new Date(moment));
  const query: fc.Arbitrary<ListQuery> = fc.record(
    {
      createdFrom: at,
      createdBefore: at,
      updatedFrom: at,
      updatedBefore: at,
      limit: fc.integer({ min: 1, max: 1_000 }),
      offset: fc.integer({ min: 0, max: 500 }),
    },
    { requiredKeys: ['createdFrom'] },
  );
  const second = (date: Date) => Math.floor(date.getTime() / 1_000) * 1_000;
  const moments = fc.integer({ min: START, max: START + 80 * MINUTE });
  fc.assert(
    fc.property(query, moments, (asked, moment) => {
      const found: number[] = [];
      for (let payment = population.size - 1; payment >= 0; payment--) {
        const created = population.createdAt(payment);
        const ended = population.endsAt(payment);
        const updated = ended <= moment ? ended : created;
        const isIn =
          created <= moment &&
          created >= second(asked.createdFrom) &&
          (!asked.createdBefore || created < second(asked.createdBefore)) &&
          updated >= second(asked.updatedFrom ?? new Date(START)) &&
          (!asked.updatedBefore || updated < second(asked.updatedBefore));
        if (isIn) found.push(payment);
      }
      const { offset = 0, limit = 50 } = asked;
      const { page, hasMore } = paytech.page(asked, moment);
      expect(page).toEqual(found.slice(offset, offset + limit));
      expect(hasMore).toBe(found.length > offset + limit);
    }),
    { numRuns: 300 },
  );
});

test('time passes to whoever waits first, and a stopped invocation gets no answer', async () => {
  const clock = new Clock(START);
  const heard: string[] = [];
  const one = new Actor(clock, new Usage());
  const other = new Actor(clock, new Usage());
  void one.wait(30, 0).then(() => heard.push(`one at ${clock.now() - START}`));
  void other.wait(10, 5).then(() => heard.push(`other at ${clock.now() - START}`));
  // The processor does one thing after the other.
  void other.wait(10, 5).then(() => heard.push(`other again at ${clock.now() - START}`));
  const stopped = new Actor(clock, new Usage());
  void stopped.wait(40, 0).then(() => heard.push('stopped'));
  clock.call(START + 35, () => stopped.kill());
  await clock.runUntil(START + 100);
  expect(heard).toEqual(['other at 15', 'other again at 20', 'one at 30']);
  expect(clock.now()).toBe(START + 100);
});

test.each([
  ['what is down takes all the time there is', { getDown: [0] as const }, 'unknown', 5_000],
  ['what is beyond the cap is a 429', { cap: 1e-9 }, 'not-accepted', 50],
])('%s', async (_, weather, kind, takes) => {
  const { paytech, clock } = paytechAt(START + 10 * MINUTE, weather);
  const gateway = simulatedGateway(paytech, new Actor(clock, new Usage()));
  // The first within a second is within the cap.
  paytech.refuses();
  let ended = 0;
  const answer = gateway.get(idOf(1), 5_000).finally(() => {
    ended = clock.now() - START - 10 * MINUTE;
  });
  await clock.runUntil(START + 11 * MINUTE);
  expect((await answer).kind).toBe(kind);
  expect(ended).toBeGreaterThanOrEqual(takes);
  expect(ended).toBeLessThan(takes + 10);
});

test('the index answers what is due, oldest first, page after page', () => {
  const entries = new OpenEntries();
  const due = fc.array(
    fc.record({ pk: fc.stringMatching(/^[a-e]{1,2}$/), dueAt: fc.integer({ min: 1, max: 9_000 }) }),
  );
  fc.assert(
    fc.property(due, fc.integer({ min: 1, max: 5 }), (moves, limit) => {
      const current = new Map<string, number>();
      for (const { pk, dueAt } of moves) {
        const before = current.get(pk);
        entries.move(pk, before === undefined ? undefined : { shard: '0', dueAt: before }, {
          shard: '0',
          dueAt,
        });
        current.set(pk, dueAt);
      }
      const expected = [...current].filter(([, dueAt]) => dueAt > 1_500 && dueAt <= 5_000).map(([pk]) => pk);
      const found: { pk: string; dueAt: number }[] = [];
      for (;;) {
        const page = entries.due('0', { after: 1_500, until: 5_000 }, limit, found.at(-1));
        found.push(...page);
        if (page.length < limit) break;
      }
      for (const [pk, dueAt] of current) entries.move(pk, { shard: '0', dueAt }, undefined);
      expect(found.map(({ pk }) => pk).sort()).toEqual(expected.sort());
      expect(found.map(({ dueAt }) => dueAt)).toEqual(found.map(({ dueAt }) => dueAt).sort((a, b) => a - b));
    }),
  );
});

test('a payment stands in the table as the service records it', async () => {
  const created = '2026-11-01T00:00:00.000Z';
  const { openShard, dueAt, ...recorded } = await recordedItem(12, created);
  expect(createdItem(12, created)).toEqual(recorded);
  expect([openShard, dueAt]).not.toContain(undefined);
});
