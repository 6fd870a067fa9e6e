/** The routes of the back office. */
import * as z from 'zod/mini';
import { captureBody, emptyBody, rejectBody } from '../../functions/operations/actions.ts';
import { resolveBody } from '../../functions/operations/claims.ts';
import { DEFAULT_DAYS, listQuery } from '../../functions/operations/list-query.ts';
import { refundBody } from '../../functions/operations/refunds.ts';
import { releaseBody } from '../../functions/operations/release.ts';
import { withdrawalBody } from '../../functions/operations/withdrawals.ts';
import type { ProblemCode } from '../../shared/http/problem.ts';
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

/** `POST /operations/payments/{id}/…`: done once per payment; the same request again is answered alike. */
function action(name: string, summary: string, body: string): RouteDescription {
  return {
    method: 'post',
    path: `/operations/payments/{id}/${name}`,
    operationId: `${name}Payment`,
    summary,
    description: 'The same request again is answered alike; paytech is asked once.',
    access: 'iam',
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

export const operations: RouteGroup = {
  description: "What the merchant's back office calls, IAM-signed.",
  schemas: {
    NewRefund: refundBody,
    NewWithdrawal: withdrawalBody,
    Capture: captureBody,
    Rejection: rejectBody,
    NoContent: emptyBody,
    ClaimDecision: resolveBody,
    OperationDecision: releaseBody,
    Refund: answers.refund,
    RecordedPayment: answers.recordedPayment,
    FullRecord: answers.fullRecord,
    PaymentList: z.object({ payments: z.array(answers.listedPayment), hasMore: z.boolean() }),
    GatewayOperations: z.object({ operations: answers.gatewayObjects }),
    Balances: z.object({
      balances: answers.gatewayObjects,
      availableWithdrawalBalances: answers.gatewayObjects,
    }),
    ClaimResolution: answers.claimResolution,
    OperationResolution: answers.operationResolution,
  },
  routes: [
    {
      method: 'post',
      path: '/operations/refunds',
      operationId: 'refundPayment',
      summary: 'Pays a deposit back, in part or all that is left',
      description: 'Once per refundId: the same request again is always safe.',
      access: 'iam',
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
    {
      method: 'post',
      path: '/operations/withdrawals',
      operationId: 'createWithdrawal',
      summary: 'Pays out',
      description: 'Once per referenceId: the same request again is always safe.',
      access: 'iam',
      body: 'NewWithdrawal',
      answers: {
        201: { description: 'The withdrawal has been created.', schema: 'CreatedPayment' },
        200: { description: 'It exists already; this is how it stands now.', schema: 'CreatedPayment' },
      },
      problems: CLAIMED,
    },
    action('capture', 'Takes the money of an AUTHORIZED deposit, all or `amount` of it', 'Capture'),
    action('void', 'Lets go of an AUTHORIZED deposit', 'NoContent'),
    action('approve', 'Lets a withdrawal that is AWAITING_APPROVAL go out', 'NoContent'),
    action('reject', 'Stops a withdrawal that is AWAITING_APPROVAL', 'Rejection'),
    {
      method: 'post',
      path: '/operations/claims/{kind}/{id}/resolve',
      operationId: 'resolveClaim',
      summary: 'Settles a flagged deposit, withdrawal or refund by a person’s decision',
      description:
        'kind is deposit, withdrawal or refund; id the referenceId or refundId, percent-encoded. paytech is asked once more: a payment that fits is adopted, whatever the decision; without one, not-sent releases the id for another attempt.',
      access: 'iam',
      body: 'ClaimDecision',
      answers: { 200: { description: 'It is settled.', schema: 'ClaimResolution' } },
      problems: [
        'request.invalid',
        'claim.not_found',
        'claim.not_flagged',
        'claim.mismatch',
        'gateway.unavailable',
      ],
    },
    {
      method: 'post',
      path: '/operations/claims/operation/{id}/resolve',
      operationId: 'resolveOperation',
      summary: 'Ends an action on the payment `id` whose outcome nobody has heard',
      description:
        'paytech is asked once more; where the payment has not moved, the decision ends the action and another may begin.',
      access: 'iam',
      body: 'OperationDecision',
      answers: { 200: { description: 'It is settled.', schema: 'OperationResolution' } },
      problems: [
        'request.invalid',
        'payment.not_found',
        'claim.not_flagged',
        'operation.in_progress',
        'gateway.unavailable',
      ],
    },
    {
      method: 'get',
      path: '/operations/payments',
      operationId: 'listPayments',
      summary: "Lists paytech's payments, newest first",
      description: `Without created.gte those of the last ${DEFAULT_DAYS} days.`,
      access: 'iam',
      query: listQuery,
      answers: { 200: { description: 'A page of the list.', schema: 'PaymentList' } },
      problems: ['request.invalid', 'gateway.rejected', 'gateway.unavailable'],
    },
    {
      method: 'get',
      path: '/operations/payments/{id}',
      operationId: 'showPayment',
      summary: 'Shows the whole record of a payment with its history',
      access: 'iam',
      answers: { 200: { description: 'The record.', schema: 'FullRecord' } },
      problems: ['payment.not_found'],
    },
    {
      method: 'get',
      path: '/operations/payments/{id}/gateway-operations',
      operationId: 'listGatewayOperations',
      summary: "Shows paytech's audit steps of a payment, newest first, as paytech tells them",
      access: 'iam',
      answers: { 200: { description: 'The steps.', schema: 'GatewayOperations' } },
      problems: ['payment.not_found', 'gateway.rejected', 'gateway.unavailable'],
    },
    {
      method: 'get',
      path: '/operations/balances',
      operationId: 'listBalances',
      summary: 'Shows the balances, and what can be withdrawn',
      access: 'iam',
      answers: { 200: { description: 'The balances, as paytech tells them.', schema: 'Balances' } },
      problems: ['gateway.rejected', 'gateway.unavailable'],
    },
  ],
};
