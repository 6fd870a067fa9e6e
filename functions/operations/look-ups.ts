import { alarmsOf } from '../../shared/calls/alarms-of.ts';
import type { HttpEvent, Reply } from '../../shared/http/api.ts';
import { UNAVAILABLE_RETRY_SECONDS } from '../../shared/http/call-reply.ts';
import { cardOwnerFault } from '../../shared/http/payment-fields.ts';
import { fullView, handedOn, listedView } from '../../shared/http/payment-view.ts';
import { Problem } from '../../shared/http/problem.ts';
import { invalid, object, refused, validated } from '../../shared/http/validate.ts';
import { KIND_OF } from '../../shared/payment/claim.ts';
import type { PaymentRecord } from '../../shared/payment/payment.ts';
import { REFERENCE_ID } from '../../shared/payment/reference.ts';
import { withoutTokensIn } from '../../shared/payment/tokens.ts';
import type { Answer, GatewayClient } from '../../shared/paytech/client.ts';
import { readCard } from '../../shared/paytech/saved-card.ts';
import { READ_LIMIT_MS } from '../../shared/paytech/time-limits.ts';
import { PAYMENT_ID } from '../../shared/paytech/wire.ts';
import { readClaim } from '../../shared/store/claims.ts';
import { readPayment } from '../../shared/store/payments.ts';
import type { Table } from '../../shared/store/table.ts';
import { readListQuery } from './list-query.ts';

/* What the back office may read: the record here, and paytech's own list, audit trail and balances. */

export interface LookUpRouteDependencies {
  table: Table;
  gateway: Pick<GatewayClient, 'list' | 'operations' | 'cards' | 'balances' | 'availableWithdrawalBalances'>;
  now: () => number;
}

/** `GET /operations/payments`: paytech's list, newest first, as far as this service keeps payments. */
export function listPayments({ gateway, now }: Pick<LookUpRouteDependencies, 'gateway' | 'now'>) {
  return async (event: HttpEvent): Promise<Reply> => {
    const query = readListQuery(event.queryStringParameters ?? {}, now());
    const { payments, hasMore } = answered(await gateway.list(query, READ_LIMIT_MS));
    return { status: 200, body: { payments: payments.map(listedView), hasMore } };
  };
}

/** `GET /operations/payments/{id}`: the record with its history, refunds and operations, its claim and its alarms. */
export function showPayment({ table, now }: Pick<LookUpRouteDependencies, 'table' | 'now'>) {
  return async (event: HttpEvent): Promise<Reply> => {
    const id = event.pathParameters?.id ?? '';
    const record = PAYMENT_ID.test(id) ? await readPayment(table, id) : undefined;
    if (!record) throw notFound();
    const claim = await claimOf(table, record);
    return { status: 200, body: fullView(record, claim, await alarmsOf(table, record, claim), now()) };
  };
}

/**
 * `GET /operations/payments/{id}/gateway-operations`: as paytech has them, customer data included, but without the
 * tokens by which the payment or its parent can be charged again.
 */
export function gatewayOperations({ gateway, table }: Pick<LookUpRouteDependencies, 'gateway' | 'table'>) {
  return async (event: HttpEvent): Promise<Reply> => {
    const id = event.pathParameters?.id ?? '';
    if (!PAYMENT_ID.test(id)) throw notFound();
    const { operations } = answered(await gateway.operations(id, READ_LIMIT_MS));
    const tokens = await tokensAround(table, id);
    return {
      status: 200,
      body: { operations: operations.map(handedOn).map((each) => withoutTokensIn(each, tokens)) },
    };
  };
}

/** Of the payment, and of its parent: a recurring charge is made by that of its first payment. */
async function tokensAround(table: Table, id: string): Promise<(string | undefined)[]> {
  const record = await readPayment(table, id);
  const parent = record?.parentPaymentId && (await readPayment(table, record.parentPaymentId));
  return [record?.recurringToken, (parent || undefined)?.recurringToken];
}

/** paytech's own filter would be left out in silence. */
const noQuery = object({
  'savedByCustomer.eq': refused('has no use here: each card says savedByCustomer'),
});

/** `GET /operations/customers/{referenceId}/cards`: the saved cards of a customer, their numbers masked. */
export function savedCards({ gateway }: { gateway: Pick<GatewayClient, 'cards'> }) {
  return async (event: HttpEvent): Promise<Reply> => {
    const referenceId = event.pathParameters?.referenceId ?? '';
    const message = cardOwnerFault(referenceId);
    if (message) throw invalid({ field: 'referenceId', message });
    validated(noQuery, event.queryStringParameters ?? {});
    const answer = await gateway.cards(referenceId, READ_LIMIT_MS);
    // A customer of whom paytech does not know has no cards.
    const isNobody = answer.kind === 'not-accepted' && answer.status === 404;
    const { cards } = isNobody ? { cards: [] } : answered(answer);
    return { status: 200, body: { cards: cards.flatMap(readCard) } };
  };
}

/** `GET /operations/balances`. */
export function balances({ gateway }: Pick<LookUpRouteDependencies, 'gateway'>) {
  return async (): Promise<Reply> => {
    const [all, available] = await Promise.all([
      gateway.balances(READ_LIMIT_MS),
      gateway.availableWithdrawalBalances(READ_LIMIT_MS),
    ]);
    const body = {
      balances: answered(all).balances.map(handedOn),
      availableWithdrawalBalances: answered(available).balances.map(handedOn),
    };
    return { status: 200, body };
  };
}

/** The claim under which the payment was made, if it was made here. */
export async function claimOf(table: Table, { id, paymentType, referenceId }: PaymentRecord) {
  if (!referenceId || !REFERENCE_ID.test(referenceId)) return undefined;
  const claim = await readClaim(table, KIND_OF[paymentType], referenceId);
  const isIts =
    claim?.paymentId === undefined || claim.paymentId === id || claim.earlierPaymentIds.includes(id);
  return isIts ? claim : undefined;
}

function answered<T>(answer: Answer<T>): T {
  switch (answer.kind) {
    case 'answered':
      return answer.result;
    case 'refused':
      throw new Problem('gateway.rejected', answer.message, { errors: answer.errors });
    case 'not-accepted':
      if (answer.status === 404) throw notFound();
      throw unavailable();
    case 'not-sent':
    case 'unknown':
      throw unavailable();
    default:
      return answer satisfies never;
  }
}

function notFound(): Problem {
  return new Problem('payment.not_found', 'Ask with an id that paytech made.');
}

function unavailable(): Problem {
  return new Problem('gateway.unavailable', 'Ask again a little later.', {
    retryAfter: UNAVAILABLE_RETRY_SECONDS,
  });
}
