import type { Claim } from '../payment/claim.ts';
import { type Finding, subjectId } from '../payment/standing.ts';
import type { Logger } from '../runtime/logger.ts';
import { STANDING_METRIC } from '../runtime/metrics.ts';
import { raise } from '../store/standing.ts';
import type { Table } from '../store/table.ts';

export interface StandDependencies {
  table: Table;
  logger: Pick<Logger, 'warn' | 'error'>;
  /** Epoch milliseconds. */
  now: () => number;
}

/**
 * Raises an alarm that stands until what was found is decided, and says so in the log, with `more` of it. To be called
 * again whenever it is found again: a process may die before its alarm stands. What has been acknowledged is said
 * without a count.
 */
export async function stand(
  { table, logger, now }: StandDependencies,
  finding: Finding,
  message: string,
  more: Record<string, unknown> = {},
): Promise<void> {
  const { alarm, id } = finding;
  const stands = await raise(table, finding, now());
  const fields = { alarm, id, ...more };
  if (stands) logger.error(message, { metric: STANDING_METRIC[alarm], ...fields });
  else logger.warn(`${message}: acknowledged`, fields);
}

/** Raises the alarm of a claim that only a person can end. */
export async function standFlagged(deps: StandDependencies, claim: Claim): Promise<void> {
  const { kind, referenceId, attempt, flag: reason } = claim;
  await stand(deps, flaggedFinding(claim), 'claim flagged', { kind, referenceId, attempt, reason });
}

export function flaggedFinding({ kind, referenceId, attempt }: Claim): Finding {
  return { alarm: 'claim-flagged', id: subjectId(kind, referenceId), found: [`attempt ${attempt}`] };
}
