import { type ActionRouteDependencies, actionRoute } from './actions.ts';
import { type AcknowledgeRouteDependencies, acknowledgeRoute } from './alarms.ts';
import { type ChargebackRouteDependencies, chargebackRoute } from './chargebacks.ts';
import { type ResolveRouteDependencies, resolveRoute } from './claims.ts';
import { type RecurringDependencies, recurring } from './deposits.ts';
import {
  balances,
  gatewayOperations,
  type LookUpRouteDependencies,
  listPayments,
  savedCards,
  showPayment,
} from './look-ups.ts';
import { type RefundDependencies, refunds } from './refunds.ts';
import { router } from './router.ts';
import { cancelSubscription, type SubscriptionDependencies, showSubscription } from './subscriptions.ts';
import { type WithdrawalDependencies, withdrawals } from './withdrawals.ts';

export type OperationsDependencies = ActionRouteDependencies &
  AcknowledgeRouteDependencies &
  ChargebackRouteDependencies &
  ResolveRouteDependencies &
  LookUpRouteDependencies &
  RecurringDependencies &
  RefundDependencies &
  SubscriptionDependencies &
  WithdrawalDependencies;

/** The back office: each of its routes with what answers it. */
export function operations(deps: OperationsDependencies) {
  const perform = actionRoute(deps);
  return router({
    'POST /operations/refunds': refunds(deps),
    'POST /operations/withdrawals': withdrawals(deps),
    'POST /operations/deposits': recurring(deps),
    'POST /operations/payments/{id}/capture': (event, call) => perform(event, 'capture', call),
    'POST /operations/payments/{id}/void': (event, call) => perform(event, 'void', call),
    'POST /operations/payments/{id}/approve': (event, call) => perform(event, 'approve', call),
    'POST /operations/payments/{id}/reject': (event, call) => perform(event, 'reject', call),
    'POST /operations/payments/{id}/chargeback': chargebackRoute(deps),
    'POST /operations/claims/resolve': resolveRoute(deps),
    'POST /operations/alarms/acknowledge': acknowledgeRoute(deps),
    'POST /operations/subscriptions/{id}/cancel': cancelSubscription(deps),
    'GET /operations/subscriptions/{id}': showSubscription(deps),
    'GET /operations/payments': listPayments(deps),
    'GET /operations/payments/{id}': showPayment(deps),
    'GET /operations/payments/{id}/gateway-operations': gatewayOperations(deps),
    'GET /operations/customers/{referenceId}/cards': savedCards(deps),
    'GET /operations/balances': balances(deps),
  });
}
