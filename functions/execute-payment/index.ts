import { randomUUID } from 'node:crypto';
import { act } from '../../shared/calls/act.ts';
import { httpHandler } from '../../shared/http/api.ts';
import { callsOfViewers, readOriginKeys } from '../../shared/http/viewer.ts';
import { openEventQueue } from '../../shared/messaging/event-queue.ts';
import { gatewayClient } from '../../shared/paytech/client.ts';
import { readApiKey } from '../../shared/paytech/keys.ts';
import { env } from '../../shared/runtime/config.ts';
import { openLogger } from '../../shared/runtime/logger.ts';
import { fetchAhead, openSecret } from '../../shared/runtime/secrets.ts';
import { readSettings } from '../../shared/runtime/settings.ts';
import { openTable } from '../../shared/store/table.ts';
import { executePayment } from './pipeline.ts';

/** `PATCH /payments/{id}`: request → operation → paytech → webhook queue → public view. */

const settings = readSettings('execute-payment');
const logger = openLogger();
const apiKey = fetchAhead(openSecret(env('API_KEY_SECRET'), readApiKey, { logger }));

const fromViewer = callsOfViewers(settings.cloudFront, () =>
  fetchAhead(openSecret(env('ORIGIN_KEYS_SECRET'), readOriginKeys, { logger })),
);

const execute = executePayment({
  act: act({
    table: { ...openTable(env('PAYMENTS_TABLE')), shards: settings.openShards },
    gateway: gatewayClient({ baseUrl: settings.paytechUrl, apiKey }),
    queue: openEventQueue(env('WEBHOOK_QUEUE_URL')),
    ready: apiKey.get,
    now: Date.now,
    logger,
  }),
});

export const handler = httpHandler(logger, async (event, context) =>
  execute(await fromViewer(event), randomUUID(), Date.now() + context.getRemainingTimeInMillis()),
);
