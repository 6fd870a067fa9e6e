/**
 * The routes of the back office, by API Gateway's `routeKey`. Each is a permission of its own in IAM
 * (`execute-api:Invoke` on method and path).
 *
 * This is the only list: the router has a handler for each and openapi.json a description, or they do not compile,
 * and the stack makes what is here.
 */
export const OPERATION_ROUTES = [
  'POST /operations/refunds',
  'POST /operations/withdrawals',
  'POST /operations/deposits',
  'POST /operations/payments/{id}/capture',
  'POST /operations/payments/{id}/void',
  'POST /operations/payments/{id}/approve',
  'POST /operations/payments/{id}/reject',
  'POST /operations/payments/{id}/chargeback',
  'POST /operations/claims/resolve',
  'POST /operations/alarms/acknowledge',
  'POST /operations/subscriptions/{id}/cancel',
  'GET /operations/subscriptions/{id}',
  'GET /operations/payments',
  'GET /operations/payments/{id}',
  'GET /operations/payments/{id}/gateway-operations',
  'GET /operations/customers/{referenceId}/cards',
  'GET /operations/balances',
] as const;

/** `POST /operations/refunds` or another. */
export type OperationRouteKey = (typeof OPERATION_ROUTES)[number];

type MethodOf<Key extends string> = Key extends `${infer Method} ${string}` ? Method : never;

/** `GET` or `POST`, and the path; a parameter in it is `{name}`. */
export function methodAndPath(key: OperationRouteKey): [method: MethodOf<OperationRouteKey>, path: string] {
  return key.split(' ') as [MethodOf<OperationRouteKey>, string];
}
