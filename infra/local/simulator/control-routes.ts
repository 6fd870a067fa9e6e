/** The simulator's own controls, for tests and for people: pay, send webhooks, set faults, read the logs. */
import type { FastifyInstance } from 'fastify';
import * as z from 'zod';
import { decimalText, isDecimal } from '../../../shared/payment/money.ts';
import { PAYMENT_STATES } from '../../../shared/payment/state.ts';
import { CALL_FAULTS, CALLS, type Faults, WEBHOOK_FAULTS } from './faults.ts';
import type { LoggedRequest } from './gateway-edge.ts';
import type { Payment, Payments } from './payments.ts';
import { Refusal } from './refusal.ts';
import { currency, exactNumber, parse } from './requests.ts';
import { CANCELLED_BY_CUSTOMER, DECLINED_BY_ISSUER, type Outcome } from './sandbox.ts';
import type { WebhookAttempt } from './webhooks.ts';

export interface ControlOptions {
  payments: Payments;
  webhooks: WebhookAttempt[];
  faults: Faults;
  requests: LoggedRequest[];
  /** The payment as paytech writes it. */
  describe(payment: Payment): object;
  webhookUrlOf(payment: Payment): string | undefined;
  sendWebhook(payment: Payment, object: object): void;
}

type ById = { Params: { id: string } };

const byCard = z.strictObject({ cardNumber: z.string() });
const byState = z.strictObject({
  state: z.enum(PAYMENT_STATES),
  amount: exactNumber.refine((amount) => amount.gte(0), 'must not be negative').optional(),
  currency: currency.optional(),
  errorCode: z.string().optional(),
  errorMessage: z.string().optional(),
});

const overrides = z.record(z.string(), z.unknown());

// The kinds 500 and 429 are as welcome as numbers.
const kind = z.preprocess((value) => (isDecimal(value) ? decimalText(value) : value), z.string());
const times = exactNumber
  .transform((value) => Number(decimalText(value)))
  .pipe(z.int().min(1))
  .optional();
const faultRequest = z
  .object({ on: z.enum([...CALLS, 'webhook']), kind, times })
  .transform(({ times = 1, ...fault }) => ({ ...fault, times }))
  .pipe(
    z.union(
      [
        z.object({ on: z.enum(CALLS), kind: z.enum(CALL_FAULTS), times: z.number() }),
        z.object({ on: z.literal('webhook'), kind: z.enum(WEBHOOK_FAULTS), times: z.number() }),
      ],
      {
        error: `the kinds are ${CALL_FAULTS.join(', ')} for calls and ${WEBHOOK_FAULTS.join(', ')} for webhook`,
      },
    ),
  );

/** What a provider would say when it is not told what to say. */
const DEFAULT_ERRORS: Partial<Record<string, Outcome>> = {
  DECLINED: DECLINED_BY_ISSUER,
  CANCELLED: CANCELLED_BY_CUSTOMER,
};

export function controlRoutes(app: FastifyInstance, options: ControlOptions): void {
  const { payments, webhooks, faults, requests, describe, webhookUrlOf, sendWebhook } = options;

  app.get('/payments', async () => payments.all().map(describe));
  app.get<ById>('/payments/:id', async ({ params }) => describe(payments.get(params.id)));

  app.post<ById>('/payments/:id/pay', async ({ params: { id }, body }) => {
    payments.get(id);
    if (hasField(body, 'cardNumber')) {
      return describe(payments.payByCard(id, parse(byCard, body).cardNumber));
    }
    const move = parse(byState, body);
    const error = move.errorCode === undefined ? DEFAULT_ERRORS[move.state] : {};
    return describe(payments.drive(id, { ...error, ...move }));
  });

  app.post<ById>('/payments/:id/webhook', async ({ params, body }) => {
    const payment = payments.get(params.id);
    if (!webhookUrlOf(payment)) throw new Refusal('wrong-state', 'Neither payment nor shop has a webhookUrl');
    const object = { ...describe(payment), ...parse(overrides, body ?? {}) };
    sendWebhook(payment, object);
    return object;
  });

  app.post('/faults', async ({ body }) => {
    const fault = parse(faultRequest, body);
    faults.add(fault);
    return fault;
  });
  app.delete('/faults', async (_request, reply) => {
    faults.clear();
    return reply.code(204).send();
  });

  app.get('/requests', async () => requests);
  app.get('/webhooks', async () => webhooks);
}

function hasField(body: unknown, field: string): boolean {
  return typeof body === 'object' && body !== null && Object.hasOwn(body, field);
}
