/**
 * Prints an order token, signed as the merchant's server would:
 *   npm run --silent order-token -- --reference order-1 --amount 11.12 --currency EUR
 * Options:
 *   --amount may be left out where the stack has openAmounts
 *   --expires 3600  seconds from now, at most 86400
 *   --payment JSON  what a browser must not choose, such as '{"preAuth":true}'
 *   --key KEY       instead of the key of the local run
 */
import { parseArgs } from 'node:util';
import { MAX_ORDER_TOKEN_SECONDS, readOrderKeys } from '../../functions/create-payment/order-token.ts';
import { LOCAL_KEYS } from './account.ts';
import { signOrder } from './sign-order.ts';

const text = { type: 'string' } as const;
const USAGE =
  'npm run --silent order-token -- --reference order-1 --amount 11.12 --currency EUR [--expires 3600] [--payment JSON] [--key KEY]';

try {
  console.log(await orderToken(process.argv.slice(2)));
} catch (error) {
  console.error(`${(error as Error).message}\n${USAGE}`);
  process.exitCode = 1;
}

async function orderToken(args: string[]): Promise<string> {
  const { values } = parseArgs({
    args,
    options: {
      reference: text,
      amount: text,
      currency: text,
      payment: text,
      expires: { ...text, default: '3600' },
      key: { ...text, default: LOCAL_KEYS.orderTokenKey },
    },
  });
  const { reference: referenceId = '', amount, currency = '', payment } = values;
  const [key] = readOrderKeys(values.key);
  const seconds = Number(values.expires);
  if (!Number.isInteger(seconds) || seconds > MAX_ORDER_TOKEN_SECONDS) {
    throw new Error(`expires must be a number of seconds, at most ${MAX_ORDER_TOKEN_SECONDS}`);
  }
  const claims = {
    referenceId,
    ...(amount !== undefined && { amount }),
    currency,
    ...(payment && { payment: jsonOf(payment) }),
  };
  return signOrder(claims, key!, seconds);
}

function jsonOf(payment: string): object {
  try {
    return JSON.parse(payment);
  } catch (error) {
    throw new Error(`payment is not JSON: ${(error as Error).message}`);
  }
}
