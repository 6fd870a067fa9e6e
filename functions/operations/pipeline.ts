import { type Dependencies as Acting, actionRoute } from './actions.ts';
import { type Dependencies as Resolving, resolveRoute } from './claims.ts';
import {
  balances,
  gatewayOperations,
  type Dependencies as Looking,
  listPayments,
  showPayment,
} from './look-ups.ts';
import { type Dependencies as Refunding, refunds } from './refunds.ts';
import { router } from './router.ts';
import { type Dependencies as PayingOut, withdrawals } from './withdrawals.ts';

export type Dependencies = Acting & Resolving & Looking & Refunding & PayingOut;

/** The back office: each of its routes with what answers it. */
export function operations(deps: Dependencies) {
  const perform = actionRoute(deps);
  return router({
    'POST /operations/refunds': refunds(deps),
    'POST /operations/withdrawals': withdrawals(deps),
    'POST /operations/payments/{id}/capture': (event, call) => perform(event, 'capture', call),
    'POST /operations/payments/{id}/void': (event, call) => perform(event, 'void', call),
    'POST /operations/payments/{id}/approve': (event, call) => perform(event, 'approve', call),
    'POST /operations/payments/{id}/reject': (event, call) => perform(event, 'reject', call),
    'POST /operations/claims/resolve': resolveRoute(deps),
    'GET /operations/payments': listPayments(deps),
    'GET /operations/payments/{id}': showPayment(deps),
    'GET /operations/payments/{id}/gateway-operations': gatewayOperations(deps),
    'GET /operations/balances': balances(deps),
  });
}
