import { randomUUID } from 'node:crypto';
import { Logger } from '@aws-lambda-powertools/logger';
import { claimedCall } from '../../shared/claims/claimed-call.ts';
import { env, envList } from '../../shared/config.ts';
import { httpHandler } from '../../shared/http/api.ts';
import { gatewayClient } from '../../shared/paytech/client.ts';
import { openEventQueue } from '../../shared/queue/event-queue.ts';
import { openSecret, readKey } from '../../shared/secrets.ts';
import { openTable } from '../../shared/store/table.ts';
import { createPayment } from './pipeline.ts';

/** `POST /payments`: request → claim → paytech → payment item → redirectUrl. */

const logger = new Logger();
const apiKey = openSecret(env('API_KEY_SECRET'), readKey);

const create = createPayment({
  create: claimedCall({
    table: openTable(env('PAYMENTS_TABLE')),
    gateway: gatewayClient({ baseUrl: env('PAYTECH_URL'), apiKey }),
    queue: openEventQueue(env('WEBHOOK_QUEUE_URL')),
    now: Date.now,
    logger,
  }),
  webhookUrl: env('WEBHOOK_URL'),
  allowedOrigins: envList('ALLOWED_ORIGINS'),
});

export const handler = httpHandler(logger, async (event, context) => {
  // No claim is taken without the key at hand: it would have to wait for its lease for nothing.
  await apiKey.get();
  return create(event, randomUUID(), Date.now() + context.getRemainingTimeInMillis());
});
