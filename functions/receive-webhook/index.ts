import { httpHandler } from '../../shared/http/api.ts';
import { openEventQueue } from '../../shared/messaging/event-queue.ts';
import { readSigningKeys } from '../../shared/paytech/keys.ts';
import { env } from '../../shared/runtime/config.ts';
import { openLogger } from '../../shared/runtime/logger.ts';
import { fetchAhead, openSecret } from '../../shared/runtime/secrets.ts';
import { receiveWebhook } from './pipeline.ts';

/** `POST /webhooks/paytech`: signature → webhook queue → 200. */

const logger = openLogger();

const signingKeys = fetchAhead(openSecret(env('SIGNING_KEYS_SECRET'), readSigningKeys, { logger }));

export const handler = httpHandler(
  logger,
  receiveWebhook({
    signingKeys,
    queue: openEventQueue(env('WEBHOOK_QUEUE_URL')),
    now: () => new Date(),
    logger,
  }),
);
