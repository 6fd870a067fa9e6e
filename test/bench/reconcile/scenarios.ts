import type { Weather } from './gateway.ts';
import { promisedWithin, type Result } from './result.ts';
import type { Settings } from './runs.ts';
import type { Plan } from './simulation.ts';

/*
 * What is played, and what each must come to. A scenario is played with the default settings and, at ten times the
 * rate, with those that docs/scale.md names for scale.
 */

const FAIR: Weather = { getMs: 150, pageMs: 500, refused: 0, lagMs: 0, cap: 300 };

/** What the stack has by default, and what paytech is assumed to take of it. */
const DEFAULTS: Settings = {
  reconcileWorkers: 4,
  reconcileConcurrency: 16,
  reconcileQuestionsPerSecond: 250,
  webhookGraceSeconds: 120,
  webhookConcurrency: 20,
  openShards: 16,
};
const FOR_SCALE: Settings = {
  ...DEFAULTS,
  reconcileWorkers: 32,
  reconcileConcurrency: 32,
  reconcileQuestionsPerSecond: 2_900,
  webhookConcurrency: 100,
  openShards: 32,
};

const ALL = 1;
const ONE_IN_A_THOUSAND = 0.001;
const NO_OUTAGE = [0, 0] as const;
const LARGE = [30_000, 30_000] as const;
/** From the first minute to the last. */
const ALWAYS = [0] as const;

interface Scenario {
  name: string;
  /** Payments per second by default, and with the settings for scale. */
  rates: readonly [number, number];
  /** How long it is played: less where there are more. */
  minutes: readonly [number, number];
  missing?: number;
  weather?: Partial<Weather>;
  confirmWebhooks?: boolean;
  /** Messages per second that SNS takes; its quota in the largest Regions where nothing else is said. */
  snsPerSecond?: readonly [number, number];
  /** Hours before the start in which nothing came and reconcile did nothing. */
  outageHours?: readonly [number, number];
  targets: readonly Target[];
}

/** What a result must come to. */
export interface Target {
  says: string;
  isMet: (result: Result) => boolean;
}

const TOLD: Target = {
  says: 'told within the grace and 5 min (p99), 15 min at most; nothing behind',
  isMet: ({ toldWithin, plan, behind }) =>
    behind === 0 && toldWithin.p99 <= promisedWithin(plan) && toldWithin.max <= 15 * 60,
};
const NO_RUN_KILLED: Target = {
  says: 'no run is stopped by its time limit',
  isMet: ({ runs }) => runs.killed === 0,
};
const CAUGHT_UP: Target = {
  says: 'caught up within an eighth of the outage',
  isMet: ({ plan, caughtUpAfter }) => caughtUpAfter <= (plan.outageHours * 60) / 8,
};
const FRESH: Target = {
  says: 'fresh webhooks are applied within a minute',
  isMet: ({ applied }) => applied.max <= 60,
};
const FEW_QUESTIONS: Target = {
  says: 'at most 0.02 questions per payment',
  isMet: ({ questionsPerPayment: { gets, pages } }) => gets + pages <= 0.02,
};
const costs = (dollars: number): Target => ({
  says: `at most $${dollars.toFixed(2)} per million payments`,
  isMet: ({ dollarsPerMillion }) => dollarsPerMillion <= dollars,
});

const LOST = [TOLD, NO_RUN_KILLED];
/** What is played in each kind of weather. */
const ALL_LOST_IN = { rates: [50, 500], minutes: [60, 30], missing: ALL, targets: LOST } as const;

const SCENARIOS: readonly Scenario[] = [
  { name: 'all-missing', rates: [100, 1_000], minutes: [60, 20], missing: ALL, targets: LOST },
  {
    name: 'one-in-a-thousand',
    rates: [300, 3_000],
    minutes: [30, 12],
    missing: ONE_IN_A_THOUSAND,
    targets: [...LOST, FRESH],
  },
  { name: 'list-down', ...ALL_LOST_IN, weather: { listDown: ALWAYS } },
  { name: 'get-down', ...ALL_LOST_IN, weather: { getDown: ALWAYS } },
  { name: 'slow-list', ...ALL_LOST_IN, weather: { pageMs: 6_000 } },
  { name: 'refused', ...ALL_LOST_IN, weather: { refused: 0.05 } },
  { name: 'lagging-list', ...ALL_LOST_IN, weather: { lagMs: 60_000 } },
  {
    name: 'after-an-outage',
    rates: [30, 300],
    minutes: [180, 18],
    outageHours: [24, 2.4],
    targets: [CAUGHT_UP, FRESH, NO_RUN_KILLED],
  },
  {
    name: 'after-an-outage-slow-topic',
    rates: [30, 300],
    minutes: [60, 12],
    outageHours: [6, 1.2],
    snsPerSecond: [300, 3_000],
    targets: [FRESH, NO_RUN_KILLED],
  },
  {
    name: 'quiet',
    rates: [1, 10],
    minutes: [60, 60],
    targets: [FEW_QUESTIONS, costs(2.5), NO_RUN_KILLED],
  },
  {
    name: 'nothing-missing',
    rates: [100, 1_000],
    minutes: [30, 15],
    targets: [FEW_QUESTIONS, costs(2.5), FRESH, NO_RUN_KILLED],
  },
  {
    name: 'nothing-confirmed',
    rates: [100, 1_000],
    minutes: [30, 15],
    confirmWebhooks: false,
    targets: [FEW_QUESTIONS, costs(0.75), FRESH, NO_RUN_KILLED],
  },
];

export const SCENARIO_NAMES = SCENARIOS.map(({ name }) => name);

export interface Played {
  scenario: string;
  settings: 'default' | 'scale';
  plan: Plan;
  targets: readonly Target[];
}

/** What is played of a scenario, with either settings; `minutes` in place of its own, where it is given. */
export function plansOf(name: string, seed: number, minutes?: number): Played[] {
  const scenario = SCENARIOS.find((each) => each.name === name);
  if (!scenario) throw new TypeError(`There is no scenario ${name}: choose of ${SCENARIO_NAMES.join(', ')}.`);
  const { rates, weather, missing = 0, confirmWebhooks = true, outageHours = NO_OUTAGE, targets } = scenario;
  return (['default', 'scale'] as const).map((settings, at) => ({
    scenario: name,
    settings,
    targets,
    plan: {
      seed,
      rate: rates[at]!,
      minutes: minutes ?? scenario.minutes[at]!,
      missing,
      weather: { ...FAIR, cap: FAIR.cap * (at === 0 ? 1 : 10), ...weather },
      settings: at === 0 ? DEFAULTS : FOR_SCALE,
      confirmWebhooks,
      outageHours: outageHours[at]!,
      snsPerSecond: (scenario.snsPerSecond ?? LARGE)[at]!,
    },
  }));
}
