import { mayBeAcknowledged, type StandingAlarm } from '../payment/standing.ts';
import type { Logger } from '../runtime/logger.ts';
import { acknowledgeStanding, readStanding } from '../store/standing.ts';
import type { Table } from '../store/table.ts';

/*
 * A person's word that an alarm is dealt with which no book can end. It holds for what was found until now: what is found
 * later raises the alarm again.
 *
 * | the alarm                            | what happens                              |
 * |--------------------------------------|-------------------------------------------|
 * | claim-flagged                        | resolve-only: `resolve` says what it was  |
 * | does not stand, or not yet           | not-found                                 |
 * | has more than the person has seen    | changed: look at it again                 |
 * | else                                 | acknowledged, with who and why            |
 */

export interface AcknowledgeDependencies {
  table: Table;
  logger: Pick<Logger, 'warn'>;
  /** Epoch milliseconds. */
  now: () => number;
}

export interface Acknowledging {
  kind: StandingAlarm;
  id: string;
  /** What the person has seen to be found; absent: whatever it is. */
  found?: readonly string[];
  reason: string;
  /** Who says so. */
  caller: string;
}

export type AcknowledgeResult =
  | { is: 'acknowledged'; found: string[] }
  | { is: 'resolve-only' }
  | { is: 'not-found' }
  | { is: 'changed'; found: string[] };

/** In every round it was raised again. */
const MAX_ROUNDS = 5;

export function acknowledgeAlarm({ table, logger, now }: AcknowledgeDependencies) {
  return async ({ kind, id, found, reason, caller }: Acknowledging): Promise<AcknowledgeResult> => {
    if (!mayBeAcknowledged(kind)) return { is: 'resolve-only' };
    const by = { at: new Date(now()).toISOString(), caller, reason };
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const entry = await readStanding(table, kind, id);
      const { open } = entry ?? {};
      if (!entry || !open || open.from > now()) return { is: 'not-found' };
      const isSeen = !found || open.found.every((each) => found.includes(each));
      if (!isSeen) return { is: 'changed', found: open.found };
      if (await acknowledgeStanding(table, { ...entry, open }, by)) {
        logger.warn('alarm acknowledged', { alarm: kind, id, caller });
        return { is: 'acknowledged', found: open.found };
      }
    }
    throw new Error(`the alarm ${kind} of ${id} changes faster than it can be acknowledged`);
  };
}
