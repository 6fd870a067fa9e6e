/**
 * The simulator's own controls, for tests and for people. JSON over HTTP, under /simulator; amounts are JSON numbers.
 *   POST   /payments/{id}/pay         {cardNumber, amount?, savedByCustomer?} as the customer, by a test card; amount:
 *                                     only where the shop has asked for none
 *                                     {state, amount?, currency?, errorCode?, errorMessage?} as the provider: to any
 *                                     state from any state, also one that nobody knows, whatever the sandbox's limits
 *   POST   /payments/{id}/webhook     {…fields to override} sends a signed webhook again, or one that contradicts
 *   POST   /payments/{id}/cascade     {referenceId?: false} another attempt of it, a PENDING payment with
 *                                     parentPaymentId; without the reference if asked
 *   POST   /payments/{id}/chargeback  {state} what becomes of its chargeback: its webhookUrl gets it
 *   GET    /subscriptions             those that run, with the deposits that began them
 *   POST   /subscriptions/{id}/cycle  charges the next cycle now
 *   GET    /answers, POST /answers    {form: whole | sparse | random, seed?}: how much paytech says (answer-forms.ts)
 *   GET    /faults, POST, DELETE      {on, kind, times?: a number | "always"}: what goes wrong next (faults.ts)
 *   DELETE /faults/{id}               takes one of them away
 *   GET    /payments, /payments/{id}  the truth, always whole
 *   GET    /requests, /webhooks       all calls of the gateway with their answers; all webhooks, attempt by attempt
 */
import type { FastifyInstance } from 'fastify';
import type { Answers } from './answer-forms.ts';
import {
  answers as answersRequest,
  byCard,
  byState,
  cascade,
  chargebackStatus,
  fault as faultRequest,
  overrides,
} from './control-requests.ts';
import { payByCard } from './customer.ts';
import type { Faults } from './faults.ts';
import { parse } from './fields.ts';
import type { LoggedRequest } from './gateway-edge.ts';
import { subscriptionObject } from './other-objects.ts';
import type { Payment } from './payment.ts';
import type { PaymentObject } from './payment-object.ts';
import type { Payments } from './payments.ts';
import { Refusal } from './refusal.ts';
import { CANCELLED_BY_CUSTOMER, DECLINED_BY_ISSUER, type Outcome } from './sandbox.ts';
import type { Subscriptions } from './subscriptions.ts';
import type { WebhookAttempt } from './webhooks.ts';

export interface ControlOptions {
  payments: Payments;
  subscriptions: Subscriptions;
  webhooks: WebhookAttempt[];
  faults: Faults;
  answers: Answers;
  requests: LoggedRequest[];
  /** The whole payment as paytech writes it. */
  describe(payment: Payment): PaymentObject;
  /** undefined: there is nowhere to send it to. */
  sendWebhook(payment: Payment, overriding: object): object | undefined;
  /** Tells what became of a payment's chargeback. */
  chargedBack(payment: Payment): object;
}

type ById = { Params: { id: string } };

/** What a provider says by default. */
const DEFAULT_ERRORS: Partial<Record<string, Outcome>> = {
  DECLINED: DECLINED_BY_ISSUER,
  CANCELLED: CANCELLED_BY_CUSTOMER,
};

export function controlRoutes(app: FastifyInstance, options: ControlOptions): void {
  const { payments, subscriptions, webhooks, faults, answers, requests } = options;
  const { describe, sendWebhook, chargedBack } = options;

  app.get('/payments', async () => payments.all().map(describe));
  app.get<ById>('/payments/:id', async ({ params }) => describe(payments.get(params.id)));

  app.post<ById>('/payments/:id/pay', async ({ params: { id }, body }) => {
    const payment = payments.get(id);
    if (hasField(body, 'cardNumber')) return describe(payByCard(payments, id, parse(byCard, body)));
    const move = parse(byState, body);
    const error = move.errorCode === undefined ? DEFAULT_ERRORS[move.state] : {};
    return describe(payments.move(payment, 'CHECKOUT', { ...error, ...move }));
  });

  app.post<ById>('/payments/:id/webhook', async ({ params, body }) => {
    const sent = sendWebhook(payments.get(params.id), parse(overrides, body ?? {}));
    if (!sent) throw new Refusal('wrong-state', 'Neither payment nor shop has a webhookUrl');
    return sent;
  });

  app.post<ById>('/payments/:id/cascade', async ({ params, body }) => {
    const { referenceId } = parse(cascade, body ?? {});
    return describe(payments.cascade(params.id, referenceId));
  });

  app.post<ById>('/payments/:id/chargeback', async ({ params, body }) => {
    const payment = payments.get(params.id);
    if (!payment.chargeback) throw new Refusal('wrong-state', 'The payment has no chargeback');
    payment.chargeback = { ...payment.chargeback, ...parse(chargebackStatus, body ?? {}) };
    return chargedBack(payment);
  });

  app.get('/subscriptions', async () =>
    subscriptions.all().map((first) => ({
      parentPaymentId: first.id,
      ...subscriptionObject(first, (id) => payments.get(id)),
    })),
  );
  app.post<ById>('/subscriptions/:id/cycle', async ({ params }) => describe(subscriptions.charge(params.id)));

  app.get('/answers', async () => answers.setting);
  app.post('/answers', async ({ body }) => {
    answers.setting = parse(answersRequest, body ?? {});
    return answers.setting;
  });

  app.get('/faults', async () => faults.all());
  app.post('/faults', async ({ body }) => faults.add(parse(faultRequest, body ?? {})));
  app.delete('/faults', async (_request, reply) => {
    faults.clear();
    return reply.code(204).send();
  });
  app.delete<ById>('/faults/:id', async ({ params }, reply) => {
    faults.remove(Number(params.id));
    return reply.code(204).send();
  });

  app.get('/requests', async () => requests);
  app.get('/webhooks', async () => webhooks);
}

function hasField(body: unknown, field: string): boolean {
  return typeof body === 'object' && body !== null && Object.hasOwn(body, field);
}
