import type { Context } from 'aws-lambda';
import { openEventQueue } from '../../shared/messaging/event-queue.ts';
import { gatewayClient } from '../../shared/paytech/client.ts';
import { readApiKey } from '../../shared/paytech/keys.ts';
import { env } from '../../shared/runtime/config.ts';
import { openLogger } from '../../shared/runtime/logger.ts';
import { openSecret } from '../../shared/runtime/secrets.ts';
import { readSettings } from '../../shared/runtime/settings.ts';
import { SECOND_MS } from '../../shared/runtime/time.ts';
import { openBatchTable } from '../../shared/store/batch-table.ts';
import { openOpenIndex } from '../../shared/store/open-index.ts';
import { reconcile } from './pipeline.ts';
import type { RunSummary } from './run-summary.ts';
import { timesOf } from './times.ts';

/** Schedule → what is open, and what changed at paytech → webhook queue. */

/** For the answer and the log. */
const MARGIN_MS = SECOND_MS;

const settings = readSettings('reconcile');
const logger = openLogger();

const run = reconcile({
  table: openBatchTable(env('PAYMENTS_TABLE')),
  index: openOpenIndex(env('PAYMENTS_TABLE')),
  gateway: gatewayClient({
    baseUrl: settings.paytechUrl,
    apiKey: openSecret(env('API_KEY_SECRET'), readApiKey, { logger }),
  }),
  queue: openEventQueue(env('WEBHOOK_QUEUE_URL')),
  now: Date.now,
  logger,
  concurrency: settings.reconcileConcurrency,
  ...timesOf(settings),
});

export const handler = (_event: unknown, context: Context): Promise<RunSummary> => {
  logger.resetKeys();
  logger.appendKeys({ requestId: context.awsRequestId });
  return run({
    deadline: Date.now() + context.getRemainingTimeInMillis() - MARGIN_MS,
    requestId: context.awsRequestId,
  });
};
