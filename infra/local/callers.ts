/**
 * Who may call the servers here: programs on this machine, and of pages in a browser those that are on it too. A website
 * that the developer visits while the service runs neither drives the simulator nor reads the table, also not by a name
 * of its own that leads to this machine (DNS rebinding).
 */
import type { IncomingHttpHeaders } from 'node:http';
import { type RequestHandler, sendJson } from './http-server.ts';

/** Pages on this machine, on whatever port, as `allowedOrigins` has them here. */
export const LOCAL_PAGES = ['http://localhost:*', 'http://127.0.0.1:*'] as const;

const IS_LOCAL_NAME = /^(127\.0\.0\.1|(.+\.)?localhost)$/;
const IS_LOCAL_PAGE = /^http:\/\/(localhost|127\.0\.0\.1)(:\d+)?$/;

export const isLocalPage = (origin: string): boolean => IS_LOCAL_PAGE.test(origin);

/**
 * Why a request is not served, or undefined.
 * @param pageOrigins pages elsewhere that may call
 */
export function refusalOf(
  { host, origin }: Pick<IncomingHttpHeaders, 'host' | 'origin'>,
  pageOrigins: readonly string[] = [],
): string | undefined {
  if (host !== undefined && !IS_LOCAL_NAME.test(host.replace(/:\d+$/, '').toLowerCase())) {
    return 'Call it by the name localhost or 127.0.0.1.';
  }
  const mayCall = origin === undefined || isLocalPage(origin) || pageOrigins.includes(origin);
  return mayCall
    ? undefined
    : `Pages of ${origin} may not call this. npm start takes more origins in ALLOWED_ORIGINS.`;
}

/** The handler for those who may call. */
export function forCallersHere(handler: RequestHandler, pageOrigins: readonly string[] = []): RequestHandler {
  return async (request, response) => {
    const refusal = refusalOf(request.headers, pageOrigins);
    if (refusal) sendJson(response, 403, { message: refusal });
    else await handler(request, response);
  };
}
