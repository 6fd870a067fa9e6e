import { acknowledgeAlarm } from '../../shared/calls/acknowledge.ts';
import { alarmView } from '../../shared/http/payment-view.ts';
import { optional } from '../../shared/payment/payment.ts';
import { STANDING_ALARMS, type StandingAlarm } from '../../shared/payment/standing.ts';
import type { Cursor } from '../../shared/store/open-index.ts';
import { idOfEntry, partitionOf, readStanding, type StandingEntry } from '../../shared/store/standing.ts';
import { confirm } from './confirm.ts';
import type { Environment } from './environment.ts';
import { Failure } from './failure.ts';
import { logger, type Result, table, time } from './output.ts';

const PAGE = 500;

/** `alarms`: those that wait for a decision, oldest first. */
export async function listAlarms(environment: Environment): Promise<Result> {
  const standing = await standingAlarms(environment);
  const rows = standing.map(({ alarm, id, open }) => [alarm, id, time(open.since), open.found.join(', ')]);
  return {
    document: { alarms: standing.map((each) => alarmView(each, Date.now())) },
    text:
      rows.length > 0
        ? `${table([['ALARM', 'ID', 'SINCE', 'FOUND'], ...rows])}\n\n${HINT}`
        : 'No alarm is waiting for a decision.',
  };
}

const HINT =
  'Each ends by itself once the records show that it is settled: docs/runbook.md says what to do. Where no record can show it: "paytech-ops acknowledge <alarm> <id> --reason …". Only "paytech-ops claims resolve" ends a flagged claim.';

type Standing = StandingEntry & Required<Pick<StandingEntry, 'open'>>;

/** What stands now; the index may lag, the table decides. */
export async function standingAlarms(environment: Pick<Environment, 'table' | 'index'>): Promise<Standing[]> {
  const all = await Promise.all(STANDING_ALARMS.map((alarm) => standingOf(environment, alarm)));
  return all.flat().sort((a, b) => a.open.from - b.open.from);
}

async function standingOf(
  { table, index }: Pick<Environment, 'table' | 'index'>,
  alarm: StandingAlarm,
): Promise<Standing[]> {
  const entries: (StandingEntry | undefined)[] = [];
  let from: Cursor | undefined;
  do {
    const page = await index.due(partitionOf(alarm), { after: 0, until: Date.now() }, PAGE, from);
    const ids = page.keys.map(({ pk }) => idOfEntry(alarm, pk));
    entries.push(...(await Promise.all(ids.map((id) => readStanding(table, alarm, id)))));
    from = page.next;
  } while (from);
  return entries.filter((each) => each?.open) as Standing[];
}

export interface Acknowledging {
  reason: string;
  yes?: boolean;
}

/** `acknowledge <alarm> <id>`: a person's word on what was found, after it was shown. */
export async function acknowledge(
  environment: Environment,
  kind: StandingAlarm,
  id: string,
  { reason, yes }: Acknowledging,
): Promise<Result> {
  const { table } = environment;
  const found = (await readStanding(table, kind, id))?.open?.found;
  await confirm(`Acknowledge ${kind} ${id}${found ? ` (${found.join(', ')})` : ''}?`, { yes });
  const caller = await environment.caller();
  const result = await acknowledgeAlarm({ table, logger, now: Date.now })({
    kind,
    id,
    reason,
    caller,
    ...optional('found', found),
  });
  switch (result.is) {
    case 'acknowledged':
      return {
        document: { kind, id, result: 'acknowledged', found: result.found },
        text: `Acknowledged: ${result.found.join(', ')}. What is found later raises the alarm again.`,
      };
    case 'resolve-only':
      throw new Failure('Only "paytech-ops claims resolve <kind> <id>" ends a flagged claim.');
    case 'not-found':
      throw new Failure(`There is no open alarm ${kind} for ${id}: see "paytech-ops alarms".`);
    case 'changed':
      throw new Failure(`More was found just now: ${result.found.join(', ')}. Look at it again.`);
    default:
      return result satisfies never;
  }
}
