import { assign, type Fragment } from './expressions.ts';
import type { Table } from './table.ts';

/*
 * When a webhook was last heard, and how many payments have come to an end since. A shop that is paid once an hour
 * notices by it within hours that none arrive.
 */

/** Times in epoch milliseconds. */
export interface WebhooksHeard {
  /** When the last one was received whose signature was right; 0: never. Known to within {@link HEARD_EVERY_MS}. */
  heardAt: number;
  /** Payments that have ended since without one. */
  ended: number;
  /** Up to when ends have been counted. */
  endedUpTo: number;
  /** The `heardAt` since which they were counted. */
  countedFrom: number;
}

/** A process of apply-payment-event notes one webhook in so many milliseconds. */
export const HEARD_EVERY_MS = 5 * 60_000;

/** As the index of what is open has it, an item of the service itself. */
export const WEBHOOKS_HEARD = 'webhooks#heard';

export async function readWebhooksHeard(table: Table): Promise<WebhooksHeard | undefined> {
  const item = await table.get(WEBHOOKS_HEARD);
  if (!item) return undefined;
  const { heardAt = 0, ended = 0, endedUpTo = 0, countedFrom = 0 } = item as Partial<WebhooksHeard>;
  return { heardAt, ended, endedUpTo, countedFrom };
}

/** Notes a webhook that was received at `heardAt`, unless a later one is noted. */
export async function keepHeard(table: Table, heardAt: number): Promise<void> {
  const isLater: Fragment = {
    text: '(attribute_not_exists(heardAt) OR heardAt < :heardAt)',
    values: { ':heardAt': heardAt },
  };
  await table.update(WEBHOOKS_HEARD, { SET: assign({ heardAt }), condition: [isLater] });
}

/** Keeps what was counted, unless a webhook has been heard meanwhile, which begins the count anew. */
export async function keepEnds(table: Table, { heardAt, ...counted }: WebhooksHeard): Promise<void> {
  const isAsRead: Fragment =
    heardAt === 0
      ? 'attribute_not_exists(heardAt)'
      : { text: 'heardAt = :heardAt', values: { ':heardAt': heardAt } };
  await table.update(WEBHOOKS_HEARD, { SET: assign(counted), condition: [isAsRead] });
}
