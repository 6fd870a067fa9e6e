import { describe, expect, it } from 'vitest';
import {
  lagOf,
  laterLagOf,
  narrowed,
  onePassFrom,
  pagesDue,
  planned,
  reported,
  type SliceReport,
  type SweepState,
  splitByAge,
  sweepFrom,
  type TakenSlice,
  taken,
  widthAfter,
  withAnswers,
  withAside,
} from '../../shared/payment/slice.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const GRACE = 2 * MINUTE;
const START = Date.parse('2026-11-23T12:00:00Z');
const PLAN = { graceMs: GRACE, atLeastMs: SECOND };
const DONE: Omit<SliceReport, 'from'> = { aside: [], failures: 0, widthMs: MINUTE, keeps: false };

const take = (state: SweepState, now: number, owner = 'worker', leaseUntil = now + MINUTE) =>
  taken(state, { owner, now, leaseUntil });
const spans = (state: SweepState, pass = 0) => state.passes[pass]!.slices.map(({ from, to }) => [from, to]);
function finish(state: SweepState, slice: TakenSlice, now: number, owner = 'worker', more = {}): SweepState {
  return reported(state, slice, owner, { ...DONE, from: slice.slice.to, ...more }, now)!;
}

describe('what is planned', () => {
  it('reaches to now less the grace, in whole seconds, and not further', () => {
    const state = planned(sweepFrom(START + 400), START + 5 * MINUTE + 900, PLAN);
    expect(spans(state)).toEqual([[START, START + 3 * MINUTE]]);
    expect(lagOf(state, START + 5 * MINUTE + 900, GRACE)).toBe(3 * MINUTE);
  });

  it('is nothing before the grace is over, nor where less has come together than is worth a question', () => {
    expect(spans(planned(sweepFrom(START), START + GRACE + 900, PLAN))).toEqual([]);
    const soon = planned(sweepFrom(START), START + GRACE + 29 * SECOND, { ...PLAN, atLeastMs: 30 * SECOND });
    expect(spans(soon)).toEqual([]);
  });

  it('is late in a later pass once an hour was no longer enough for what has come together', () => {
    const state = sweepFrom(START);
    const at = (after: number) => laterLagOf(state, START + after, GRACE);
    expect(at(75 * MINUTE)).toBe(0);
    expect(at(95 * MINUTE)).toBe(20 * MINUTE);
    const [first, , last] = state.passes;
    const second = { ...state.passes[1]!, mark: START + DAY + HOUR };
    const ofLast = laterLagOf({ ...state, passes: [first!, second, last!] }, START + DAY + 2 * HOUR, GRACE);
    expect(ofLast).toBe(HOUR);
  });

  it('is compared again after 15 minutes and after 24 hours, a page at once or half an hour', () => {
    const widthMs = 20 * MINUTE;
    const state = {
      ...sweepFrom(START),
      passes: sweepFrom(START).passes.map((pass) => ({ ...pass, widthMs })),
    };
    const at = (after: number, pass: number) => spans(planned(state, START + after, PLAN), pass);
    expect(at(34 * MINUTE, 1)).toEqual([]);
    expect(at(35 * MINUTE, 1)).toEqual([[START, START + 20 * MINUTE]]);
    expect(at(54 * MINUTE, 1)).toEqual([[START, START + 20 * MINUTE]]);
    expect(at(DAY + 19 * MINUTE, 2)).toEqual([]);
    expect(at(DAY + 20 * MINUTE, 2)).toEqual([[START, START + 20 * MINUTE]]);
    const dense = planned(sweepFrom(START), START + 25 * MINUTE, PLAN);
    expect(spans(dense, 1)).toEqual([[START, START + 10 * MINUTE]]);
  });

  it('is the last quarter of an hour again where a clock that was wrong has set the watermark ahead', () => {
    const state = planned(sweepFrom(START + HOUR), START + 5 * MINUTE, PLAN);
    expect(spans(state)).toEqual([
      [START - 12 * MINUTE, START - 2 * MINUTE],
      [START - 2 * MINUTE, START + 3 * MINUTE],
    ]);
    // A little ahead are clocks that differ.
    expect(spans(planned(sweepFrom(START + 4 * MINUTE), START + 5 * MINUTE, PLAN))).toEqual([]);
  });

  it('is at most a hundred slices, without gaps', () => {
    const state = planned(sweepFrom(START), START + 30 * DAY, PLAN);
    expect(state.passes.flatMap(({ slices }) => slices)).toHaveLength(100);
    for (const pass of state.passes.keys()) {
      const all = spans(state, pass);
      for (const [index, [from]] of all.entries()) expect(from).toBe(all[index - 1]?.[1] ?? START);
    }
  });
});

