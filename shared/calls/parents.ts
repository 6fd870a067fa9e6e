import type { GatewayClient } from '../paytech/client.ts';
import { ASK_LIMIT_MS } from '../paytech/time-limits.ts';
import type { GatewayPayment } from '../paytech/wire.ts';

/*
 * Where a provider fails, paytech may try another, in a payment whose parent is the first: of a refund too, whose
 * parent is the deposit otherwise.
 */

/** How many parents are followed. A payment that was tried more often is nobody's. */
export const MAX_PARENTS = 5;

/**
 * A parent that is not recorded here, as paytech shows it. Undefined where paytech will not show it, however often it
 * is asked; throws where it could not be asked.
 */
export async function parentAtPaytech(
  gateway: Pick<GatewayClient, 'get'>,
  id: string,
  limitMs = ASK_LIMIT_MS,
): Promise<GatewayPayment | undefined> {
  const answer = await gateway.get(id, limitMs);
  switch (answer.kind) {
    case 'answered':
      return answer.result;
    case 'refused':
      return undefined;
    case 'not-accepted':
      // A wrong key or too many calls say nothing about the payment.
      if (answer.status === 404 || answer.status === 403) return undefined;
      break;
    case 'unknown':
      if (answer.unreadable) return undefined;
      break;
    case 'not-sent':
      break;
    default:
      return answer satisfies never;
  }
  throw new Error(`paytech could not be asked about payment ${id}, the parent of another: ${answer.kind}`);
}
