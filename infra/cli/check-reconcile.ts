/** Checks of `doctor` that ask how reconcile keeps up, and what it found. */
import { lagInRun } from '../../functions/reconcile/lag.ts';
import { SECOND_MS } from '../../shared/runtime/time.ts';
import { hasBegun, tableWatermarks } from '../../shared/store/watermark.ts';
import { readWebhooksHeard } from '../../shared/store/webhooks-heard.ts';
import { MISSING_WEBHOOKS } from '../stack/logged-alarms.ts';
import { standingAlarms } from './alarms.ts';
import type { Environment } from './environment.ts';
import type { Finding } from './finding.ts';
import { count, duration, time } from './output.ts';

/** By then reconcile should have run several times, at any setting but the rarest. */
const BEHIND_SECONDS = 15 * 60;

/** As reconcile counts it: how many payments have ended without a webhook since one was last heard. */
export async function webhooks({ table, webhookUrl }: Environment): Promise<Finding> {
  const heard = await readWebhooksHeard(table);
  const last = heard?.heardAt ? `the last one arrived ${time(heard.heardAt)}` : 'none has ever arrived';
  if (!heard?.ended) return { is: 'ok', detail: last };
  const { ended } = heard;
  return {
    is: ended >= MISSING_WEBHOOKS ? 'fail' : 'warn',
    detail: `${last}, and ${count(ended, 'payment')} of ours ended since without one: compare the webhook URL in paytech's back office with ${webhookUrl}, and its signing key with the secret`,
  };
}

export async function reconcile(environment: Environment): Promise<Finding> {
  const { table, index, graceMs } = environment;
  if (!(await hasBegun(table))) return notBegun(environment);
  const lag = await lagInRun({ watermarks: tableWatermarks(table, Date.now), index, now: Date.now, graceMs });
  const { WalkLagSeconds: walk = 0, WatermarkLagSeconds: list = 0 } = lag;
  const isBehind = Math.max(walk, list) > BEHIND_SECONDS;
  return {
    is: isBehind ? 'warn' : 'ok',
    detail: `the comparison with paytech's list is ${duration(list)} behind, and the oldest check has been due for ${duration(walk)}${isBehind ? ': see the log of reconcile' : ''}`,
  };
}

/** A new stack is not behind; an old one in which reconcile has never run is. */
function notBegun({ createdAt }: Environment): Finding {
  const ageSeconds = createdAt === undefined ? 0 : (Date.now() - createdAt) / SECOND_MS;
  return ageSeconds <= BEHIND_SECONDS
    ? { is: 'ok', detail: 'the stack is new: the first run is still to come' }
    : {
        is: 'warn',
        detail: `no run has compared anything yet, and the stack is ${duration(ageSeconds)} old: see docs/runbook.md#reconcile-not-running`,
      };
}

/** What waits for a person. */
export async function decisions(environment: Environment): Promise<Finding> {
  const standing = await standingAlarms(environment);
  if (standing.length === 0) return { is: 'ok', detail: 'none is open' };
  const names = [...new Set(standing.map(({ alarm }) => alarm))].join(', ');
  return {
    is: 'warn',
    detail: `${count(standing.length, 'decision')} open (${names}): see "paytech-ops alarms"`,
  };
}