describe('a slice', () => {
  const now = START + 22 * MINUTE;
  const state = planned(sweepFrom(START), now, PLAN);

  it('is one worker’s until its lease is over', () => {
    const first = take(state, now)!;
    const second = take(first.state, now, 'another')!;
    expect([first.slice.slice.from, second.slice.slice.from]).toEqual([START, START + 10 * MINUTE]);
    expect(take(second.state, now, 'third')).toBeUndefined();
    const late = take(second.state, now + MINUTE, 'third')!;
    expect(late.slice.slice.from).toBe(START);
    // Whoever was too slow has nothing to say of it any more.
    const report = { ...DONE, from: first.slice.slice.to };
    expect(reported(late.state, first.slice, 'worker', report, now)).toBeUndefined();
  });

  it('moves the watermark only when all before it is done', () => {
    const first = take(state, now)!;
    const second = take(first.state, now, 'another')!;
    const afterSecond = finish(second.state, second.slice, now, 'another');
    expect(afterSecond.passes[0]).toMatchObject({ mark: START });
    const afterBoth = finish(afterSecond, first.slice, now);
    expect(afterBoth.passes[0]).toMatchObject({ mark: START + 20 * MINUTE, slices: [] });
  });

  it('moves it with what has been compared of it, and is gone on with from there', () => {
    const first = take(state, now)!;
    const some = { ...DONE, from: START + MINUTE, keeps: true };
    const kept = reported(first.state, first.slice, 'worker', some, now)!;
    expect(kept.passes[0]!.mark).toBe(START + MINUTE);
    expect(take(kept, now, 'another')!.slice.slice.from).toBe(START + 10 * MINUTE);
    expect(take(kept, now + MINUTE, 'another')!.slice.slice.from).toBe(START + MINUTE);
  });

  it('that is let go of is free at once, and knows how often it failed', () => {
    const first = take(state, now)!;
    const let_go = reported(first.state, first.slice, 'worker', { ...DONE, from: START, failures: 3 }, now)!;
    expect(take(let_go, now, 'another')!.slice.slice).toMatchObject({ from: START, failures: 3 });
    expect(let_go.passes[0]!.mark).toBe(START);
  });

  it('of the first pass goes before what is aside, and that before the later passes', () => {
    const late = START + 30 * MINUTE;
    let current = withAside(planned(sweepFrom(START), late, PLAN), START - HOUR, START, late);
    const places: unknown[] = [];
    for (let next = take(current, late); next; next = take(current, late)) {
      places.push(next.slice.place);
      current = finish(next.state, next.slice, late);
    }
    expect(places).toEqual([0, 0, 0, 'aside', 1]);
  });

  it('of a sweep by itself is compared once', () => {
    const alone = planned(onePassFrom(START), START + 2 * DAY, PLAN);
    expect(alone.passes).toHaveLength(1);
  });
});

describe('what is put aside', () => {
  const now = START + 12 * MINUTE;
  const first = take(planned(sweepFrom(START), now, PLAN), now)!;
  const aside = [{ from: START, to: START + SECOND }];
  const state = finish(first.state, first.slice, now, 'worker', { aside });

  it('does not hold up the watermark', () => {
    expect(state.passes[0]!.mark).toBe(START + 10 * MINUTE);
  });

  it('is tried again after a minute, and ever later, until every quarter of an hour', () => {
    let current = state;
    const waits: number[] = [];
    for (let at = now, tried = 0; tried < 7; tried++) {
      const { tryAt } = current.aside[0]!;
      expect(take(current, tryAt - 1)).toBeUndefined();
      const next = take(current, tryAt)!;
      expect(next.slice).toMatchObject({ place: 'aside', slice: { from: START, to: START + SECOND } });
      waits.push((tryAt - at) / MINUTE);
      at = tryAt;
      current = reported(next.state, next.slice, 'worker', { ...DONE, from: START }, at)!;
    }
    expect(waits).toEqual([1, 2, 4, 8, 15, 15, 15]);
  });

  it('is forgotten once it has been compared', () => {
    const next = take(state, now + MINUTE)!;
    expect(finish(next.state, next.slice, now).aside).toEqual([]);
  });

  it('keeps of a long part what still fails', () => {
    const long = withAside(sweepFrom(START), START - HOUR, START, now);
    const next = take(long, now)!;
    const part = { from: START - MINUTE, to: START - MINUTE + SECOND };
    expect(finish(next.state, next.slice, now, 'worker', { aside: [part] }).aside).toMatchObject([part]);
  });

  it('becomes one with its neighbours, and is at most a hundred: then the watermark stays', () => {
    const joint = finish(first.state, first.slice, now, 'worker', {
      aside: [...aside, { from: START + SECOND, to: START + MINUTE }],
    });
    expect(joint.aside).toMatchObject([{ from: START, to: START + MINUTE }]);
    const many = Array.from({ length: 101 }, (_, each) => ({
      from: START + 2 * each * SECOND,
      to: START + (2 * each + 1) * SECOND,
    }));
    const report = { ...DONE, from: first.slice.slice.to, aside: many };
    expect(reported(first.state, first.slice, 'worker', report, now)).toBeUndefined();
    // Too much that was aside before keeps nothing that has been compared from going on.
    const full = { ...first.state, aside: many.map((each) => ({ ...each, failures: 1, tryAt: now })) };
    expect(finish(full, first.slice, now).passes[0]).toMatchObject({ mark: first.slice.slice.to });
  });
});

