import type { Context, SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { openDeadLetterQueue } from '../../shared/messaging/event-queue.ts';
import { openPublisher } from '../../shared/messaging/publisher.ts';
import { gatewayClient } from '../../shared/paytech/client.ts';
import { readApiKey } from '../../shared/paytech/keys.ts';
import { env } from '../../shared/runtime/config.ts';
import { openLogger } from '../../shared/runtime/logger.ts';
import { openSecret } from '../../shared/runtime/secrets.ts';
import { readSettings } from '../../shared/runtime/settings.ts';
import { logIfSlow } from '../../shared/runtime/slow.ts';
import { DAY_MS, MINUTE_MS, SECOND_MS } from '../../shared/runtime/time.ts';
import { openTable } from '../../shared/store/table.ts';
import { applyBatch } from './batch.ts';
import { applyEvent } from './pipeline.ts';
import { noteWebhooks } from './webhook-heard.ts';

/** Webhook queue → one conditional write per event → payment events. */

/** Reconcile's sweep, which begins after the grace, confirms nearly all without a question of their own. */
const CONFIRM_AFTER_MS = 5 * MINUTE_MS;
const SWEPT_WITHIN_MS = 3 * MINUTE_MS;

const settings = readSettings('apply-payment-event');
const logger = openLogger();
const apiKey = openSecret(env('API_KEY_SECRET'), readApiKey, { logger });

const table = { ...openTable(env('PAYMENTS_TABLE')), shards: settings.openShards };
const note = noteWebhooks({ table, logger });

const { paymentRetentionDays: retentionDays, webhookGraceSeconds } = settings;
const confirmAfterMs = Math.max(CONFIRM_AFTER_MS, webhookGraceSeconds * SECOND_MS + SWEPT_WITHIN_MS);
const apply = applyBatch({
  apply: applyEvent({
    table,
    gateway: gatewayClient({ baseUrl: settings.paytechUrl, apiKey }),
    eventSource: settings.eventSource,
    policy: {
      ...(settings.confirmWebhooks && { confirmAfterMs }),
      ...(retentionDays !== null && { retentionMs: retentionDays * DAY_MS }),
    },
    now: Date.now,
    logger,
  }),
  publisher: openPublisher(env('PAYMENT_EVENTS_TOPIC_ARN')),
  deadLetters: openDeadLetterQueue(env('WEBHOOK_DLQ_URL')),
  logger,
  // Absent for a moment during the deployment that brings it.
  ownSenders: process.env.OWN_SENDERS?.split(',') ?? [],
});

/** For all attempts at publishing a batch, and the answer to Lambda (shared/runtime/aws-limits.ts). */
const PUBLISH_MS = 8_000;

export const handler = (event: SQSEvent, context: Context): Promise<SQSBatchResponse> =>
  logIfSlow(logger, async () => {
    const giveUp = AbortSignal.timeout(Math.max(0, context.getRemainingTimeInMillis() - PUBLISH_MS));
    const response = await apply(event.Records, giveUp);
    await note(event.Records);
    return response;
  });
