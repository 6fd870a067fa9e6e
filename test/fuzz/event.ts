import { randomUUID } from 'node:crypto';
import type { HttpEvent } from '../../shared/http/api.ts';
import { CALLER } from '../support/back-office.ts';
import type { FuzzRequest } from './requests.ts';

/** The request as API Gateway hands it to a function. */
export function eventOf(request: FuzzRequest, headers: Record<string, string> = {}): HttpEvent {
  const { route, at, query, body, contentType, encoding } = request;
  const [method = '', path = ''] = route.split(' ');
  const isBase64 = encoding === 'base64';
  return {
    headers: { 'content-type': contentType, ...headers },
    ...(body.length > 0 && { body: isBase64 ? body.toString('base64') : body.toString() }),
    isBase64Encoded: encoding !== 'text',
    pathParameters: at,
    ...(Object.keys(query).length > 0 && { queryStringParameters: query }),
    requestContext: {
      routeKey: route,
      requestId: randomUUID(),
      http: { method, path, sourceIp: '203.0.113.9', protocol: 'HTTP/1.1', userAgent: 'fuzz/1' },
      authorizer: { iam: { userArn: CALLER } },
    } as unknown as HttpEvent['requestContext'],
  };
}