describe('what is left of a full second', () => {
  it('is kept with it, until the second has been compared, and is at most fifty parts', () => {
    const first = take(planned(sweepFrom(START), START + 5 * MINUTE, PLAN), START + 5 * MINUTE)!;
    const parts = Array.from({ length: 60 }, (_, age) => ({ since: START - age - 1, before: START - age }));
    const report = { ...DONE, from: START, parts };
    const left = reported(first.state, first.slice, 'worker', report, START)!;
    const { of, parts: kept } = left.passes[0]!.slices[0]!.rest!;
    expect(of).toBe(START);
    expect(kept).toHaveLength(50);
    expect(kept.at(-1)).toEqual({ since: START - 60, before: START - 49 });
    const again = take(left, START + 5 * MINUTE)!;
    const further = reported(again.state, again.slice, 'worker', { ...DONE, from: START + SECOND }, START)!;
    expect(further.passes[0]!.slices[0]).not.toHaveProperty('rest');
  });
});

describe('how long a slice is', () => {
  it('grows to what fits nine tenths of a page, at most to the double, never over an hour nor under a second', () => {
    expect(widthAfter(MINUTE, MINUTE, 1_000, 1_000)).toBe(54 * SECOND);
    expect(widthAfter(MINUTE, MINUTE, 10, 1_000)).toBe(2 * MINUTE);
    expect(widthAfter(MINUTE, 3 * SECOND, 0, 1_000)).toBe(2 * MINUTE);
    expect(widthAfter(HOUR, HOUR, 0, 1_000)).toBe(HOUR);
    expect(widthAfter(SECOND, SECOND, 5_000, 1_000)).toBe(SECOND);
  });

  it('is narrowed down to a second', () => {
    expect(narrowed(MINUTE, 'too-many')).toBe(30 * SECOND);
    expect(narrowed(1_500, 'not-answered')).toBe(SECOND);
    expect(narrowed(SECOND, 'too-many')).toBeUndefined();
  });
});

it('a full second is split by age, the young from the old in few steps, down to a second', () => {
  const end = START;
  const first = splitByAge(end - 400 * DAY, end, end)!;
  expect(end - first).toBeGreaterThan(HOUR);
  expect(end - first).toBeLessThan(2 * HOUR);
  for (const [since, before] of [
    [end - 400 * DAY, end],
    [end - 400 * DAY, end - DAY],
    [end - 3 * SECOND, end],
    [end - 2 * SECOND, end],
  ] as const) {
    const middle = splitByAge(since, before, end)!;
    expect(middle % SECOND).toBe(0);
    expect(middle).toBeGreaterThan(since);
    expect(middle).toBeLessThan(before);
  }
  expect(splitByAge(end - SECOND, end, end)).toBeUndefined();
});

describe('how much is due', () => {
  it('is counted in pages of each pass, but for what waits for more and what is done', () => {
    const fresh = sweepFrom(START);
    expect(pagesDue(fresh, START + GRACE, GRACE)).toBe(0);
    expect(pagesDue(fresh, START + GRACE + 5 * MINUTE, GRACE)).toBe(5);
    // The second pass begins with the tenth minute.
    expect(pagesDue(fresh, START + 24 * MINUTE, GRACE)).toBe(22);
    expect(pagesDue(fresh, START + 25 * MINUTE, GRACE)).toBe(23 + 10);
    const now = START + GRACE + 15 * MINUTE;
    const first = take(planned(fresh, now, PLAN), now, 'one')!;
    const second = take(first.state, now, 'two')!;
    const done = finish(second.state, second.slice, now, 'two');
    expect(pagesDue(done, now, GRACE)).toBe(10);
  });
});

describe('that the list or GET answers nobody', () => {
  it('is noted since it first did not, each by itself, until it does', () => {
    const state = sweepFrom(START);
    expect(withAnswers(state, {}, START)).toBeUndefined();
    expect(withAnswers(state, { list: true, get: true }, START)).toBeUndefined();
    const down = withAnswers(state, { list: false, get: true }, START)!;
    expect(down).toEqual({ ...state, listDownSince: START });
    expect(withAnswers(down, { list: false }, START + MINUTE)).toBeUndefined();
    const both = withAnswers(down, { get: false }, START + MINUTE)!;
    expect(both).toEqual({ ...state, listDownSince: START, getDownSince: START + MINUTE });
    expect(withAnswers(both, { list: true }, START + MINUTE)).toEqual({
      ...state,
      getDownSince: START + MINUTE,
    });
  });
});
