/** The route that paytech calls. */

import * as z from 'zod/mini';
import { CHARGEBACK_PATH, WEBHOOK_PATH } from '../../../shared/http/webhook-paths.ts';
import type { RouteGroup } from './route.ts';

export const webhooks: RouteGroup = {
  description: 'What paytech calls.',
  schemas: {
    GatewayPayment: z.looseObject({}),
    GatewayChargeback: z.looseObject({}),
    WebhookReceipt: z.object({ received: z.literal(true) }),
  },
  routes: [
    {
      method: 'post',
      path: WEBHOOK_PATH,
      operationId: 'receiveWebhook',
      summary: 'Takes a webhook of paytech',
      description:
        "The body is paytech's payment object. Its signature is the HMAC-SHA256 of the raw body with the shop's signing key, in hex or base64. Nothing else is looked at before the webhook is durably queued. Payments of this service have theirs sent to a path below it, which only paytech is told and which does the same.",
      access: 'paytech',
      body: 'GatewayPayment',
      answers: { 200: { description: 'The webhook is durably queued.', schema: 'WebhookReceipt' } },
      problems: ['webhook.signature_invalid', 'webhook.too_large'],
    },
    {
      method: 'post',
      path: CHARGEBACK_PATH,
      operationId: 'receiveChargebackWebhook',
      summary: 'Takes a webhook of paytech about a chargeback',
      description: 'Signed as any other. Its state is the chargeback’s, and never taken for the payment’s.',
      access: 'paytech',
      body: 'GatewayChargeback',
      answers: { 200: { description: 'The webhook is durably queued.', schema: 'WebhookReceipt' } },
      problems: ['webhook.signature_invalid', 'webhook.too_large'],
    },
  ],
};
