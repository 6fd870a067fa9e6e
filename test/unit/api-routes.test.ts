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
  'POST /claims/{kind}/{id+}',
  'POST /claims/{kind}/{id}/resolve',
  'POST /claims/operation/{id}/resolve',
  'GET /payments/{id}',
  'GET /payments/all',
].map(route);

test.each([
  ['POST', '/claims/refund/r-1/resolve', 'POST /claims/{kind}/{id}/resolve', { kind: 'refund', id: 'r-1' }],
  ['POST', '/claims/operation/p-1/resolve', 'POST /claims/operation/{id}/resolve', { id: 'p-1' }],
  ['POST', '/claims/refund/r/1/resolve', 'POST /claims/{kind}/{id+}', { kind: 'refund', id: 'r/1/resolve' }],
  ['POST', '/claims/refund/r-1', 'POST /claims/{kind}/{id+}', { kind: 'refund', id: 'r-1' }],
  ['GET', '/payments/all', 'GET /payments/all', {}],
  ['GET', '/payments/p-1', 'GET /payments/{id}', { id: 'p-1' }],
])('%s %s', (method, path, key, pathParameters) => {
  const match = matchRoute(routes, method, path);
  expect([match?.route.key, match?.pathParameters]).toEqual([key, pathParameters]);
});

test.each([
  ['GET', '/claims/refund/r-1/resolve'],
  ['POST', '/claims/refund'],
  ['POST', '/claims/refund/'],
  ['GET', '/payments/'],
  ['GET', '/payments/p/1'],
])('%s %s is no route', (method, path) => {
  expect(matchRoute(routes, method, path)).toBeUndefined();
});
