import { env } from '../../shared/config.ts';
import { httpHandler } from '../../shared/http/api.ts';
import { openLogger } from '../../shared/logger.ts';
import { gatewayClient } from '../../shared/paytech/client.ts';
import { readApiKey } from '../../shared/paytech/keys.ts';
import { openEventQueue } from '../../shared/queue/event-queue.ts';
import { readSettings } from '../../shared/runtime/settings.ts';
import { openSecret } from '../../shared/secrets.ts';
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
