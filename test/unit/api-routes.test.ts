import { expect, test } from 'vitest';
import { matchRoute, type Route } from '../../infra/local/api-routes.ts';

const route = (key: string): Route => ({
  key,
  method: key.split(' ')[0]!,
  segments: key.split(' ')[1]!.split('/').slice(1),
  needsSignature: false,
  functionName: 'f',
  timeoutMs: 1,
});

const routes = [
  'POST /payments/{id}/{action}',
  'POST /payments/{id}/void',
  'GET /payments/{id}',
  'GET /payments/all',
].map(route);

test.each([
  ['POST', '/payments/p-1/void', 'POST /payments/{id}/void', { id: 'p-1' }],
  ['POST', '/payments/p-1/capture', 'POST /payments/{id}/{action}', { id: 'p-1', action: 'capture' }],
  ['GET', '/payments/all', 'GET /payments/all', {}],
  ['GET', '/payments/p-1', 'GET /payments/{id}', { id: 'p-1' }],
])('%s %s', (method, path, key, pathParameters) => {
  const match = matchRoute(routes, method, path);
  expect([match?.route.key, match?.pathParameters]).toEqual([key, pathParameters]);
});

test.each([
  ['GET', '/payments/p-1/void'],
  ['POST', '/payments/p-1'],
  ['POST', '/payments/p-1/'],
  ['GET', '/payments/'],
  ['GET', '/payments/p/1'],
])('%s %s is no route', (method, path) => {
  expect(matchRoute(routes, method, path)).toBeUndefined();
});
