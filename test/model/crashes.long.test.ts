import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startWorld, type World } from '../support/world.ts';
import { comeToRest, replayChangesNothing } from './ending.ts';
import { checkInvariants } from './invariants.ts';
import type { Crash } from './process.ts';
import type { Activity } from './schedule.ts';
import { createSimulation } from './simulation.ts';

/** Every pipeline dies at every one of its steps, before and after it, whatever paytech answers. */

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.stop());

const WELL = { table: undefined, crash: undefined } as const;
const create = (more: Partial<Extract<Activity, { do: 'create' }>> = {}): Activity => ({
  do: 'create',
  order: 0,
  changed: 'nothing',
  ends: 'well',
  lookUp: 'well',
  ...WELL,
  ...more,
});
const apply = (more: Partial<Extract<Activity, { do: 'apply' }>> = {}): Activity => ({
  do: 'apply',
  messages: [0, 1, 2, 3],
  publish: 'well',
  ask: 'well',
  ...WELL,
  ...more,
});
const deliver: Activity = { do: 'deliver', webhook: 0, queue: 'well', crash: undefined };

/** More than any pipeline has; a crash beyond the last step does not happen. */
const STEPS = 10;
const CRASHES = Array.from({ length: STEPS }, (_, atStep) =>
  (['before', 'after'] as const).map((when): Crash => ({ atStep, when })),
).flat();

async function play(...activities: Activity[]): Promise<Record<string, number>> {
  const simulation = createSimulation(world.table, ['10.5']);
  for (const activity of activities)
    await simulation.round({ activities: [activity], picks: [0], tick: 500 });
  await comeToRest(simulation);
  await checkInvariants(simulation, world.table);
  await replayChangesNothing(simulation, world.table);
  return simulation.counts;
}

describe.each(['well', 'declined', 'lost', 'late', 'unknown', 'refused', 'limited'] as const)(
  'create-payment, when paytech answers %s',
  (ends) => {
    it('may die at every step, and an order is charged once', async () => {
      let died = 0;
      for (const crash of CRASHES) {
        const counts = await play(create({ ends, crash }), create());
        died += counts['crash of create-payment'] ?? 0;
      }
      expect(died, 'it died somewhere').toBeGreaterThan(4);
    });

    it.each(['refused', 'lost', 'repeated'] as const)('survives a write that is %s', async (fault) => {
      for (let atWrite = 0; atWrite < 4; atWrite++)
        await play(create({ ends, table: { atWrite, fault } }), create());
    });
  },
);

describe('apply-payment-event', () => {
  const paid: Activity = { do: 'customer', payment: 0, state: 'COMPLETED', pays: 'less', webhook: 'doubled' };
  const lie: Activity = { do: 'contradict', payment: 0, state: 'CANCELLED', pays: 'as-asked' };
  const correction: Activity = { do: 'gateway-corrects', payment: 0, webhook: 'sent' };

  it.each([
    ['an ordinary event and its copy', [paid, deliver, deliver]],
    ['a contradiction that is not confirmed', [paid, deliver, apply(), lie, deliver]],
    ['a correction', [paid, deliver, apply(), correction, deliver, deliver]],
  ] as [string, Activity[]][])('may die at every step of %s', async (_, before) => {
    let died = 0;
    for (const crash of CRASHES) {
      const counts = await play(create(), ...before, apply({ crash }));
      died += counts['crash of apply-payment-event'] ?? 0;
    }
    expect(died, 'it died somewhere').toBeGreaterThan(2);
  });

  it.each(['down', 'lost', 'partly'] as const)('publishes again what was published %s', async (publish) => {
    const counts = await play(create(), paid, deliver, deliver, apply({ publish }));
    expect(counts[`publish ${publish}`]).toBe(1);
  });

  it.each(['refused', 'lost', 'repeated'] as const)('survives a write that is %s', async (fault) => {
    for (let atWrite = 0; atWrite < 4; atWrite++) {
      const counts = await play(create(), paid, deliver, deliver, apply({ table: { atWrite, fault } }));
      if (atWrite === 0) expect(counts[`table ${fault}`]).toBe(1);
    }
  });
});
