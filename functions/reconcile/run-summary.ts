/** What one run found and did. */
export interface RunSummary {
  /** Payments and claims that were compared with paytech. */
  checked: number;
  /** Of the recorded payments: those whose record did not have what paytech said, which is on the queue now. */
  changed: number;
  /** Of those: states that paytech announces by webhook, and whose webhook had its time to come. */
  missedByWebhook: number;
  /** Payments that paytech has and that were not recorded here; they are on the queue now. */
  unknownToUs: number;
  /** Payments that have come to an end at paytech, and are left to their webhooks until these have had their time. */
  left: number;
  /** What was due and is still open: payments that are not final, and claims whose outcome is not known. */
  unresolved: number;
  /** Of those: payments that have waited for the merchant for too long, to be captured or approved. */
  overdue: number;
  /** Payments that are AUTHORIZED or COMPLETED on a webhook's word, of which paytech does not say so. */
  notConfirmed: number;
  /** Claims that need a person. They come up at growing intervals, so that a run may see none of those there are. */
  flagged: number;
  /** Entries of paytech's list that cannot be read, and with them cannot be compared. */
  unreadable: number;
  /** What could not be asked, read or sent. It stays due. */
  failed: number;
  /** How far the comparison with paytech's list is behind what is to be compared, in seconds. */
  behindSeconds: number;
  /** Nothing was due and paytech's list was empty: the run says nothing about how well webhooks arrive. */
  nothingToCheck: boolean;
  /** Why something that was due is left for the next run. */
  stopped?: 'gateway' | 'time';
}

/** The same while a run counts it: `checked` holds keys, since both ways of looking come upon the same payments. */
export type RunCounts = Omit<RunSummary, 'checked' | 'nothingToCheck'> & { checked: Set<string> };

export function noCounts(): RunCounts {
  return {
    checked: new Set(),
    changed: 0,
    missedByWebhook: 0,
    unknownToUs: 0,
    left: 0,
    unresolved: 0,
    overdue: 0,
    notConfirmed: 0,
    flagged: 0,
    unreadable: 0,
    failed: 0,
    behindSeconds: 0,
  };
}

export function summaryOf(counts: RunCounts): RunSummary {
  const { unreadable, failed, stopped } = counts;
  const checked = counts.checked.size;
  const nothingToCheck = checked + unreadable + failed === 0 && stopped === undefined;
  return { ...counts, checked, nothingToCheck };
}
