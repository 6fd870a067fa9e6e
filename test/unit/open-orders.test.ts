import { describe, expect, it } from 'vitest';
import { orderTokens } from '../../functions/create-payment/order-token.ts';
import { readRequestForOrder } from '../../functions/create-payment/request.ts';
import { LOCAL_KEYS } from '../../infra/local/account.ts';
import type { Problem } from '../../shared/http/problem.ts';
import { parseJson } from '../../shared/payment/json.ts';
import { decimal } from '../../shared/payment/money.ts';
import { orderToken } from '../support/order-token.ts';
import { memoryLogger } from '../support/world.ts';

const NOW = Date.parse('2026-11-23T12:00:00Z');
const EUR = { referenceId: 'top-up-1', currency: 'EUR' };

function read(openAmounts: boolean, claims: object = EUR) {
  const logger = memoryLogger();
  const keys = { get: async () => [LOCAL_KEYS.orderTokenKey], refreshed: async () => undefined };
  const reading = orderTokens({ keys, audience: 'urn:x', openAmounts, now: () => NOW, logger })(
    orderToken({ exp: NOW / 1000 + 600, ...claims }),
  );
  return { reading, logger };
}

describe('an order token without an amount', () => {
  it('leaves it to the customer where the stack has openAmounts', async () => {
    const order = await read(true).reading;
    expect(order).toEqual(EUR);
    expect(readRequestForOrder(parseJson('{"orderToken":"x"}'), order, [])).toEqual(EUR);
  });

  it('is refused elsewhere, and the log says why', async () => {
    const { reading, logger } = read(false);
    await expect(reading).rejects.toMatchObject({ code: 'order.token_invalid' });
    expect(logger.lines.at(-1)?.more).toMatchObject({ members: ['amount'] });
  });

  it('does not let the body have one', async () => {
    const order = await read(true).reading;
    const body = parseJson('{"orderToken":"x","amount":"10"}');
    const code = (() => {
      try {
        return readRequestForOrder(body, order, []);
      } catch (error) {
        return (error as Problem).code;
      }
    })();
    expect(code).toBe('order.token_conflict');
  });

  it.each(['0', '0.000001', '1000000001'])('is not one that asks for %s', async (amount) => {
    await expect(read(true, { ...EUR, amount }).reading).rejects.toMatchObject({
      code: 'order.token_invalid',
    });
  });
});

it('an amount in the token binds where open ones are taken, too', async () => {
  const order = await read(true, { ...EUR, amount: '10' }).reading;
  expect(order.amount).toEqual(decimal('10'));
  expect(readRequestForOrder(parseJson('{"orderToken":"x"}'), order, [])).toMatchObject({
    amount: decimal('10'),
  });
});
