/*
 * Which part of paytech's list is read next. The list is read by when payments changed, in slices of time, three times:
 * once webhooks have had their time, and twice more for a list that lags and for clocks that differ. Each pass has its
 * watermark: everything that changed before it has been compared, or is put aside and tried again. Workers take slices
 * on a lease, so that several are read at once and a worker that dies holds up its slice and nothing else.
 *
 * All times are epoch milliseconds on whole seconds, which is how paytech's filters take them.
 */

/** A part of a full second, by when its payments were created: `since` inclusive, `before` exclusive. */
export interface Created {
  since: number;
  before?: number;
}

/** A slice in work: `from` moves on with what has been compared of it. */
export interface Slice {
  from: number;
  /** Exclusive. */
  to: number;
  isDone?: true;
  owner?: string;
  leaseUntil?: number;
  /** How often the second at `from` could not be read. */
  failures?: number;
  /** What is left to read of the second `of`, where it is so full that one worker does not get through it. */
  rest?: { of: number; parts: Created[] };
}

/** A slice that could not be compared, and holds nothing else up. */
export interface SliceAside extends Slice {
  failures: number;
  /** When it is tried next. */
  tryAt: number;
}

export interface Pass {
  /** The watermark: the end of what has been compared without a gap. */
  mark: number;
  /** How long a slice was of late that fitted one page, in milliseconds. */
  widthMs: number;
  /** In order and without gaps, from the watermark on. */
  slices: Slice[];
}

/** How far paytech's list has been compared with the table. */
export interface SweepState {
  passes: Pass[];
  aside: SliceAside[];
  /** When the list was last asked for a slice in the future, which is empty unless it ignores its filters. */
  filterCheckedAt?: number;
  /** The most shards that the index of what is open has had. */
  openShards?: number;
  /** Since when paytech's list, and GET of a payment, have answered nobody. */
  listDownSince?: number;
  getDownSince?: number;
}

/** What reconcile asks of paytech; either may work without the other. */
export type Asked = 'list' | 'get';

const DOWN_SINCE = { list: 'listDownSince', get: 'getDownSince' } as const;

export function downSince(state: SweepState, asked: Asked): number | undefined {
  return state[DOWN_SINCE[asked]];
}

/** The state after somebody has asked; undefined where it said so before. */
export function withAnswers(
  state: SweepState,
  answers: { [Each in Asked]?: boolean },
  now: number,
): SweepState | undefined {
  const next = { ...state };
  for (const [asked, name] of Object.entries(DOWN_SINCE) as [Asked, (typeof DOWN_SINCE)[Asked]][]) {
    if (answers[asked] === true) delete next[name];
    if (answers[asked] === false) next[name] ??= now;
  }
  const isNew = Object.values(DOWN_SINCE).some((name) => next[name] !== state[name]);
  return isNew ? next : undefined;
}

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** How long after a change the later passes read it. The first waits for webhooks only. */
const LATER_DELAYS = [15 * MINUTE, 24 * HOUR];
/** A later pass waits until a page is full: for ten minutes at least, and half an hour at most. */
const LATER_TOGETHER = { least: 10 * MINUTE, most: 30 * MINUTE };

/** Slices in work, so that the item stays small: those of the first pass, and of each later one. */
const MAX_SLICES = [60, 20, 20];
const MAX_ASIDE = 100;
const MAX_WAIT = 15 * MINUTE;

/** A slice takes a worker about so many pages: long enough to be worth a lease, short enough to share. */
const PAGES_OF_A_SLICE = 10;
const FIRST_WIDTH = MINUTE;
const MAX_WIDTH = HOUR;

/** How much of a page a slice is meant to fill. */
const FILLED = 0.9;

/** A watermark further ahead than this was set by a clock that was wrong; so much before now is then compared again. */
const CLOCKS_DIFFER = MINUTE;
const COMPARED_AGAIN = 15 * MINUTE;

/** So often a second that cannot be read is tried before it is put aside. */
export const MAX_FAILURES = 5;

/** Of the parts of a full second so many are remembered: what is left after them is split again. */
const MAX_PARTS = 50;

/** The state from which the first sweep ever starts. */
export function sweepFrom(mark: number): SweepState {
  const at = wholeSecond(mark);
  return { passes: MAX_SLICES.map(() => ({ mark: at, widthMs: FIRST_WIDTH, slices: [] })), aside: [] };
}

/** That of one sweep by itself, which nothing follows. */
export function onePassFrom(at: number): SweepState {
  const { passes, aside } = sweepFrom(at);
  return { passes: passes.slice(0, 1), aside };
}

/** What to compare beside the slices, when the sweep cannot go on from them. */
export function withAside(state: SweepState, from: number, to: number, now: number): SweepState {
  return { ...state, aside: joined([...state.aside, { from, to, failures: 0, tryAt: now }]) };
}

export function wholeSecond(at: number): number {
  return Math.floor(at / SECOND) * SECOND;
}

/** Until when the first pass is to have compared everything. */
export function targetOf(now: number, graceMs: number): number {
  return wholeSecond(now - graceMs);
}

