import type { Context } from 'aws-lambda';
import { env } from '../../shared/config.ts';
import { openLogger } from '../../shared/logger.ts';
import { gatewayClient } from '../../shared/paytech/client.ts';
import { readApiKey } from '../../shared/paytech/keys.ts';
import { openEventQueue } from '../../shared/queue/event-queue.ts';
import { openSecret } from '../../shared/secrets.ts';
import { openOpenIndex } from '../../shared/store/open-index.ts';
import { openTable } from '../../shared/store/table.ts';
import { reconcile } from './pipeline.ts';
import type { Reconciled } from './tally.ts';

/** Schedule → what is open, and what changed at paytech → webhook queue. */

/** For the answer and the log. */
const MARGIN_MS = 1_000;
const HOUR_MS = 60 * 60_000;
const DAY_MS = 24 * HOUR_MS;

const logger = openLogger();

const run = reconcile({
  table: openTable(env('PAYMENTS_TABLE')),
  index: openOpenIndex(env('PAYMENTS_TABLE')),
  gateway: gatewayClient({
    baseUrl: env('PAYTECH_URL'),
    apiKey: openSecret(env('API_KEY_SECRET'), readApiKey, { logger }),
  }),
  queue: openEventQueue(env('WEBHOOK_QUEUE_URL')),
  now: Date.now,
  logger,
  concurrency: Number(env('RECONCILE_CONCURRENCY')),
  graceMs: Number(env('WEBHOOK_GRACE_SECONDS')) * 1_000,
  maxAgeMs: Number(env('SWEEP_CREATED_DAYS')) * DAY_MS,
  waitingLimits: {
    AUTHORIZED: Number(env('CAPTURE_WITHIN_HOURS')) * HOUR_MS,
    AWAITING_APPROVAL: Number(env('APPROVE_WITHIN_HOURS')) * HOUR_MS,
  },
});

export const handler = (_event: unknown, context: Context): Promise<Reconciled> => {
  logger.resetKeys();
  logger.appendKeys({ requestId: context.awsRequestId });
  return run({
    deadline: Date.now() + context.getRemainingTimeInMillis() - MARGIN_MS,
    requestId: context.awsRequestId,
  });
};
