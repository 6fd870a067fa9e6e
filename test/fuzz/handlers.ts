/** Every route of the API, handler and pipeline, on a world without a network in front, with all that it changes counted. */

import { vi } from 'vitest';
import { orderTokens, readOrderKeys } from '../../functions/create-payment/order-token.ts';
import { createPayment } from '../../functions/create-payment/pipeline.ts';
import { readerWithoutTokens, readerWithTokens } from '../../functions/create-payment/request.ts';
import { executePayment } from '../../functions/execute-payment/pipeline.ts';
import { getPayment } from '../../functions/get-payment/pipeline.ts';
import { refresh } from '../../functions/get-payment/refresh.ts';
import { operations } from '../../functions/operations/pipeline.ts';
import { receiveWebhook } from '../../functions/receive-webhook/pipeline.ts';
import { LOCAL_KEYS } from '../../infra/local/account.ts';
import { acknowledgeAlarm } from '../../shared/calls/acknowledge.ts';
import { act } from '../../shared/calls/act.ts';
import { chargeBack } from '../../shared/calls/charge-back.ts';
import { claimedCall } from '../../shared/calls/claimed-call.ts';
import { releaseAction } from '../../shared/calls/release.ts';
import { resolveClaim } from '../../shared/calls/resolve.ts';
import { httpHandler } from '../../shared/http/api.ts';
import type { QueuedEvent } from '../../shared/messaging/event-queue.ts';
import type { ListQuery } from '../../shared/paytech/client.ts';
import { openLogger } from '../../shared/runtime/logger.ts';
import { readPayment } from '../../shared/store/payments.ts';
import type { Table } from '../../shared/store/table.ts';
import type { World } from '../support/world.ts';

export const ALLOWED_ORIGIN = 'https://shop.example';
const WEBHOOK_URL = 'https://shop.example/webhooks/paytech';

/** What the handlers find outside, with a count of what they change there. */
function watchedOutside(world: World) {
  vi.stubEnv('STACK_NAME', 'fuzz');
  const logger = openLogger();
  const queued: QueuedEvent[] = [];
  const changes = { table: 0, queue: 0 };
  const { now } = world;
  const table: Table = {
    get: world.table.get,
    put: async (...args) => counted(await world.table.put(...args)),
    update: async (...args) => counted(await world.table.update(...args)),
  };
  function counted<Result extends { written: boolean }>(result: Result): Result {
    if (result.written) changes.table++;
    return result;
  }
  const queue = {
    send: async (event: QueuedEvent) => {
      changes.queue++;
      queued.push(event);
    },
  };
  const gateway = {
    ...world.gateway,
    list: async (query: ListQuery) => world.gateway.listReadable({ limit: 5, ...query }, 0),
    balances: async () => ({ kind: 'answered' as const, result: { balances: [] } }),
    subscription: async () => ({ kind: 'answered' as const, result: { state: 'CANCELLED' } }),
    cancelSubscription: async () => ({ kind: 'answered' as const, result: {} }),
    cards: async () => ({ kind: 'answered' as const, result: { cards: [] } }),
    availableWithdrawalBalances: async () => ({ kind: 'answered' as const, result: { balances: [] } }),
  };

  return { outside: { table, gateway, queue, now, logger }, queued, changes };
}

const kept = <Value>(value: Value) => ({ get: async () => value, refreshed: async () => undefined });

function routesOf(outside: ReturnType<typeof watchedOutside>['outside']) {
  const { table, gateway, queue, now, logger } = outside;
  const ready = async () => 'key';
  const create = claimedCall({ table, gateway, queue, now, logger });
  const acting = act({ table, gateway, queue, ready, now, logger });

  const readOrder = orderTokens({
    keys: kept(readOrderKeys(LOCAL_KEYS.orderTokenKey)),
    audience: 'urn:paytech-payments:fuzz',
    openAmounts: true,
    now: Date.now,
    logger,
  });
  const storefront = (withTokens: boolean) =>
    createPayment({
      requestOf: withTokens
        ? readerWithTokens(readOrder, [ALLOWED_ORIGIN])
        : readerWithoutTokens([ALLOWED_ORIGIN], true),
      create,
      webhookUrl: WEBHOOK_URL,
      eventParameters: ['shop'],
    });
  const backOffice = operations({
    table,
    gateway,
    queue,
    now,
    create,
    webhookUrl: WEBHOOK_URL,
    eventParameters: ['shop'],
    fingerprintKey: kept(LOCAL_KEYS.fingerprintKey),
    chargeBack: chargeBack({ table, gateway, queue, ready, now, logger }),
    act: acting,
    resolve: resolveClaim({ table, gateway, queue, now, logger }),
    release: releaseAction({ table, gateway, queue, now }),
    acknowledge: acknowledgeAlarm({ table, logger, now }),
  });

  return { acting, withoutToken: storefront(false), withToken: storefront(true), backOffice };
}

export function handlersOn(world: World) {
  const { outside, queued, changes } = watchedOutside(world);
  const { table, gateway, queue, now, logger } = outside;
  const { acting, withoutToken, withToken, backOffice } = routesOf(outside);
  const deadline = () => now() + 14_000;
  let owners = 0;
  const owner = () => `owner-${++owners}`;

  const execute = executePayment({ act: acting });
  const ofBackOffice = httpHandler(logger, (event) => backOffice(event, owner(), deadline()));
  const handlers = {
    'POST /payments': httpHandler(logger, (event) => withoutToken(event, owner(), deadline())),
    'POST /payments with a token': httpHandler(logger, (event) => withToken(event, owner(), deadline())),
    'GET /payments/{id}': httpHandler(
      logger,
      getPayment({
        readPayment: (id) => readPayment(table, id),
        refresh: refresh({ table, gateway, queue, now, logger }),
      }),
    ),
    'PATCH /payments/{id}': httpHandler(logger, (event) => execute(event, owner(), deadline())),
    'POST /webhooks/paytech': httpHandler(
      logger,
      receiveWebhook({
        signingKeys: kept([LOCAL_KEYS.signingKey]),
        queue,
        now: () => new Date(now()),
        logger,
      }),
    ),
  };

  return {
    /** The handler of a route; a storefront's create has two, with and without order tokens. */
    of: (route: string) => handlers[route as keyof typeof handlers] ?? ofBackOffice,
    /** What reached the queue. */
    queued,
    logger,
    /** How much was written, queued and asked of paytech that could move money. */
    changes: () => {
      const { create, execute, capture, void: voided, approve, reject } = world.gateway.calls;
      return { ...changes, moved: create + execute + capture + voided + approve + reject };
    },
  };
}

export type Handlers = ReturnType<typeof handlersOn>;
