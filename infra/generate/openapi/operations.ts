/** The routes of the back office. */
import * as z from 'zod/mini';
import { captureBody, emptyBody, rejectBody } from '../../../functions/operations/actions.ts';
import { acknowledgeBody } from '../../../functions/operations/alarms.ts';
import { chargebackBody } from '../../../functions/operations/chargebacks.ts';
import { resolveBody } from '../../../functions/operations/claims.ts';
import { recurringBody } from '../../../functions/operations/deposits.ts';
import { DEFAULT_DAYS, listQuery } from '../../../functions/operations/list-query.ts';
import { refundBody } from '../../../functions/operations/refunds.ts';
import {
  methodAndPath,
  OPERATION_ROUTES,
  type OperationRouteKey,
} from '../../../functions/operations/routes.ts';
import { withdrawalBody } from '../../../functions/operations/withdrawals.ts';
import type { ProblemCode } from '../../../shared/http/problem.ts';
import * as answers from './answers.ts';
import type { RouteDescription, RouteGroup } from './route.ts';

const CLAIMED: ProblemCode[] = [
  'request.invalid',
  'payment.reference_conflict',
  'payment.in_progress',
  'claim.flagged',
  'gateway.rejected',
  'payment.outcome_unknown',
  'gateway.unavailable',
];

type Description = Omit<RouteDescription, 'method' | 'path' | 'access'>;

/** `POST /operations/payments/{id}/…`: done once per payment; the same request again is answered alike. */
function action(name: string, summary: string, body: string): Description {
  return {
    operationId: `${name}Payment`,
    summary,
    description: 'The same request again is answered alike; paytech is asked once.',
    body,
    bodyIsOptional: true,
    answers: { 200: { description: 'It took effect.', schema: 'RecordedPayment' } },
    problems: [
      'request.invalid',
      'payment.not_found',
      'payment.state_conflict',
      'operation.conflict',
      'operation.in_progress',
      'operation.outcome_unknown',
      'gateway.rejected',
      'gateway.unavailable',
    ],
  };
}

