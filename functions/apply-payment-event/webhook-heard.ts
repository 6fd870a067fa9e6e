import type { SQSRecord } from 'aws-lambda';
import type { Logger } from '../../shared/runtime/logger.ts';
import type { Table } from '../../shared/store/table.ts';
import { HEARD_EVERY_MS, keepHeard } from '../../shared/store/webhooks-heard.ts';

export interface NoteWebhooksDependencies {
  table: Table;
  logger: Pick<Logger, 'warn'>;
}

/**
 * Notes that webhooks arrive, once in a while and whatever becomes of them: whoever sends them knows the URL, and has
 * the key. Never throws.
 */
export function noteWebhooks({ table, logger }: NoteWebhooksDependencies) {
  let notedAt = Number.NEGATIVE_INFINITY;

  return async (records: readonly SQSRecord[]): Promise<void> => {
    const heardAt = Math.max(...records.map(receivedAt));
    // Without a webhook among them there is nothing to note.
    if (!Number.isFinite(heardAt) || heardAt < notedAt + HEARD_EVERY_MS) return;
    try {
      await keepHeard(table, heardAt);
      notedAt = heardAt;
    } catch (error) {
      logger.warn('webhook not noted', { reason: (error as Error).name });
    }
  };
}

/** By the receiver's clock: a message that was redriven was not heard just now. Nothing else is a webhook. */
function receivedAt({ messageAttributes: { source, receivedAt } }: SQSRecord): number {
  const at = source?.stringValue === 'webhook' ? Date.parse(receivedAt?.stringValue ?? '') : Number.NaN;
  return Number.isNaN(at) ? Number.NEGATIVE_INFINITY : at;
}
