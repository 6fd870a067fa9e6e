import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { env } from '../../shared/config.ts';
import { openLogger } from '../../shared/logger.ts';
import { gatewayClient } from '../../shared/paytech/client.ts';
import { readApiKey } from '../../shared/paytech/keys.ts';
import { openDeadLetterQueue } from '../../shared/queue/event-queue.ts';
import { openPublisher } from '../../shared/queue/publisher.ts';
import { openSecret } from '../../shared/secrets.ts';
import { openTable } from '../../shared/store/table.ts';
import { applyBatch } from './batch.ts';
import { applyEvent } from './pipeline.ts';

/** Webhook queue → one conditional write per event → payment events. */

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/** Reconcile's sweep confirms nearly all without a question of their own, if it gets the time to. */
const CONFIRM_AFTER_MS = 5 * MINUTE_MS;

const logger = openLogger();
const apiKey = openSecret(env('API_KEY_SECRET'), readApiKey, { logger });

/** Absent: payments are kept for good. */
const retentionDays = process.env.PAYMENT_RETENTION_DAYS;

const apply = applyBatch({
  apply: applyEvent({
    table: openTable(env('PAYMENTS_TABLE')),
    gateway: gatewayClient({ baseUrl: env('PAYTECH_URL'), apiKey }),
    eventSource: env('EVENT_SOURCE'),
    policy: {
      ...(env('CONFIRM_WEBHOOKS') === 'on' && { confirmAfterMs: CONFIRM_AFTER_MS }),
      ...(retentionDays !== undefined && { retentionMs: Number(retentionDays) * DAY_MS }),
    },
    now: Date.now,
    logger,
  }),
  publisher: openPublisher(env('PAYMENT_EVENTS_TOPIC_ARN')),
  deadLetters: openDeadLetterQueue(env('WEBHOOK_DLQ_URL')),
  logger,
});

export const handler = (event: SQSEvent): Promise<SQSBatchResponse> => apply(event.Records);
