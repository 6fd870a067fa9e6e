/**
 * A paytech gateway on this machine: its API with the sandbox's limits and test cards, a hosted checkout, signed
 * webhooks with retries, and controls under /simulator to drive payments and to set faults. All in memory.
 *
 * It answers whole, or with the least that paytech's contract allows (answer-forms.ts).
 *
 * The shop steers a payment by its additionalParameters: `approval: 'required'` makes a withdrawal, which is PENDING
 * first, wait for the merchant; `settle: 'manual'` keeps a withdrawal, a refund (also those of a deposit that has it) or
 * a charge by a token PENDING until `POST /simulator/payments/{id}/pay` drives it on. Otherwise they settle shortly after.
 */
import Fastify from 'fastify';
import { assertSigningKey } from '../../../shared/paytech/signature.ts';
import { MINUTE_MS } from '../../../shared/runtime/time.ts';
import { refusalOf } from '../callers.ts';
import { type AnswerForm, Answers, type AnswersSetting } from './answer-forms.ts';
import { useErrorBodies, useExactJson } from './answers.ts';
import { checkoutRoutes } from './checkout-routes.ts';
import { controlRoutes } from './control-routes.ts';
import { Faults, LONGEST_DELAY_MS } from './faults.ts';
import { type LoggedRequest, useGatewayEdge } from './gateway-edge.ts';
import { gatewayRoutes } from './gateway-routes.ts';
import { chargebackObject } from './other-objects.ts';
import { isAnnounced, type Payment } from './payment.ts';
import { paymentObject } from './payment-object.ts';
import { Payments } from './payments.ts';
import { Subscriptions } from './subscriptions.ts';
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
  /** How long a withdrawal, a refund or a charge by a token stays PENDING. */
  settleMs?: number;
  /** How long the fault `slow` holds an answer or a webhook; `delay` does so for 3 s at most. */
  slowMs?: number;
  /** How long the fault `reorder` waits for another webhook. */
  reorderMs?: number;
  /** How much paytech says, until the control says otherwise; default: all. */
  answers?: Partial<AnswersSetting>;
  now?: () => Date;
  memory?: SimulatorMemory;
}

export interface Simulator {
  url: string;
  close(): Promise<void>;
}

export async function startSimulator(options: SimulatorOptions): Promise<Simulator> {
  const { port = 0, apiKey, signingKey, settleMs = 300, slowMs = 2000, now = () => new Date() } = options;
  const { checkoutMs = 30 * MINUTE_MS } = options;
  assertSigningKey(signingKey);
  let url = '';

  const timers = new Timers();
  const faults = new Faults();
  const answers = new Answers({ form: 'whole', seed: 1, ...options.answers });
  const delayMs = Math.min(slowMs, LONGEST_DELAY_MS);
  const { requests, ...memory } = options.memory ?? emptyMemory();
  const webhooks = new Webhooks({
    log: memory.webhooks,
    signingKey,
    signatureEncoding: options.signatureEncoding ?? 'hex',
    retryMs: options.webhookRetryMs ?? 1000,
    attempts: options.webhookAttempts ?? 8,
    timeoutMs: options.webhookTimeoutMs ?? 10_000,
    slowMs,
    delayMs,
    reorderMs: options.reorderMs ?? 3000,
    now,
    timers,
    faults,
  });

  const describe = (payment: Payment) => paymentObject(payment, `${url}/checkout/${payment.id}`);
  const sendWebhook = (payment: Payment, overriding: object = {}) => {
    const target = payment.request.webhookUrl ?? options.webhookUrl;
    const write = (form?: AnswerForm) => ({
      ...answers.formed('webhook', describe(payment), form),
      ...overriding,
    });
    return target === undefined ? undefined : webhooks.send(payment.id, target, write);
  };
  const chargedBack = ({ id, chargeback = {} }: Payment) => {
    const whole = chargebackObject(id, chargeback);
    if (chargeback.webhookUrl !== undefined) {
      webhooks.send(id, chargeback.webhookUrl, (form) => answers.formed('chargeback', whole, form));
    }
    return whole;
  };
  const payments = new Payments({
    payments: memory.payments,
    now,
    settling: () => timers.pause(settleMs),
    checkoutMs,
    closing: () => timers.pause(checkoutMs),
    moved: (payment) => {
      if (isAnnounced(payment)) sendWebhook(payment);
      subscriptions.observe(payment);
    },
  });
  const subscriptions = new Subscriptions({ payments, now, pause: (ms) => timers.pause(ms) });

  const app = Fastify({ forceCloseConnections: true });
  useExactJson(app);
  useErrorBodies(app, 409);
  const shared = { payments, subscriptions, describe, chargedBack };
  app.addHook('onRequest', async (request, reply) => {
    const refusal = refusalOf(request.headers);
    if (refusal) return reply.code(403).send({ message: refusal });
  });
  app.register(
    async (api) => {
      useErrorBodies(api, 400);
      useGatewayEdge(api, { apiKey, slowMs, delayMs, now, timers, faults, requests });
      api.register(async (v1) => gatewayRoutes(v1, { ...shared, answers, now }), { prefix: '/v1' });
    },
    { prefix: '/api' },
  );
  const controls = { ...shared, webhooks: memory.webhooks, faults, answers, requests, sendWebhook };
  app.register(async (routes) => controlRoutes(routes, controls), { prefix: '/simulator' });
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
