import { expect, it } from 'vitest';
import { LOCAL_KEYS } from '../../infra/local/local-service.ts';
import { orderToken } from '../support/order-token.ts';
import { sharedService } from '../support/service.ts';

/** What a developer is told of a token of their own making; on AWS only the log says it. */

const service = await sharedService({ orderTokens: 'required' });

const soon = Math.floor(Date.now() / 1000) + 600;
const claims = { referenceId: 'order-1', amount: '11.12', currency: 'EUR', exp: soon };

it.each([
  [
    'another key',
    orderToken(claims, { key: 'x'.repeat(32) }),
    `signature does not match. The key on this machine is ${LOCAL_KEYS.orderTokenKey}.`,
  ],
  ['another algorithm', orderToken(claims, { header: { alg: 'HS512' }, hash: 'sha512' }), 'alg is not HS256'],
  ['no end', orderToken({ ...claims, exp: undefined }), 'exp is refused: missing'],
  ['an end in milliseconds', orderToken({ ...claims, exp: soon * 1000 }), 'exp is more than 24 hours ahead'],
  ['an amount as a number', orderToken({ ...claims, amount: 11.12 }), 'amount must be a decimal string'],
  ['no currency', orderToken({ ...claims, currency: undefined }), 'currency '],
  ['another text', 'not-a-token', 'token is no JWT'],
])('%s', async (_, token, reason) => {
  const answer = await service.api('POST', '/payments', JSON.stringify({ orderToken: token }));
  expect(answer.status).toBe(401);
  expect(answer.json()).toMatchObject({
    code: 'order.token_invalid',
    detail: expect.stringContaining(`Of this one: ${reason}`),
  });
});
