import { callerOf, type HttpEvent, type Reply } from '../../shared/http/api.ts';
import type { OperationRouteKey } from './routes.ts';

/** What a route knows of the request besides its content. */
export interface Call {
  /** The IAM identity that signed it. */
  caller: string;
  /** Unique to this request. */
  owner: string;
  /** When this process will be stopped, in epoch milliseconds. */
  deadline: number;
}

export type OperationRoute = (event: HttpEvent, call: Call) => Promise<Reply>;

/** Finds the route by API Gateway's `routeKey`, such as `POST /operations/refunds`. */
export function router(routes: Readonly<Record<OperationRouteKey, OperationRoute>>) {
  return (event: HttpEvent, owner: string, deadline: number): Promise<Reply> => {
    const { routeKey } = event.requestContext;
    if (!isRouteOf(routes, routeKey)) throw new Error(`there is no route ${routeKey}`);
    return routes[routeKey](event, { caller: callerOf(event), owner, deadline });
  };
}

function isRouteOf<Key extends string>(routes: Readonly<Record<Key, unknown>>, key: string): key is Key {
  return Object.hasOwn(routes, key);
}
