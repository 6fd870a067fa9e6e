import type { EventQueue } from '../../shared/messaging/event-queue.ts';
import type { Asked } from '../../shared/payment/slice.ts';
import type { Answer } from '../../shared/paytech/client.ts';
import type { Logger } from '../../shared/runtime/logger.ts';
import { isOutage, type ReadingGateway } from './circuit-breaker.ts';
import type { RunSummary } from './run-summary.ts';

/*
 * Whether a run did what it is for. Single payments may fail for good; a run has worked unless something on which it
 * depends failed as often as it was used.
 */

export interface HealthDependencies {
  gateway: ReadingGateway;
  queue: EventQueue;
  logger: Pick<Logger, 'error'>;
}

type Used = Asked | 'queue';

/** The same gateway and queue, watched for one run. */
export function watchHealth({ gateway, queue, logger }: HealthDependencies) {
  const worked = { get: 0, list: 0, queue: 0 };
  const failed = { get: 0, list: 0, queue: 0 };
  let isKeyRefused = false;

  async function ask<T>(used: Used, question: () => Promise<Answer<T>>): Promise<Answer<T>> {
    const answer = await question();
    (isOutage(answer) ? failed : worked)[used]++;
    if (isRefusalOfKey(answer) && !isKeyRefused) {
      isKeyRefused = true;
      logger.error('API key refused', { metric: 'ApiKeyRefused', status: answer.status });
    }
    return answer;
  }

  return {
    gateway: {
      get: (...args) => ask('get', () => gateway.get(...args)),
      list: (...args) => ask('list', () => gateway.list(...args)),
      operations: (...args) => ask('get', () => gateway.operations(...args)),
      listReadable: (...args) => ask('list', () => gateway.listReadable(...args)),
    } satisfies ReadingGateway,
    queue: {
      async send(...args) {
        failed.queue++;
        await queue.send(...args);
        failed.queue--;
        worked.queue++;
      },
    } satisfies EventQueue,
    /** Whether paytech has answered at all, of what it was asked. */
    answers(): { [Each in Asked]?: boolean } {
      const asked = (['get', 'list'] as const).filter((each) => worked[each] + failed[each] > 0);
      return Object.fromEntries(asked.map((each) => [each, worked[each] > 0]));
    },
    hasWorked({ checked, failed: failures }: Pick<RunSummary, 'checked' | 'failed'>): boolean {
      const isBroken = (used: Used) => failed[used] > 0 && worked[used] === 0;
      return !(isBroken('get') || isBroken('list') || isBroken('queue') || (failures > 0 && checked === 0));
    },
  };
}

/** Whether paytech refuses the API key, whatever it was asked. */
function isRefusalOfKey(answer: Answer<unknown>): answer is Answer<unknown> & { kind: 'not-accepted' } {
  return answer.kind === 'not-accepted' && (answer.status === 401 || answer.status === 403);
}
