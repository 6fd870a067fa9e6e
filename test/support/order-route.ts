import { randomUUID } from 'node:crypto';
import { createPayment } from '../../functions/create-payment/pipeline.ts';
import { readerWithoutTokens } from '../../functions/create-payment/request.ts';
import { claimedCall } from '../../shared/calls/claimed-call.ts';
import { readClaim } from '../../shared/store/claims.ts';
import { type Answer, answerOf } from './back-office.ts';
import type { World } from './world.ts';

/** `POST /payments` for one order, by a caller who may say everything in the body. */
export function orderRoute(world: World, fields: object = {}) {
  const referenceId = `order-${randomUUID()}`;
  const route = createPayment({
    requestOf: readerWithoutTokens([]),
    create: (call) => claimedCall(world)(call),
    webhookUrl: 'https://shop.example/webhooks/paytech',
    eventParameters: [],
  });
  return {
    referenceId,
    send: (more: object = {}): Promise<Answer> => {
      const order = { referenceId, amount: '10', currency: 'EUR', ...fields, ...more };
      const event = {
        body: JSON.stringify(order),
        headers: {},
        requestContext: { http: { sourceIp: '192.0.2.1' } },
      };
      return answerOf(() => route(event as never, randomUUID(), world.now() + 14_000));
    },
    claim: () => readClaim(world.table, 'deposit', referenceId),
    made: () =>
      [...world.gateway.payments.values()].filter((each) => each.referenceId?.split('~')[0] === referenceId),
  };
}
