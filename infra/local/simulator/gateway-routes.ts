/** The gateway's API, route by route as paytech documents it. */
import { randomUUID } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { envelope } from './answers.ts';
import type { Call } from './faults.ts';
import { balancesOf, chargebackObject, operationObject } from './payment-object.ts';
import type { Payment, Payments } from './payments.ts';
import {
  captureRequest,
  chargebackRequest,
  createRequest,
  executeRequest,
  listQuery,
  parse,
  rejectRequest,
} from './requests.ts';

export interface GatewayOptions {
  payments: Payments;
  now(): Date;
  /** The payment as paytech writes it. */
  describe(payment: Payment): object;
}

type ById = { Params: { id: string } };

export function gatewayRoutes(api: FastifyInstance, { payments, now, describe }: GatewayOptions): void {
  const answer = (payment: Payment) => envelope(describe(payment));
  const answerList = (result: unknown[], hasMore = false) => ({ ...envelope(result), hasMore });

  api.post('/payments', named('create'), async ({ body }) =>
    answer(payments.create(parse(createRequest, body ?? {}))),
  );

  api.get('/payments', named('list'), async ({ query }) => {
    const page = payments.list(parse(listQuery, query));
    return answerList(page.payments.map(describe), page.hasMore);
  });

  api.get<ById>('/payments/:id', named('get'), async ({ params }) => answer(payments.get(params.id)));

  api.patch<ById>('/payments/:id', named('patch'), async ({ params, body }) => {
    payments.get(params.id);
    parse(executeRequest, body ?? {});
    return answer(payments.execute(params.id));
  });

  api.post<ById>('/payments/:id/capture', named('capture'), async ({ params, body }) => {
    const { amount } = parse(captureRequest, body ?? {});
    return answer(payments.capture(params.id, amount));
  });

  api.post<ById>('/payments/:id/void', named('void'), async ({ params }) => answer(payments.void(params.id)));

  api.post<ById>('/payments/:id/approve', named('approve'), async ({ params }) =>
    answer(payments.approve(params.id)),
  );

  api.post<ById>('/payments/:id/reject', named('reject'), async ({ params, body }) => {
    const { rejectReason } = parse(rejectRequest, body ?? {});
    return answer(payments.reject(params.id, rejectReason));
  });

  api.post<ById>('/payments/:id/chargebacks', async ({ params, body }) => {
    const payment = payments.chargeback(params.id, parse(chargebackRequest, body));
    return envelope(chargebackObject(payment, now()));
  });

  api.get<ById>('/payments/:id/operations', async ({ params }) =>
    answerList(payments.get(params.id).operations.map(operationObject).reverse()),
  );

  api.get('/balances', named('balances'), async () =>
    answerList(
      balancesOf(payments.all()).flatMap(({ currency, received, withdrawable }) => [
        balance('PROCESSING', currency, received),
        balance('AVAILABLE', currency, received),
        balance('WITHDRAWAL', currency, withdrawable),
      ]),
    ),
  );

  api.get('/available-withdrawal-balances', named('balances'), async () =>
    answerList(
      balancesOf(payments.all()).map(({ currency, withdrawable }) => ({ currency, amount: withdrawable })),
    ),
  );
}

function named(call: Call) {
  return { config: { call } };
}

/** paytech's balance ids are not stable, so each answer has new ones. */
function balance(accountType: string, currency: string, amount: unknown) {
  return { id: randomUUID(), accountType, name: `${accountType} ${currency}`, currency, amount };
}
