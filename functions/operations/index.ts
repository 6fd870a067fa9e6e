import { randomUUID } from 'node:crypto';
import { acknowledgeAlarm } from '../../shared/calls/acknowledge.ts';
import { act } from '../../shared/calls/act.ts';
import { chargeBack } from '../../shared/calls/charge-back.ts';
import { claimedCall } from '../../shared/calls/claimed-call.ts';
import { releaseAction } from '../../shared/calls/release.ts';
import { resolveClaim } from '../../shared/calls/resolve.ts';
import { httpHandler } from '../../shared/http/api.ts';
import { openEventQueue } from '../../shared/messaging/event-queue.ts';
import { gatewayClient } from '../../shared/paytech/client.ts';
import { readApiKey } from '../../shared/paytech/keys.ts';
import { env } from '../../shared/runtime/config.ts';
import { openLogger } from '../../shared/runtime/logger.ts';
import { openSecret } from '../../shared/runtime/secrets.ts';
import { readSettings } from '../../shared/runtime/settings.ts';
import { DAY_MS } from '../../shared/runtime/time.ts';
import { openTable } from '../../shared/store/table.ts';
import { operations } from './pipeline.ts';
import { readFingerprintKey } from './withdrawals.ts';

/** The back office, IAM-signed: one route each for what it may do and see (routes.ts). */

const settings = readSettings('operations');
const { paymentRetentionDays } = settings;
const logger = openLogger();
const apiKey = openSecret(env('API_KEY_SECRET'), readApiKey, { logger });
const fingerprintKey = openSecret(env('FINGERPRINT_KEY_SECRET'), readFingerprintKey, { logger });
const table = { ...openTable(env('PAYMENTS_TABLE')), shards: settings.openShards };
const gateway = gatewayClient({ baseUrl: settings.paytechUrl, apiKey });
const queue = openEventQueue(env('WEBHOOK_QUEUE_URL'));
const now = Date.now;

const claimed = claimedCall({ table, gateway, queue, now, logger });
const create: typeof claimed = async (call) => {
  // No claim is taken without the key at hand: it would have to wait for its lease for nothing.
  await apiKey.get();
  return claimed(call);
};

const route = operations({
  table,
  gateway,
  queue,
  now,
  create,
  webhookUrl: settings.webhookUrl,
  eventParameters: settings.eventParameters,
  ...(paymentRetentionDays === null ? {} : { retentionMs: paymentRetentionDays * DAY_MS }),
  fingerprintKey,
  chargeBack: chargeBack({ table, gateway, queue, ready: apiKey.get, now, logger }),
  act: act({ table, gateway, queue, ready: apiKey.get, now, logger }),
  resolve: resolveClaim({ table, gateway, queue, now, logger }),
  release: releaseAction({ table, gateway, queue, now }),
  acknowledge: acknowledgeAlarm({ table, logger, now }),
});

export const handler = httpHandler(logger, (event, context) =>
  route(event, randomUUID(), Date.now() + context.getRemainingTimeInMillis()),
);
