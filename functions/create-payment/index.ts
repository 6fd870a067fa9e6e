import { randomUUID } from 'node:crypto';
import { claimedCall } from '../../shared/calls/claimed-call.ts';
import { httpHandler } from '../../shared/http/api.ts';
import { callsOfViewers, readOriginKeys } from '../../shared/http/viewer.ts';
import { openEventQueue } from '../../shared/messaging/event-queue.ts';
import { gatewayClient } from '../../shared/paytech/client.ts';
import { readApiKey } from '../../shared/paytech/keys.ts';
import { env } from '../../shared/runtime/config.ts';
import { openLogger } from '../../shared/runtime/logger.ts';
import { fetchAhead, openSecret } from '../../shared/runtime/secrets.ts';
import { readSettings } from '../../shared/runtime/settings.ts';
import { keepRateLimited, noticingRateLimit } from '../../shared/store/question-rate.ts';
import { openTable } from '../../shared/store/table.ts';
import { orderTokens, readOrderKeys } from './order-token.ts';
import { createPayment } from './pipeline.ts';
import { readerWithoutTokens, readerWithTokens } from './request.ts';

/** `POST /payments`: request, and the order token in it → claim → paytech → payment item → redirectUrl. */

const settings = readSettings('create-payment');
const logger = openLogger();
const apiKey = fetchAhead(openSecret(env('API_KEY_SECRET'), readApiKey, { logger }));

const { allowedOrigins, openAmounts } = settings;

const fromViewer = callsOfViewers(settings.cloudFront, () =>
  fetchAhead(openSecret(env('ORIGIN_KEYS_SECRET'), readOriginKeys, { logger })),
);

function readerOfOrders() {
  const keys = fetchAhead(openSecret(env('ORDER_TOKEN_SECRET'), readOrderKeys, { logger }));
  const audience = settings.eventSource;
  const readOrder = orderTokens({ keys, audience, openAmounts, now: Date.now, logger });
  return readerWithTokens(readOrder, allowedOrigins);
}

const table = { ...openTable(env('PAYMENTS_TABLE')), shards: settings.openShards };

const create = createPayment({
  requestOf:
    settings.orderTokens === 'off' ? readerWithoutTokens(allowedOrigins, openAmounts) : readerOfOrders(),
  create: claimedCall({
    table,
    // What reconcile asks must leave room for customers.
    gateway: noticingRateLimit(gatewayClient({ baseUrl: settings.paytechUrl, apiKey }), () =>
      keepRateLimited(table, Date.now()),
    ),
    queue: openEventQueue(env('WEBHOOK_QUEUE_URL')),
    now: Date.now,
    logger,
  }),
  webhookUrl: settings.webhookUrl,
  eventParameters: settings.eventParameters,
});

export const handler = httpHandler(logger, async (event, context) => {
  const call = await fromViewer(event);
  // No claim is taken without the key at hand: it would have to wait for its lease for nothing.
  await apiKey.get();
  return create(call, randomUUID(), Date.now() + context.getRemainingTimeInMillis());
});
