import { env } from '../../shared/config.ts';
import { httpHandler } from '../../shared/http/api.ts';
import { openLogger } from '../../shared/logger.ts';
import { assertSigningKey } from '../../shared/paytech/signature.ts';
import { openEventQueue } from '../../shared/queue/event-queue.ts';
import { openSecret, readKeys } from '../../shared/secrets.ts';
import { receiveWebhook } from './pipeline.ts';

/** `POST /webhooks/paytech`: signature → webhook queue → 200. */

const logger = openLogger();

const signingKeys = openSecret(env('SIGNING_KEYS_SECRET'), (text) => {
  const keys = readKeys(text);
  keys.forEach(assertSigningKey);
  return keys;
});

export const handler = httpHandler(
  logger,
  receiveWebhook({
    signingKeys,
    queue: openEventQueue(env('WEBHOOK_QUEUE_URL')),
    now: () => new Date(),
    logger,
  }),
);
