import type { Logger } from '@aws-lambda-powertools/logger';
import { errors, jwtVerify } from 'jose';
import * as z from 'zod/mini';
import {
  additionalParameters,
  amountFault,
  counter,
  currency,
  referenceId,
  trustedCustomerFields,
} from '../../shared/http/payment-fields.ts';
import { Problem } from '../../shared/http/problem.ts';
import { matching, object } from '../../shared/http/validate.ts';
import { parseJson } from '../../shared/payment/json.ts';
import { decimal, isDecimal } from '../../shared/payment/money.ts';
import { readKeys, type Secret } from '../../shared/secrets.ts';

/*
 * An order token is a JWT by which the merchant's server says what is to be paid, so that the browser which
 * carries it cannot. Its claims:
 *
 *   exp          required, at most 24 hours ahead
 *   referenceId  the order
 *   amount       a decimal text in major units: "11.12"
 *   currency     ISO 4217, or a crypto symbol
 *   payment      optional: {preAuth, additionalParameters, customer: {referenceId, kycStatus,
 *                paymentInstrumentKycStatus, dateOfFirstDeposit, depositsAmount, withdrawalsAmount,
 *                depositsCnt, withdrawalsCnt}}, each optional and in the form that paytech documents;
 *                depositsAmount and withdrawalsAmount may be decimal texts too
 *
 * Other claims (iat, iss, …) are for the merchant's own use.
 */

/** Source: RFC 7518, 3.2: a key of the same size as the hash output or larger. */
export const MIN_ORDER_KEY_BYTES = 32;

/** A token that leaks is of use to nobody for longer than this. */
export const MAX_ORDER_TOKEN_SECONDS = 24 * 60 * 60;

const amountText = z.pipe(
  matching(/^(0|[1-9]\d{0,9})(\.\d{1,18})?$/, 'must be a decimal text, such as "11.12"'),
  z.transform(decimal),
);
const total = z.optional(z.union([counter, amountText], { error: 'must be a decimal text or a number' }));

/** The claims that this service reads; others are left alone. */
export const orderClaims = z
  .object({
    referenceId,
    amount: amountText,
    currency,
    payment: z.optional(
      object({
        preAuth: z.optional(z.boolean({ error: 'must be true or false' })),
        additionalParameters: z.optional(additionalParameters),
        customer: z.optional(
          object({ ...trustedCustomerFields, depositsAmount: total, withdrawalsAmount: total }),
        ),
      }),
    ),
  })
  .check((context) => {
    const { amount, payment } = context.value;
    const fault = isDecimal(amount) ? amountFault(amount, payment?.preAuth ?? false) : undefined;
    if (fault) context.issues.push({ code: 'custom', input: undefined, path: ['amount'], message: fault });
  });

/** What the merchant's server signed for. */
export type Order = z.output<typeof orderClaims>;

/** The keys in a secret's text. Throws when one is too short: whoever can guess it names the price. */
export function readOrderKeys(text: string): string[] {
  const keys = readKeys(text);
  if (keys.some((key) => Buffer.byteLength(key) < MIN_ORDER_KEY_BYTES)) {
    throw new TypeError(`an order-token key needs at least ${MIN_ORDER_KEY_BYTES} bytes`);
  }
  return keys;
}

export interface Dependencies {
  keys: Secret<string[]>;
  /** Epoch milliseconds. */
  now: () => number;
  logger: Pick<Logger, 'warn'>;
}

/**
 * Reads the order token in a parsed JSON body. Throws `order.token_required` without one and `order.token_invalid` for one that is
 * forged, expired or incomplete: which of these is only in the log, since an honest customer cannot mend it
 * and nobody else should learn it.
 */
export function orderTokens({ keys, now, logger }: Dependencies) {
  return async (json: unknown): Promise<Order> => {
    const token = (json as { orderToken?: unknown } | null)?.orderToken;
    if (token === undefined) {
      throw new Problem('order.token_required', "Send the orderToken that the merchant's server signed.");
    }
    try {
      return await readToken(token);
    } catch (error) {
      if (!(error instanceof errors.JOSEError || error instanceof UnusableOrder)) throw error;
      logger.warn('order token refused', { metric: 'OrderTokenInvalid', reason: error.message });
      throw new Problem('order.token_invalid', 'Ask your server for a new orderToken and send that.');
    }
  };

  async function readToken(token: unknown): Promise<Order> {
    if (typeof token !== 'string') throw new UnusableOrder('it is not a text');
    const secondsAhead = (await verifiedExpiry(token)) - now() / 1000;
    if (secondsAhead > MAX_ORDER_TOKEN_SECONDS) throw new UnusableOrder('exp is more than 24 hours ahead');
    return orderIn(token);
  }

  /** The `exp` of a token that one of the keys has signed; they may have been rotated since they were fetched. */
  async function verifiedExpiry(token: string): Promise<number> {
    try {
      return await verifyWith(await keys.get(), token);
    } catch (error) {
      const newKeys = error instanceof errors.JWSSignatureVerificationFailed && (await keys.refreshed());
      if (!newKeys) throw error;
      return await verifyWith(newKeys, token);
    }
  }

  async function verifyWith([key, ...olderKeys]: string[], token: string): Promise<number> {
    const options = { algorithms: ['HS256'], requiredClaims: ['exp'], currentDate: new Date(now()) };
    try {
      const { payload } = await jwtVerify(token, Buffer.from(key!), options);
      return payload.exp!;
    } catch (error) {
      const mayFitAnother = error instanceof errors.JWSSignatureVerificationFailed && olderKeys.length > 0;
      if (!mayFitAnother) throw error;
      return verifyWith(olderKeys, token);
    }
  }
}

/** The claims of a verified token, read from its text once more, because the JWT library rounds numbers. */
function orderIn(token: string): Order {
  const claims = orderClaims.safeParse(exactPayload(token));
  if (claims.success) return claims.data;
  const faults = claims.error.issues.map(({ path, message }) => `${path.join('.')} ${message}`);
  throw new UnusableOrder(faults.join('; '));
}

function exactPayload(token: string): unknown {
  const [, payload = ''] = token.split('.');
  try {
    return parseJson(Buffer.from(payload, 'base64url').toString());
  } catch {
    throw new UnusableOrder('a number in it is beyond all reason');
  }
}

/** Correctly signed, and still no order. */
class UnusableOrder extends Error {}
