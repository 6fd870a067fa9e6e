import { httpHandler } from '../../shared/http/api.ts';
import { openEventQueue } from '../../shared/messaging/event-queue.ts';
import { gatewayClient } from '../../shared/paytech/client.ts';
import { readApiKey } from '../../shared/paytech/keys.ts';
import { env } from '../../shared/runtime/config.ts';
import { openLogger } from '../../shared/runtime/logger.ts';
import { openSecret } from '../../shared/runtime/secrets.ts';
import { readSettings } from '../../shared/runtime/settings.ts';
import { readPayment } from '../../shared/store/payments.ts';
import { openTable } from '../../shared/store/table.ts';
import { getPayment } from './pipeline.ts';
import { refresh } from './refresh.ts';

/** `GET /payments/{id}`: id → record, and paytech where it is due → public view. */

const settings = readSettings('get-payment');
const logger = openLogger();
const table = openTable(env('PAYMENTS_TABLE'));
const apiKey = openSecret(env('API_KEY_SECRET'), readApiKey, { logger });

export const handler = httpHandler(
  logger,
  getPayment({
    readPayment: (id) => readPayment(table, id),
    refresh: refresh({
      table,
      gateway: gatewayClient({ baseUrl: settings.paytechUrl, apiKey }),
      queue: openEventQueue(env('WEBHOOK_QUEUE_URL')),
      now: Date.now,
      logger,
    }),
  }),
);
