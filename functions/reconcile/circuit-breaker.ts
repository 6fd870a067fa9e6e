import type { Asked } from '../../shared/payment/slice.ts';
import type { Answer, GatewayClient } from '../../shared/paytech/client.ts';
import type { Logger } from '../../shared/runtime/logger.ts';

/** What reconcile asks of paytech: it reads, and nothing else. */
export type ReadingGateway = Pick<GatewayClient, 'get' | 'list' | 'listReadable' | 'operations'>;

/** So many failures in a row, and paytech is left alone until the next run. */
const OPENS_AFTER = 5;

/**
 * A gateway that is not asked any more in this run once it has failed several times in a row; for one payment and for
 * the list each by itself, since either may work without the other.
 */
export function withCircuitBreaker(
  gateway: ReadingGateway,
  logger: Pick<Logger, 'error'>,
): {
  gateway: ReadingGateway;
  isOpen: (asked: Asked) => boolean;
  /** Once the list has failed for the first time. */
  listFailed: Promise<void>;
} {
  const failures = { get: 0, list: 0 };
  const { promise: listFailed, resolve: noteListFailed } = Promise.withResolvers<void>();
  const isOpen = (asked: Asked) => failures[asked] >= OPENS_AFTER;

  async function ask<T>(asked: Asked, question: () => Promise<Answer<T>>): Promise<Answer<T>> {
    if (isOpen(asked)) return { kind: 'unknown', reason: 'left alone for the rest of this run' };
    const answer = await question();
    // Questions that were under way when it opened neither close it nor are counted.
    if (isOpen(asked)) return answer;
    failures[asked] = isOutage(answer) ? failures[asked] + 1 : 0;
    if (failures.list > 0) noteListFailed();
    if (isOpen(asked)) {
      logger.error('gateway left alone', { metric: 'ReconcileGaveUp', asked, ...reasonOf(answer) });
    }
    return answer;
  }

  return {
    isOpen,
    listFailed,
    gateway: {
      get: (...args) => ask('get', () => gateway.get(...args)),
      list: (...args) => ask('list', () => gateway.list(...args)),
      operations: (...args) => ask('get', () => gateway.operations(...args)),
      listReadable: (...args) => ask('list', () => gateway.listReadable(...args)),
    },
  };
}

/** Whether an answer says something of paytech or our key, rather than of the payment that was asked about. */
export function isOutage(answer: Answer<unknown>): boolean {
  switch (answer.kind) {
    case 'answered':
    case 'refused':
      return false;
    case 'not-accepted':
      return !isNotKnown(answer);
    case 'not-sent':
      return true;
    case 'unknown':
      return !answer.unreadable;
    default:
      return answer satisfies never;
  }
}

/** Whether paytech says that there is no such payment. */
export function isNotKnown(answer: Answer<unknown>): boolean {
  return answer.kind === 'not-accepted' && answer.status === 404;
}

/** What of an answer that did not help goes into the log. */
export function reasonOf(answer: Answer<unknown>): { status?: number; reason?: string } {
  if (answer.kind === 'not-accepted') return { status: answer.status };
  return answer.kind === 'unknown' || answer.kind === 'not-sent' ? { reason: answer.reason } : {};
}
