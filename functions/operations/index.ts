import { randomUUID } from 'node:crypto';
import { act } from '../../shared/actions/act.ts';
import { releaseAction } from '../../shared/actions/release.ts';
import { claimedCall } from '../../shared/claims/claimed-call.ts';
import { resolveClaim } from '../../shared/claims/resolve.ts';
import { env } from '../../shared/config.ts';
import { httpHandler } from '../../shared/http/api.ts';
import { openLogger } from '../../shared/logger.ts';
import { gatewayClient } from '../../shared/paytech/client.ts';
import { readApiKey } from '../../shared/paytech/keys.ts';
import { openEventQueue } from '../../shared/queue/event-queue.ts';
import { readSettings } from '../../shared/runtime/settings.ts';
import { openSecret } from '../../shared/secrets.ts';
import { openTable } from '../../shared/store/table.ts';
import { actionRoute } from './actions.ts';
import { resolveRoute } from './claims.ts';
import { balances, gatewayOperations, listPayments, showPayment } from './look-ups.ts';
import { refunds } from './refunds.ts';
import { releaseRoute } from './release.ts';
import { router } from './router.ts';
import { readFingerprintKey, withdrawals } from './withdrawals.ts';

/** The back office, IAM-signed: one route each for what it may do and see. */

const settings = readSettings('operations');
const logger = openLogger();
const apiKey = openSecret(env('API_KEY_SECRET'), readApiKey, { logger });
const fingerprintKey = openSecret(env('FINGERPRINT_KEY_SECRET'), readFingerprintKey, { logger });
const table = openTable(env('PAYMENTS_TABLE'));
const gateway = gatewayClient({ baseUrl: settings.paytechUrl, apiKey });
const queue = openEventQueue(env('WEBHOOK_QUEUE_URL'));
const { webhookUrl } = settings;
const now = Date.now;

const claimed = claimedCall({ table, gateway, queue, now, logger });
const create: typeof claimed = async (call) => {
  // No claim is taken without the key at hand: it would have to wait for its lease for nothing.
  await apiKey.get();
  return claimed(call);
};
const resolve = resolveRoute({ resolve: resolveClaim({ table, gateway, queue, now, logger }) });

const perform = actionRoute({ act: act({ table, gateway, queue, ready: apiKey.get, now, logger }) });
const release = releaseRoute({ release: releaseAction({ table, gateway, queue, now }) });

const route = router({
  'POST /operations/refunds': refunds({ table, create, webhookUrl }),
  'POST /operations/withdrawals': withdrawals({ create, webhookUrl, fingerprintKey }),
  'POST /operations/claims/{kind}/{id}/resolve': resolve,
  'POST /operations/claims/{kind}/{id+}': resolve,
  'POST /operations/claims/operation/{id}/resolve': release,
  'POST /operations/payments/{id}/capture': (event, call) => perform(event, 'capture', call),
  'POST /operations/payments/{id}/void': (event, call) => perform(event, 'void', call),
  'POST /operations/payments/{id}/approve': (event, call) => perform(event, 'approve', call),
  'POST /operations/payments/{id}/reject': (event, call) => perform(event, 'reject', call),
  'GET /operations/payments': listPayments({ gateway, now }),
  'GET /operations/payments/{id}': showPayment({ table }),
  'GET /operations/payments/{id}/gateway-operations': gatewayOperations({ gateway }),
  'GET /operations/balances': balances({ gateway }),
});

export const handler = httpHandler(logger, (event, context) =>
  route(event, randomUUID(), Date.now() + context.getRemainingTimeInMillis()),
);
