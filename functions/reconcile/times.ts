import type { PlainSettings } from '../../shared/runtime/settings.ts';
import { DAY_MS, HOUR_MS, SECOND_MS } from '../../shared/runtime/time.ts';
import type { ReconcileContext } from './pipeline.ts';

type Named = 'webhookGraceSeconds' | 'sweepCreatedDays' | 'captureWithinHours' | 'approveWithinHours';

/** The settings of a run that are lengths of time, in the milliseconds that it counts in. */
export function timesOf(
  settings: Pick<PlainSettings, Named>,
): Pick<ReconcileContext, 'graceMs' | 'maxAgeMs' | 'overdueLimits'> {
  return {
    graceMs: settings.webhookGraceSeconds * SECOND_MS,
    maxAgeMs: settings.sweepCreatedDays * DAY_MS,
    overdueLimits: {
      AUTHORIZED: settings.captureWithinHours * HOUR_MS,
      AWAITING_APPROVAL: settings.approveWithinHours * HOUR_MS,
    },
  };
}
