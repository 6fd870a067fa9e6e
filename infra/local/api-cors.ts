/**
 * CORS as an HTTP API does it: preflights are answered before any route, and the API's rules replace whatever
 * CORS headers a function sends. Pages on this machine are allowed here whatever their port.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html
 */
import type { CorsRules } from './api-routes.ts';
import { isLocalPage } from './callers.ts';

type Headers = Record<string, string>;

export function isPreflight(method: string, headers: Headers): boolean {
  return method === 'OPTIONS' && 'origin' in headers && 'access-control-request-method' in headers;
}

/** Empty for an origin that is not allowed: its browser then refuses the answer. */
export function preflightHeaders(rules: CorsRules, origin: string | undefined): Headers {
  const allowed = allowedOrigin(rules, origin);
  if (!allowed) return {};
  return {
    ...allowed,
    ...list('access-control-allow-methods', rules.AllowMethods),
    ...list('access-control-allow-headers', rules.AllowHeaders),
    ...(rules.MaxAge !== undefined && { 'access-control-max-age': String(rules.MaxAge) }),
  };
}

/** The headers of an answer under the API's rules; without rules they are the function's own. */
export function withCors(
  headers: Headers,
  rules: CorsRules | undefined,
  origin: string | undefined,
): Headers {
  if (!rules) return headers;
  const own = Object.entries(headers).filter(([name]) => !name.startsWith('access-control-'));
  const allowed = allowedOrigin(rules, origin);
  return {
    ...Object.fromEntries(own),
    ...(allowed && { ...allowed, ...list('access-control-expose-headers', rules.ExposeHeaders) }),
  };
}

function allowedOrigin(rules: CorsRules, origin: string | undefined): Headers | undefined {
  const { AllowOrigins = [], AllowCredentials } = rules;
  const isAllowed = (each: string) => AllowOrigins.includes('*') || AllowOrigins.includes(each);
  if (!origin || !(isAllowed(origin) || isLocalPage(origin))) return undefined;
  return {
    'access-control-allow-origin': AllowOrigins.includes('*') ? '*' : origin,
    ...(AllowCredentials && { 'access-control-allow-credentials': 'true' }),
  };
}

function list(name: string, values: string[] | undefined): Headers {
  return values?.length ? { [name]: values.join(',') } : {};
}
