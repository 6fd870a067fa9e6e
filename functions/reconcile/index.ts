import { setTimeout as sleep } from 'node:timers/promises';
import type { Context } from 'aws-lambda';
import { openEventQueue, openQueueDepth } from '../../shared/messaging/event-queue.ts';
import { gatewayClient } from '../../shared/paytech/client.ts';
import { readApiKey } from '../../shared/paytech/keys.ts';
import { env } from '../../shared/runtime/config.ts';
import { openLogger } from '../../shared/runtime/logger.ts';
import { openSecret } from '../../shared/runtime/secrets.ts';
import { readSettings } from '../../shared/runtime/settings.ts';
import { selfStarter } from '../../shared/runtime/start-function.ts';
import { SECOND_MS } from '../../shared/runtime/time.ts';
import { openBatchTable } from '../../shared/store/batch-table.ts';
import { openOpenIndex } from '../../shared/store/open-index.ts';
import { isWorkerEvent } from './part.ts';
import { type ReconcileContext, reconcile, reconcilePart } from './pipeline.ts';
import type { RunSummary } from './run-summary.ts';
import { timesOf } from './times.ts';

/**
 * Schedule → what is open, and what changed at paytech → webhook queue. Where that is much, the scheduled run starts this
 * function once more for each part of it: workers, which start nobody.
 */

/** For the answer and the log. */
const MARGIN_MS = SECOND_MS;

const settings = readSettings('reconcile');
const logger = openLogger();

const context: ReconcileContext = {
  table: { ...openBatchTable(env('PAYMENTS_TABLE')), shards: settings.openShards },
  index: { ...openOpenIndex(env('PAYMENTS_TABLE')), shards: settings.openShards },
  gateway: gatewayClient({
    baseUrl: settings.paytechUrl,
    apiKey: openSecret(env('API_KEY_SECRET'), readApiKey, { logger }),
  }),
  queue: openEventQueue(env('WEBHOOK_QUEUE_URL')),
  queueDepth: openQueueDepth(env('WEBHOOK_QUEUE_URL')),
  now: Date.now,
  logger,
  concurrency: settings.reconcileConcurrency,
  questionsPerSecond: settings.reconcileQuestionsPerSecond,
  sleep,
  isContinuous: true,
  workers: { most: settings.reconcileWorkers, start: selfStarter() },
  ...timesOf(settings),
};
const run = reconcile(context);
const work = reconcilePart(context);

export const handler = (event: unknown, invocation: Context): Promise<RunSummary> => {
  const requestId = invocation.awsRequestId;
  logger.resetKeys();
  logger.appendKeys({ requestId });
  const deadline = Date.now() + invocation.getRemainingTimeInMillis() - MARGIN_MS;
  if (!isWorkerEvent(event)) return run({ deadline, requestId });
  const { deadline: ofTheRun, ...part } = event.worker;
  return work(part, { deadline: Math.min(deadline, ofTheRun), requestId });
};
