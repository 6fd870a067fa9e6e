/** What `npm run bench -- reconcile` holds at high rates, at a low one: some minutes in simulated time. */
import { expect, test } from 'vitest';
import { plansOf } from '../bench/reconcile/scenarios.ts';
import { simulate } from '../bench/reconcile/simulation.ts';

const MINUTES = 8;

test.each(['all-missing', 'list-down', 'get-down', 'refused', 'lagging-list', 'after-an-outage'])(
  'with the default settings, %s: what was missed is told in time, and no run is stopped',
  { timeout: 120_000 },
  async (scenario) => {
    const { plan, targets } = plansOf(scenario, 1, MINUTES)[0]!;
    const result = await simulate({ ...plan, rate: 2, outageHours: Math.min(plan.outageHours, 0.5) });
    expect(result.toldWithin.count).toBeGreaterThan(300);
    expect(targets.filter(({ isMet }) => !isMet(result)).map(({ says }) => says)).toEqual([]);
  },
);
