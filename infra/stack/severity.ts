/** How urgent an alarm is: the first words of its description, so that a mail on a locked phone says it. */

export const PAGE_NOW = 'Page now.';
export const LOOK_TOMORROW = 'Look tomorrow.';

/**
 * By heading in the runbook, what gets no worse until the morning: nobody is kept from paying, nothing goes out unpaid
 * or twice meanwhile, and what waits is kept. Any other alarm is worth a night's sleep.
 */
export const CAN_WAIT = new Set([
  'api-4xx',
  'authorized-for-long',
  'awaiting-approval-for-long',
  'chargeback-open',
  'claim-flagged',
  'message-parked',
  'order-paid-twice',
  'outcome-unknown-for-long',
  'reconcile-failed',
  'refund-without-parent',
  'refunded-too-much',
  'subscriber-age',
  'subscriber-dlq',
  'subscriber-undelivered',
  'unknown-state-for-long',
  'unknown-states',
  'webhooks-dlq',
  'webhooks-missed',
  'webhooks-not-arriving',
]);

/** One call that crashed was repeated; one in a hundred that is slow has been answered. */
const OF_FUNCTIONS = /-(errors|latency)$/;

export function severityOf(entry: string): typeof PAGE_NOW | typeof LOOK_TOMORROW {
  return CAN_WAIT.has(entry) || OF_FUNCTIONS.test(entry) ? LOOK_TOMORROW : PAGE_NOW;
}
