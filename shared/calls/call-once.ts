import { CALL_LIMIT_MS, LEASE_NEEDED_TO_CALL_MS } from '../payment/claim.ts';
import type { Answer, FieldError } from '../paytech/client.ts';
import type { Logger } from '../runtime/logger.ts';

/** How a call that moves money ended, by what may be done next. */
export type Called<T> =
  /** paytech did it. */
  | { is: 'done'; result: T }
  /** paytech may have done it: it is never called again. */
  | { is: 'unknown'; reason: string; limited?: true }
  /** Nothing was done, and the same request will not be. */
  | { is: 'rejected'; message: string; errors: FieldError[] }
  /** Nothing was done, and the same request may be sent again. */
  | { is: 'unavailable'; status?: number };

/**
 * Calls paytech for what must not happen twice: only while there is time to end, and giving back what the call was
 * given where paytech certainly did nothing. `until` is when lease and process end, in epoch milliseconds. A 429 says
 * that the call was not taken; where only paytech could say otherwise, `isSure` is false and it is looked up.
 */
export async function callOnce<T>(
  { now, logger }: { now: () => number; logger: Pick<Logger, 'warn' | 'error'> },
  {
    until,
    call,
    giveBack,
    about,
    isSure = true,
  }: {
    until: number;
    call: (limitMs: number) => Promise<Answer<T>>;
    /** `status`: of the answer by which paytech refused to take the call. */
    giveBack: (status?: number) => Promise<unknown>;
    about: Record<string, unknown>;
    isSure?: boolean;
  },
): Promise<Called<T>> {
  if (now() + LEASE_NEEDED_TO_CALL_MS > until) {
    await giveBack();
    return { is: 'unavailable' };
  }
  const answer = await call(CALL_LIMIT_MS);
  switch (answer.kind) {
    case 'answered':
      return { is: 'done', result: answer.result };
    case 'refused':
      await giveBack();
      return { is: 'rejected', message: answer.message, errors: answer.errors };
    case 'not-accepted': {
      const { status } = answer;
      const metric = status === 401 || status === 403 ? 'ApiKeyRefused' : 'GatewayNotAccepted';
      logger.error('gateway did not accept the call', { metric, status });
      if (status === 429 && !isSure) return { is: 'unknown', reason: 'HTTP 429', limited: true };
      await giveBack(status);
      return { is: 'unavailable', status };
    }
    case 'not-sent':
      logger.error('gateway not reached', { metric: 'GatewayNotReached', reason: answer.reason });
      await giveBack();
      return { is: 'unavailable' };
    case 'unknown':
      logger.warn('outcome unknown', { metric: 'OutcomeUnknown', ...about, reason: answer.reason });
      return { is: 'unknown', reason: answer.reason };
    default:
      return answer satisfies never;
  }
}
