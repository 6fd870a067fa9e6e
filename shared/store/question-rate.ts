import { halved, type RateLimited } from '../payment/question-rate.ts';
import type { Answer } from '../paytech/client.ts';
import { assign, type Fragment } from './expressions.ts';
import type { Table } from './table.ts';

/*
 * What paytech's answers 429 have left of the rate at which reconcile asks it: one item, which whoever was answered so
 * writes, and each worker reads (shared/payment/question-rate.ts).
 */

/** As the index of what is open has it, an item of the service itself. */
export const QUESTION_RATE = 'questions#rate';

export async function readRateLimited(table: Pick<Table, 'get'>): Promise<RateLimited | undefined> {
  return (await table.get(QUESTION_RATE)) as RateLimited | undefined;
}

/** Notes that paytech has answered 429. */
export async function keepRateLimited(table: Table, now: number): Promise<void> {
  const limited = await readRateLimited(table);
  const next = halved(limited, now);
  if (!next) return;
  const isAsRead: Fragment = limited
    ? { text: 'limitedAt = :read', values: { ':read': limited.limitedAt } }
    : 'attribute_not_exists(limitedAt)';
  await table.update(QUESTION_RATE, { SET: assign({ ...next }), condition: [isAsRead] });
}

type Asking = Record<string, (...args: never[]) => Promise<Answer<unknown>>>;

/** The same gateway; `note` hears of each answer 429 before whoever asked does, and fails nobody's question. */
export function noticingRateLimit<Gateway extends object>(
  gateway: Gateway,
  note: () => Promise<void>,
): Gateway {
  const asking = Object.entries(gateway as Asking).map(([name, ask]): [string, Asking[string]] => [
    name,
    async (...args) => {
      const answer = await ask(...args);
      if (answer.kind === 'not-accepted' && answer.status === 429) await note().catch(() => {});
      return answer;
    },
  ]);
  return Object.fromEntries(asking) as Gateway;
}
