import type { Activity, Round, Schedule } from './schedule.ts';

/** So often a schedule is played again, to be made smaller; the library's own way takes thousands. */
const MAX_TRIES = 150;

/** What an activity is without its faults. */
const WITHOUT_FAULTS: Record<string, unknown>[] = [
  { crash: undefined },
  { table: undefined },
  { ends: 'well' },
  { lookUp: 'well' },
  { ask: 'well' },
];
const PLAIN: Partial<Schedule>[] = [
  { mode: 'safety' },
  { lastWord: 'webhooks' },
  { isDecided: false },
  { chances: [0] },
  { startRecurring: false },
];

/** A schedule that still fails and from which little can be left out: whole rounds first, then activities and faults. */
export async function smallest(
  schedule: Schedule,
  fails: (schedule: Schedule) => Promise<boolean>,
): Promise<Schedule> {
  let best = schedule;
  let tries = 0;

  async function keepIfItFails(next: Schedule): Promise<boolean> {
    if (next.rounds.length === 0 || tries++ >= MAX_TRIES || !(await fails(next))) return false;
    best = next;
    return true;
  }

  async function leaveOut(): Promise<boolean> {
    let hasShrunk = false;
    for (let index = best.rounds.length - 1; index >= 0; index--) {
      const rounds = best.rounds.toSpliced(index, 1);
      if (await keepIfItFails({ ...best, rounds })) {
        hasShrunk = true;
        continue;
      }
      for (let at = best.rounds[index]!.activities.length - 1; at >= 0; at--) {
        const { activities } = best.rounds[index]!;
        if (activities.length < 2) break;
        const fewer = changed(best, index, { activities: activities.toSpliced(at, 1) });
        if (await keepIfItFails(fewer)) hasShrunk = true;
      }
    }
    return hasShrunk;
  }

  while (await leaveOut());
  for (const over of PLAIN) await keepIfItFails({ ...best, ...over });
  for (const [index, { activities }] of best.rounds.entries()) {
    for (const at of activities.keys()) {
      for (const over of WITHOUT_FAULTS) {
        const now = best.rounds[index]!.activities;
        const [name = ''] = Object.keys(over);
        const activity = now[at] as Record<string, unknown>;
        if (!(name in activity) || activity[name] === over[name]) continue;
        await keepIfItFails(
          changed(best, index, { activities: now.with(at, { ...activity, ...over } as Activity) }),
        );
      }
    }
  }
  return best;
}

function changed(schedule: Schedule, index: number, over: Partial<Round>): Schedule {
  return { ...schedule, rounds: schedule.rounds.with(index, { ...schedule.rounds[index]!, ...over }) };
}

/** One round to a line. */
export function written({ rounds, ...rest }: Schedule): string {
  return [JSON.stringify(rest), ...rounds.map((round) => JSON.stringify(round))].join('\n');
}

/** The schedule that was `written`. */
export function read(text: string): Schedule {
  const [head, ...rounds] = text.trim().split('\n').map(parsed);
  return { ...(head as Omit<Schedule, 'rounds'>), rounds: rounds as Schedule['rounds'] };
}

function parsed(line: string): unknown {
  return JSON.parse(line, (key, value: unknown) =>
    key === 'bytes' ? Uint8Array.from(Object.values(value as Record<string, number>)) : value,
  );
}
