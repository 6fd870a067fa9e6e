/** The gateway's API, route by route as paytech documents it. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { decimal } from '../../../shared/payment/money.ts';
import type { Answers, Subject } from './answer-forms.ts';
import { envelope } from './answers.ts';
import { balancesOf } from './books.ts';
import { createRequest } from './create-request.ts';
import type { Call } from './faults.ts';
import { parse } from './fields.ts';
import { pageOf } from './listing.ts';
import { balanceObject, cardObject, operationObject, subscriptionObject } from './other-objects.ts';
import type { Payment } from './payment.ts';
import { listItem, type PaymentObject } from './payment-object.ts';
import type { Payments } from './payments.ts';
import {
  captureRequest,
  cardsParameters,
  cardsQuery,
  chargebackRequest,
  executeRequest,
  listQuery,
  rejectRequest,
  subscriptionUpdate,
} from './requests.ts';
import { savedCardsOf } from './saved-cards.ts';
import { approve, capture, chargeback, execute, reject, voidPayment } from './shop-actions.ts';
import type { Subscribed, Subscriptions } from './subscriptions.ts';

export interface GatewayOptions {
  payments: Payments;
  subscriptions: Subscriptions;
  now(): Date;
  /** The whole payment as paytech writes it. */
  describe(payment: Payment): PaymentObject;
  answers: Answers;
  /** Is called with a chargeback that has a state. */
  chargedBack(payment: Payment): void;
}

type ById = { Params: { id: string } };

export function gatewayRoutes(api: FastifyInstance, options: GatewayOptions): void {
  const { payments, subscriptions, answers, now, describe, chargedBack } = options;
  const formed = (request: FastifyRequest, subject: Subject, whole: object) =>
    answers.formed(subject, whole, request.fault === 'sparse' ? 'sparse' : undefined);
  const answer = (request: FastifyRequest, subject: Subject, payment: Payment) =>
    envelope(formed(request, subject, describe(payment)));
  const answerList = (request: FastifyRequest, subject: Subject, entries: readonly object[]) =>
    envelope(entries.map((entry) => formed(request, subject, entry)));

  api.post('/payments', named('create'), async (request) =>
    answer(request, 'create', payments.create(parse(createRequest, request.body ?? {}))),
  );

  api.get('/payments', named('list'), async (request) => {
    const query = parse(listQuery, request.query);
    const page = pageOf(payments.all(), query, now(), request.fault === 'lag');
    const items = page.payments.map((payment) => listItem(payment, describe(payment)));
    return { ...answerList(request, 'list', items), hasMore: page.hasMore };
  });

  api.get<ById>('/payments/:id', named('get'), async (request) =>
    answer(request, 'get', payments.get(request.params.id)),
  );

  api.patch<ById>('/payments/:id', named('patch'), async (request) => {
    const { id } = payments.get(request.params.id);
    parse(executeRequest, request.body ?? {});
    return answer(request, 'patch', execute(payments, id));
  });

  api.post<ById>('/payments/:id/capture', named('capture'), async (request) => {
    const { amount } = parse(captureRequest, request.body ?? {});
    return answer(request, 'act', capture(payments, request.params.id, amount));
  });

  api.post<ById>('/payments/:id/void', named('void'), async (request) =>
    answer(request, 'act', voidPayment(payments, request.params.id)),
  );

  api.post<ById>('/payments/:id/approve', named('approve'), async (request) =>
    answer(request, 'act', approve(payments, request.params.id)),
  );

  api.post<ById>('/payments/:id/reject', named('reject'), async (request) => {
    const { rejectReason } = parse(rejectRequest, request.body ?? {});
    return answer(request, 'act', reject(payments, request.params.id, rejectReason));
  });

  api.post<ById>('/payments/:id/chargebacks', named('chargeback'), async (request) => {
    const payment = chargeback(payments, request.params.id, parse(chargebackRequest, request.body));
    if (payment.chargeback?.state) chargedBack(payment);
    return answer(request, 'act', payment);
  });

  api.get<ById>('/payments/:id/operations', named('operations'), async (request) => {
    const payment = payments.get(request.params.id);
    const steps = payment.operations.map((operation) => operationObject(operation, payment));
    return answerList(request, 'operation', steps.reverse());
  });

  api.get<{ Params: { referenceId: string } }>(
    '/customers/:referenceId/card-tokens',
    named('cards'),
    async (request) => {
      const { referenceId } = parse(cardsParameters, request.params);
      const { 'savedByCustomer.eq': wanted } = parse(cardsQuery, request.query);
      const cards = savedCardsOf(payments.all(), referenceId).filter(
        ({ savedByCustomer }) => wanted === undefined || String(savedByCustomer) === wanted,
      );
      return { ...answerList(request, 'card', cards.map(cardObject)), hasMore: false };
    },
  );

  const answerSubscription = (request: FastifyRequest, first: Subscribed) => {
    const whole = subscriptionObject(first, (id) => payments.get(id));
    const cycles = whole.cycles.map((cycle) => formed(request, 'cycle', cycle));
    return envelope(formed(request, 'subscription', { ...whole, cycles }));
  };
  api.get<ById>('/subscriptions/:id', named('subscriptions'), async (request) =>
    answerSubscription(request, subscriptions.get(request.params.id)),
  );
  api.patch<ById>('/subscriptions/:id', named('subscriptions'), async (request) => {
    parse(subscriptionUpdate, request.body ?? {});
    return answerSubscription(request, subscriptions.cancel(request.params.id));
  });

  api.get('/balances', named('balances'), async (request) =>
    answerList(
      request,
      'balance',
      balancesOf(payments.all()).flatMap(({ currency, received, withdrawable }) => [
        balanceObject('PROCESSING', currency, received),
        balanceObject('AVAILABLE', currency, received),
        balanceObject('WITHDRAWAL', currency, withdrawable),
        balanceObject('CUSTOM', currency, decimal('0')),
      ]),
    ),
  );

  api.get('/available-withdrawal-balances', named('balances'), async (request) => {
    const balances = balancesOf(payments.all());
    const entries = balances.map(({ currency, withdrawable: amount }) => ({ currency, amount }));
    return { ...answerList(request, 'withdrawable', entries), hasMore: false };
  });
}

function named(call: Call) {
  return { config: { call } };
}
