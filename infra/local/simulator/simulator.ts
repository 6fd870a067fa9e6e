/**
 * A paytech gateway on this machine: its API with the sandbox's limits and test cards, a hosted checkout, signed
 * webhooks with retries, and controls under /simulator to drive payments and to set faults. All in memory.
 *
 * The shop steers a payment by its additionalParameters: `approval: 'required'` makes a withdrawal wait for the
 * merchant, `settle: 'manual'` keeps a withdrawal or refund PENDING (also the refunds of a deposit that has it)
 * until `POST /simulator/payments/{id}/pay` drives it on. Otherwise they settle shortly after.
 */
import Fastify from 'fastify';
import { stringifyJson } from '../../../shared/payment/json.ts';
import type { PaymentState } from '../../../shared/payment/state.ts';
import { assertSigningKey } from '../../../shared/paytech/signature.ts';
import { useErrorBodies, useExactJson } from './answers.ts';
import { checkoutRoutes } from './checkout-routes.ts';
import { controlRoutes } from './control-routes.ts';
import { Faults } from './faults.ts';
import { type LoggedRequest, useGatewayEdge } from './gateway-edge.ts';
import { gatewayRoutes } from './gateway-routes.ts';
import { paymentObject } from './payment-object.ts';
import { type Payment, Payments } from './payments.ts';
import { Timers } from './timers.ts';
import { type WebhookAttempt, Webhooks } from './webhooks.ts';

/** What outlives a restart, when the next start is given the same; webhooks that were under way are lost. */
export interface SimulatorMemory {
  payments: Map<string, Payment>;
  requests: LoggedRequest[];
  webhooks: WebhookAttempt[];
}

export const emptyMemory = (): SimulatorMemory => ({ payments: new Map(), requests: [], webhooks: [] });

export interface SimulatorOptions {
  /** 0, the default, takes a free one. */
  port?: number;
  apiKey: string;
  signingKey: string;
  /** The shop's setting, for payments that name none. */
  webhookUrl?: string;
  signatureEncoding?: 'hex' | 'base64';
  /** The wait before a webhook's first retry; it doubles with each further one. */
  webhookRetryMs?: number;
  webhookAttempts?: number;
  webhookTimeoutMs?: number;
  /** How long the customer has to pay; then the payment is CANCELLED with 1.04. */
  checkoutMs?: number;
  /** How long a withdrawal or refund stays PENDING. */
  settleMs?: number;
  /** How long the faults `slow` and `delay` hold an answer or a webhook. */
  slowMs?: number;
  /** How long the fault `reorder` waits for another webhook. */
  reorderMs?: number;
  now?: () => Date;
  memory?: SimulatorMemory;
}

export interface Simulator {
  url: string;
  close(): Promise<void>;
}

const ANNOUNCED_STATES: readonly PaymentState[] = ['COMPLETED', 'DECLINED', 'CANCELLED', 'AUTHORIZED'];

export async function startSimulator(options: SimulatorOptions): Promise<Simulator> {
  const { port = 0, apiKey, signingKey, settleMs = 300, slowMs = 2000, now = () => new Date() } = options;
  const { checkoutMs = 30 * 60_000 } = options;
  assertSigningKey(signingKey);
  let url = '';

  const timers = new Timers();
  const faults = new Faults();
  const { requests, ...memory } = options.memory ?? emptyMemory();
  const webhooks = new Webhooks({
    log: memory.webhooks,
    signingKey,
    signatureEncoding: options.signatureEncoding ?? 'hex',
    retryMs: options.webhookRetryMs ?? 1000,
    attempts: options.webhookAttempts ?? 8,
    timeoutMs: options.webhookTimeoutMs ?? 10_000,
    delayMs: slowMs,
    reorderMs: options.reorderMs ?? 3000,
    now,
    timers,
    faults,
  });

  const describe = (payment: Payment) => paymentObject(payment, `${url}/checkout/${payment.id}`);
  const webhookUrlOf = ({ request }: Payment) => request.webhookUrl ?? options.webhookUrl;
  const sendWebhook = (payment: Payment, object: object) => {
    const target = webhookUrlOf(payment);
    if (target) webhooks.send(payment.id, target, stringifyJson(object));
  };
  const payments = new Payments({
    payments: memory.payments,
    now,
    settling: () => timers.pause(settleMs),
    checkoutMs,
    closing: () => timers.pause(checkoutMs),
    moved: (payment) => {
      if (ANNOUNCED_STATES.includes(payment.state)) sendWebhook(payment, describe(payment));
    },
  });

  const app = Fastify({ forceCloseConnections: true });
  useExactJson(app);
  useErrorBodies(app, 409);
  app.register(
    async (api) => {
      useErrorBodies(api, 400);
      useGatewayEdge(api, { apiKey, slowMs, now, timers, faults, requests });
      api.register(async (v1) => gatewayRoutes(v1, { payments, now, describe }), { prefix: '/v1' });
    },
    { prefix: '/api' },
  );
  app.register(
    async (controls) =>
      controlRoutes(controls, {
        payments,
        webhooks: memory.webhooks,
        faults,
        requests,
        describe,
        webhookUrlOf,
        sendWebhook,
      }),
    { prefix: '/simulator' },
  );
  app.register(async (checkout) => checkoutRoutes(checkout, payments, now), { prefix: '/checkout' });

  url = await app.listen({ port, host: '127.0.0.1' });
  return {
    url,
    close: async () => {
      timers.close();
      webhooks.close();
      await app.close();
    },
  };
}
