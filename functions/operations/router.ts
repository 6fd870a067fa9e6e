import { callerOf, type HttpEvent, type Reply } from '../../shared/http/api.ts';

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
export function router(routes: Readonly<Record<string, OperationRoute>>) {
  return (event: HttpEvent, owner: string, deadline: number): Promise<Reply> => {
    const { routeKey } = event.requestContext;
    const route = Object.hasOwn(routes, routeKey) ? routes[routeKey] : undefined;
    if (!route) throw new Error(`there is no route ${routeKey}`);
    return route(event, { caller: callerOf(event), owner, deadline });
  };
}