const ROUTES: Record<OperationRouteKey, Description> = {
  'POST /operations/refunds': {
    operationId: 'refundPayment',
    summary: 'Pays a deposit back, in part or all that is left',
    description:
      'Once per refundId: the same request again is always safe. A currency, where it is given, must be that of the deposit.',
    body: 'NewRefund',
    answers: {
      201: { description: 'The refund has been created.', schema: 'Refund' },
      200: { description: 'It exists already; this is how it stands now.', schema: 'Refund' },
    },
    problems: [
      ...CLAIMED,
      'payment.not_found',
      'payment.state_conflict',
      'refund.exceeds_remainder',
      'refund.too_many',
      'refund.chargeback',
    ],
  },
  'POST /operations/withdrawals': {
    operationId: 'createWithdrawal',
    summary: 'Pays out',
    description: 'Once per referenceId: the same request again is always safe.',
    body: 'NewWithdrawal',
    answers: {
      201: { description: 'The withdrawal has been created.', schema: 'CreatedPayment' },
      200: { description: 'It exists already; this is how it stands now.', schema: 'CreatedPayment' },
    },
    problems: CLAIMED,
  },
  'POST /operations/deposits': {
    operationId: 'createRecurringDeposit',
    summary: 'Charges a customer again, without them',
    description:
      'By the token of parentPaymentId, a deposit that was asked for with startRecurring and was paid. Once per referenceId: the same request again is always safe, and answers with its payment however it ended; a new try is a new referenceId.',
    body: 'NewRecurringDeposit',
    answers: {
      201: { description: 'The deposit has been created.', schema: 'CreatedPayment' },
      200: { description: 'It exists already; this is how it stands now.', schema: 'CreatedPayment' },
    },
    problems: [...CLAIMED, 'payment.not_found', 'payment.state_conflict'],
  },
  'POST /operations/payments/{id}/capture': action(
    'capture',
    'Takes the money of an AUTHORIZED deposit, all or `amount` of it',
    'Capture',
  ),
  'POST /operations/payments/{id}/void': action('void', 'Lets go of an AUTHORIZED deposit', 'NoContent'),
  'POST /operations/payments/{id}/approve': action(
    'approve',
    'Lets a withdrawal that is AWAITING_APPROVAL go out',
    'NoContent',
  ),
  'POST /operations/payments/{id}/reject': action(
    'reject',
    'Stops a withdrawal that is AWAITING_APPROVAL',
    'Rejection',
  ),
  'POST /operations/payments/{id}/chargeback': {
    operationId: 'chargeBackPayment',
    summary: 'Registers the chargeback of a COMPLETED deposit, or closes one by hand',
    description:
      'Registered at paytech once, as open unless a state is given; paytech then tells what becomes of it. While it is OPEN or COMPLETED nothing is refunded. One that is open is closed by a state, in the record here only.',
    body: 'NewChargeback',
    bodyIsOptional: true,
    answers: { 200: { description: 'It is registered, or closed.', schema: 'ChargedBackPayment' } },
    problems: [
      'request.invalid',
      'payment.not_found',
      'payment.state_conflict',
      'operation.conflict',
      'operation.outcome_unknown',
      'gateway.rejected',
      'gateway.unavailable',
    ],
  },
  'POST /operations/claims/resolve': {
    operationId: 'resolveClaim',
    summary: 'Records a person’s decision on a request or an action whose outcome is unknown',
    description: [
      'kind deposit, withdrawal or refund: a flagged claim, id being the referenceId or refundId of its request. paytech is asked once more. With sent a payment that fits, or the one named as paymentId, is adopted; not-sent releases the id for another attempt, once every payment that is known under it has been denied in notPaymentIds.',
      'kind operation: an action (execute, capture, void, …) that ended without an answer, id being that of its payment. paytech is asked once more; where the payment has not moved, not-sent ends the action and another may begin.',
    ].join('\n\n'),
    body: 'ClaimDecision',
    answers: { 200: { description: 'It is ended.', schema: 'ClaimResolution' } },
    problems: [
      'request.invalid',
      'payment.not_found',
      'claim.not_found',
      'claim.not_flagged',
      'claim.mismatch',
      'operation.in_progress',
      'gateway.unavailable',
    ],
  },
  'POST /operations/alarms/acknowledge': {
    operationId: 'acknowledgeAlarm',
    summary: 'Ends an alarm that has been dealt with, where no record can show it',
    description:
      'The kind is the alarm’s name, the id what it is of: a payment, an order, `withdrawal/<id>`, `refund/<id>`, `operation/<payment>`. With found, which is what you have seen, it is refused where there is more. What is found later raises the alarm again. A flagged claim ends by a decision on it only.',
    body: 'AlarmDecision',
    answers: { 200: { description: 'It is ended.', schema: 'AlarmAcknowledgement' } },
    problems: ['request.invalid', 'alarm.not_found', 'alarm.not_acknowledgeable', 'alarm.changed'],
  },
  'POST /operations/subscriptions/{id}/cancel': {
    operationId: 'cancelSubscription',
    summary: 'Ends a subscription that paytech runs',
    description: 'Cancelling twice does no harm.',
    body: 'NoContent',
    bodyIsOptional: true,
    answers: { 200: { description: 'It is cancelled.', schema: 'Subscription' } },
    problems: [
      'request.invalid',
      'subscription.not_found',
      'operation.outcome_unknown',
      'gateway.rejected',
      'gateway.unavailable',
    ],
  },
  'GET /operations/subscriptions/{id}': {
    operationId: 'showSubscription',
    summary: 'Shows a subscription that paytech runs, with its cycles',
    description: 'paytech is asked each time; the id is the one that paytech gave the subscription.',
    answers: { 200: { description: 'The subscription, as paytech has it.', schema: 'Subscription' } },
    problems: ['subscription.not_found', 'gateway.rejected', 'gateway.unavailable'],
  },
  'GET /operations/payments': {
    operationId: 'listPayments',
    summary: "Lists paytech's payments, newest first",
    description: `Without created.gte those of the last ${DEFAULT_DAYS} days.`,
    query: listQuery,
    answers: { 200: { description: 'A page of the list.', schema: 'PaymentList' } },
    problems: ['request.invalid', 'gateway.rejected', 'gateway.unavailable'],
  },
  'GET /operations/payments/{id}': {
    operationId: 'showPayment',
    summary: 'Shows the whole record of a payment with its history',
    description: 'As it is in the table here; paytech is not asked.',
    answers: { 200: { description: 'The record.', schema: 'FullRecord' } },
    problems: ['payment.not_found'],
  },
  'GET /operations/payments/{id}/gateway-operations': {
    operationId: 'listGatewayOperations',
    summary: "Shows paytech's audit steps of a payment, newest first, as paytech has them",
    description: 'Tokens by which a customer can be charged are replaced by ****.',
    answers: { 200: { description: 'The steps.', schema: 'GatewayOperations' } },
    problems: ['payment.not_found', 'gateway.rejected', 'gateway.unavailable'],
  },
  'GET /operations/customers/{referenceId}/cards': {
    operationId: 'listSavedCards',
    summary: 'Shows the saved cards of a customer',
    description:
      'By the customer.referenceId of the payments with which they were saved. A cardToken charges the card (in the order token, or by an IAM-signed POST /payments) or pays out to it.',
    answers: { 200: { description: 'The cards, their numbers masked.', schema: 'SavedCards' } },
    problems: ['request.invalid', 'gateway.rejected', 'gateway.unavailable'],
  },
  'GET /operations/balances': {
    operationId: 'listBalances',
    summary: 'Shows the balances, and what can be withdrawn',
    description: 'As paytech has them: their fields are described by paytech.',
    answers: { 200: { description: 'The balances, as paytech has them.', schema: 'Balances' } },
    problems: ['gateway.rejected', 'gateway.unavailable'],
  },
};

export const operations: RouteGroup = {
  description: "What the merchant's back office calls, IAM-signed.",
  schemas: {
    NewRefund: refundBody,
    NewWithdrawal: withdrawalBody,
    NewRecurringDeposit: recurringBody,
    Capture: captureBody,
    Rejection: rejectBody,
    NoContent: emptyBody,
    ClaimDecision: resolveBody,
    AlarmDecision: acknowledgeBody,
    Refund: answers.refund,
    NewChargeback: chargebackBody,
    ChargedBackPayment: answers.chargedBackPayment,
    RecordedPayment: answers.recordedPayment,
    FullRecord: answers.fullRecord,
    PaymentList: z.object({ payments: z.array(answers.listedPayment), hasMore: z.boolean() }),
    GatewayOperations: z.object({ operations: answers.gatewayObjects }),
    Balances: z.object({
      balances: answers.gatewayObjects,
      availableWithdrawalBalances: answers.gatewayObjects,
    }),
    Subscription: answers.subscription,
    SavedCards: z.object({ cards: z.array(answers.savedCard) }),
    ClaimResolution: answers.claimResolution,
    AlarmAcknowledgement: answers.acknowledgement,
  },
  routes: OPERATION_ROUTES.map((key) => {
    const [method, path] = methodAndPath(key);
    return { method: method.toLowerCase() as Lowercase<typeof method>, path, access: 'iam', ...ROUTES[key] };
  }),
};