/** About how many pages are due, of all passes. */
export function pagesDue({ passes }: SweepState, now: number, graceMs: number): number {
  const pages = passes.map((pass, index) => {
    const until = targetOf(now, Math.max(LATER_DELAYS[index - 1] ?? 0, graceMs));
    const inWorkMs = pass.slices.reduce((sum, { from, to }) => sum + to - from, 0);
    const freshMs = Math.max(0, until - (pass.slices.at(-1)?.to ?? pass.mark));
    // A later pass waits until more has come together.
    const waits = index > 0 && freshMs < LATER_TOGETHER.least;
    return (inWorkMs + (waits ? 0 : freshMs)) / pass.widthMs;
  });
  return pages.reduce((sum, each) => sum + each, 0);
}

/** How far the first pass is behind that, in milliseconds. */
export function lagOf({ passes }: SweepState, now: number, graceMs: number): number {
  return Math.max(0, targetOf(now, graceMs) - passes[0]!.mark);
}

/** A later pass reads what has come together; beyond that, an hour is no more than a busy one. */
const LATER_MAY_WAIT = HOUR;

/** How much later than it may a later pass reads the list, in milliseconds: what lagged then is found by nothing else. */
export function laterLagOf({ passes }: SweepState, now: number, graceMs: number): number {
  const lags = passes.slice(1).map(({ mark }, index) => {
    return targetOf(now, Math.max(LATER_DELAYS[index]!, graceMs)) - mark - LATER_MAY_WAIT;
  });
  return Math.max(0, ...lags);
}

/**
 * Cuts what has become due into slices, as many as there is room for. `atLeastMs` of the first pass must have come
 * together.
 */
export function planned(
  state: SweepState,
  now: number,
  { graceMs, atLeastMs }: { graceMs: number; atLeastMs: number },
): SweepState {
  const passes = state.passes.map((kept, index) => {
    const { least, most } = index === 0 ? { least: atLeastMs, most: atLeastMs } : LATER_TOGETHER;
    const until = targetOf(now, Math.max(LATER_DELAYS[index - 1] ?? 0, graceMs));
    const isAhead = kept.mark > targetOf(now, graceMs) + CLOCKS_DIFFER;
    const pass = isAhead ? { ...kept, mark: until - COMPARED_AGAIN, slices: [] } : kept;
    const together = Math.max(least, Math.min(most, pass.widthMs));
    const slices = [...pass.slices];
    let from = slices.at(-1)?.to ?? pass.mark;
    if (until - from < together) return pass;
    // Of a later pass whole pages: the rest of one waits for the next.
    const target = index === 0 ? until : until - ((until - from) % together);
    for (; from < target && slices.length < MAX_SLICES[index]!; from = slices.at(-1)!.to)
      slices.push({ from, to: Math.min(target, from + pass.widthMs * PAGES_OF_A_SLICE) });
    return { ...pass, slices };
  });
  return { ...state, passes };
}

/** Where a slice stands: in a pass, or aside. */
export type Place = number | 'aside';

export interface TakenSlice {
  place: Place;
  slice: Slice;
  widthMs: number;
}

/** Takes the next slice that nobody works on: of the first pass, then of what is aside, then of the later passes. */
export function taken(
  state: SweepState,
  { owner, now, leaseUntil }: { owner: string; now: number; leaseUntil: number },
): { state: SweepState; slice: TakenSlice } | undefined {
  const isFree = (slice: Slice) =>
    !slice.isDone && (slice.leaseUntil === undefined || slice.leaseUntil <= now);
  const places: Place[] = [0, 'aside', ...state.passes.keys().drop(1)];
  for (const place of places) {
    const slice =
      place === 'aside'
        ? state.aside.find((each) => isFree(each) && each.tryAt <= now)
        : state.passes[place]!.slices.find(isFree);
    if (!slice) continue;
    const widthMs = place === 'aside' ? FIRST_WIDTH : state.passes[place]!.widthMs;
    return {
      state: replaced(state, place, slice, { ...slice, owner, leaseUntil }),
      slice: { place, slice, widthMs },
    };
  }
  return undefined;
}

/** What a worker has to say of its slice. */
export interface SliceReport {
  /** Everything before it has been compared. */
  from: number;
  /** Parts of it that could not be, and hold nothing else up. */
  aside: readonly { from: number; to: number }[];
  failures: number;
  /** What is left of the second at `from`, where a part of it has been compared. */
  parts?: readonly Created[] | undefined;
  /** How long a slice may be to fit one page. */
  widthMs: number;
  /** Whether the worker goes on with it. */
  keeps: boolean;
}

/**
 * The state after a worker's report; undefined where the slice is no longer its own, or where too much is aside
 * already. What somebody else does with the slice then stands.
 */
export function reported(
  state: SweepState,
  { place, slice: { to } }: TakenSlice,
  owner: string,
  { from, aside, failures, parts, widthMs, keeps }: SliceReport,
  now: number,
): SweepState | undefined {
  const slices: readonly Slice[] = place === 'aside' ? state.aside : state.passes[place]!.slices;
  const found = slices.find((each) => each.to === to && each.owner === owner);
  if (!found) return undefined;
  const { owner: _, leaseUntil: __, failures: ___, rest: ____, ...free } = found;
  const next: Slice = {
    ...free,
    from,
    ...(parts ? { rest: { of: from, parts: fewer(parts) } } : {}),
    ...(keeps ? { owner, leaseUntil: found.leaseUntil! } : {}),
    ...(failures > 0 ? { failures } : {}),
    ...(from >= to ? { isDone: true } : {}),
  };
  if (place === 'aside') return reportedAside(state, found as SliceAside, next, aside, now);
  const putAside = aside.map((each) => ({ ...each, failures: 0, tryAt: now + MINUTE }));
  const all = joined([...state.aside, ...putAside]);
  if (putAside.length > 0 && all.length > MAX_ASIDE) return undefined;
  const moved = replaced({ ...state, aside: all }, place, found, next);
  return {
    ...moved,
    passes: moved.passes.map((pass, index) => (index === place ? settled({ ...pass, widthMs }) : pass)),
  };
}

/** The oldest of too many parts become one. */
function fewer(parts: readonly Created[]): Created[] {
  const [first, last] = [parts[MAX_PARTS - 1], parts.at(-1)];
  if (parts.length <= MAX_PARTS || !first || !last) return [...parts];
  return [...parts.slice(0, MAX_PARTS - 1), { ...first, since: last.since }];
}

/** What still fails is tried again ever later, until every quarter of an hour. */
function reportedAside(
  state: SweepState,
  found: SliceAside,
  next: Slice,
  failed: readonly { from: number; to: number }[],
  now: number,
): SweepState {
  const failures = found.failures + 1;
  const tryAt = now + Math.min(MAX_WAIT, MINUTE * 2 ** failures);
  const others = state.aside.filter((each) => each !== found);
  const rest = next.isDone ? [] : [{ ...next, failures, tryAt: next.owner === undefined ? tryAt : now }];
  const again = failed.map((each) => ({ ...each, failures, tryAt }));
  return { ...state, aside: joined([...others, ...again, ...rest]) };
}

/** Neighbours become one, unless somebody works on one of them. */
function joined(slices: readonly SliceAside[]): SliceAside[] {
  const all: SliceAside[] = [];
  for (const slice of slices.toSorted((a, b) => a.from - b.from)) {
    const last = all.at(-1);
    const isAlone = last === undefined || last.to < slice.from;
    if (isAlone || last.owner !== undefined || slice.owner !== undefined) all.push(slice);
    else {
      const to = Math.max(last.to, slice.to);
      const failures = Math.min(last.failures, slice.failures);
      all[all.length - 1] = { from: last.from, to, failures, tryAt: Math.min(last.tryAt, slice.tryAt) };
    }
  }
  return all;
}

function replaced(state: SweepState, place: Place, old: Slice, next: Slice): SweepState {
  const swap = (slices: readonly Slice[]) => slices.map((each) => (each === old ? next : each));
  if (place === 'aside') return { ...state, aside: swap(state.aside) as SliceAside[] };
  const passes = state.passes.map((pass, index) =>
    index === place ? { ...pass, slices: swap(pass.slices) } : pass,
  );
  return { ...state, passes };
}

/** The watermark moves over what is done at the beginning. */
function settled(pass: Pass): Pass {
  const done = pass.slices.findIndex(({ isDone }) => !isDone);
  const finished = done < 0 ? pass.slices : pass.slices.slice(0, done);
  const slices = pass.slices.slice(finished.length);
  return { ...pass, slices, mark: slices[0]?.from ?? finished.at(-1)?.to ?? pass.mark };
}

/** How long the next slice may be after `widthMs`, when `spanMs` had `entries` of the `page` that fit. */
export function widthAfter(widthMs: number, spanMs: number, entries: number, page: number): number {
  const ideal = (spanMs * page * FILLED) / Math.max(1, entries);
  return Math.max(SECOND, wholeSecond(Math.min(ideal, 2 * Math.max(widthMs, spanMs), MAX_WIDTH)));
}

/**
 * What to try where a slice did not fit, or could not be read: undefined where it is a second. From an hour to the second
 * that paytech cannot tell it is two steps, before the list is left alone for the rest of the run.
 */
export function narrowed(spanMs: number, because: 'too-many' | 'not-answered'): number | undefined {
  const parts = because === 'too-many' ? 2 : 60;
  return spanMs <= SECOND ? undefined : Math.max(SECOND, wholeSecond(spanMs / parts));
}

/**
 * Where to split the payments of a full second by their creation: most are as young as a checkout, some as old as a
 * bank transfer, so that ages are halved by their order of magnitude. `since` inclusive, `before` exclusive; `now` is
 * the end of the second. Undefined where they are a second apart.
 */
export function splitByAge(since: number, before: number, now: number): number | undefined {
  if (before - since <= SECOND) return undefined;
  const [youngest, oldest] = [Math.max(0, now - before), now - since];
  const middle = now - Math.sqrt((youngest + SECOND) * (oldest + SECOND));
  return Math.min(Math.max(wholeSecond(middle), since + SECOND), before - SECOND);
}
