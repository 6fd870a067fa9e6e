import { errors, type JWTPayload, jwtVerify } from 'jose';
import * as z from 'zod/mini';
import { currency, referenceId, trustedCustomerFields } from '../../shared/http/payment-fields.ts';
import { type FieldProblem, Problem } from '../../shared/http/problem.ts';
import { matching, object } from '../../shared/http/validate.ts';
import { parseJson } from '../../shared/payment/json.ts';
import { AMOUNT_TEXT, decimal } from '../../shared/payment/money.ts';
import type { Logger } from '../../shared/runtime/logger.ts';
import { readKeys, type Secret } from '../../shared/runtime/secrets.ts';
import { orderFaults, trustedFields } from './trusted-fields.ts';

/*
 * An order token is a JWT by which the merchant's server says what is to be paid, so that the browser which
 * carries it cannot. Its claims:
 *
 *   exp          required, at most 24 hours ahead
 *   nbf          optional: not valid before
 *   aud          optional: whom it is for; then this stack's `source` must be among it
 *   referenceId  the order
 *   amount       a decimal string in major units: "11.12"; may be left out where the stack has `openAmounts`
 *   currency     ISO 4217, or a crypto symbol
 *   payment      optional: {preAuth, cardToken, startRecurring, subscription, additionalParameters, customer: {referenceId, kycStatus,
 *                paymentInstrumentKycStatus, dateOfFirstDeposit, depositsAmount, withdrawalsAmount,
 *                depositsCnt, withdrawalsCnt}}, each optional and in the form that paytech documents
 *
 * Clocks may differ by a minute.
 * Other claims (iat, iss, …) are for the merchant's own use.
 */

/** Source: RFC 7518, 3.2: a key of the same size as the hash output or larger. */
const MIN_ORDER_KEY_BYTES = 32;

/** A token that leaks is of use to nobody for longer than this. */
export const MAX_ORDER_TOKEN_SECONDS = 24 * 60 * 60;

/** What the clocks of the merchant's server and of this one may differ by, at either end of a token's life. */
const CLOCK_TOLERANCE_SECONDS = 60;

/** Ten times what an order needs: anybody can send a token, and reading one costs time. */
const MAX_ORDER_TOKEN_BYTES = 16 * 1024;

const amountText = z.pipe(
  matching(AMOUNT_TEXT, 'must be a decimal string, such as "11.12"'),
  z.transform(decimal),
);

/** The claims that this service reads; others are left alone. */
export const orderClaims = z
  .object({
    referenceId,
    amount: z.optional(amountText),
    currency,
    payment: z.optional(
      object({
        ...trustedFields,
        customer: z.optional(object(trustedCustomerFields)),
      }),
    ),
  })
  .check((context) => {
    const { amount, payment } = context.value;
    for (const { field, message } of orderFaults({ ...payment, amount })) {
      const path = field[0] === 'amount' ? field : ['payment', ...field];
      context.issues.push({ code: 'custom', input: undefined, path, message });
    }
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

export interface OrderTokenDependencies {
  keys: Secret<string[]>;
  /** What the claim `aud`, where a token has it, must name: this stack's source, as in its events. */
  audience: string;
  /** Whether the amount may be left to the customer. */
  openAmounts: boolean;
  /** Epoch milliseconds. */
  now: () => number;
  logger: Pick<Logger, 'warn'>;
}

/**
 * Reads an order token. Throws `order.token_required` without one and `order.token_invalid` for one that is forged,
 * expired or incomplete: which member of it was refused is only in the log, since an honest customer cannot fix it
 * and nobody else should learn it.
 */
export function orderTokens({ keys, audience, openAmounts, now, logger }: OrderTokenDependencies) {
  return async (token: unknown): Promise<Order> => {
    if (token === undefined) {
      throw new Problem('order.token_required', "Send the orderToken that the merchant's server signed.");
    }
    try {
      return await readToken(token);
    } catch (error) {
      const refusals = refusalsOf(error);
      if (!refusals) throw error;
      const members = refusals.map(({ field }) => field);
      const reason = refusals.map(({ field, message }) => `${field} ${message}`).join('; ');
      logger.warn('order token refused', { metric: 'OrderTokenInvalid', members, reason });
      throw new Problem('order.token_invalid', 'Ask your server for a new orderToken and send that.');
    }
  };

  async function readToken(token: unknown): Promise<Order> {
    if (typeof token !== 'string') throw unusable('token', 'is not a string');
    if (Buffer.byteLength(token) > MAX_ORDER_TOKEN_BYTES) {
      throw unusable('token', `has more than ${MAX_ORDER_TOKEN_BYTES} bytes`);
    }
    const { exp, aud } = await verifiedClaims(token);
    const secondsAhead = exp! - now() / 1000;
    if (secondsAhead > MAX_ORDER_TOKEN_SECONDS + CLOCK_TOLERANCE_SECONDS) {
      throw unusable('exp', 'is more than 24 hours ahead');
    }
    if (aud !== undefined && ![aud].flat().includes(audience)) {
      throw unusable('aud', `does not name ${audience}`);
    }
    const order = orderIn(token);
    if (!order.amount && !openAmounts)
      throw unusable('amount', 'is missing, and this stack takes no open amounts');
    return order;
  }

  /** The claims of a token that one of the keys has signed; they may have been rotated since they were fetched. */
  async function verifiedClaims(token: string): Promise<JWTPayload> {
    try {
      return await verifyWith(await keys.get(), token);
    } catch (error) {
      const newKeys = error instanceof errors.JWSSignatureVerificationFailed && (await keys.refreshed());
      if (!newKeys) throw error;
      return await verifyWith(newKeys, token);
    }
  }

  async function verifyWith([key, ...olderKeys]: string[], token: string): Promise<JWTPayload> {
    const options = {
      algorithms: ['HS256'],
      requiredClaims: ['exp'],
      currentDate: new Date(now()),
      clockTolerance: CLOCK_TOLERANCE_SECONDS,
    };
    try {
      return (await jwtVerify(token, Buffer.from(key!), options)).payload;
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
  throw new UnusableOrder(claims.error.issues.map(refusalOf));
}

/** Only what this service has a name for is named: the merchant's own keys may hold anything. */
function refusalOf({ code, path, message }: z.core.$ZodIssue): FieldProblem {
  const names = path.map(String);
  const known = names.slice(0, names.indexOf('additionalParameters') + 1 || names.length);
  const isUnknown = code === 'unrecognized_keys';
  return {
    field: known.join('.') || 'token',
    message: isUnknown ? 'has a member that is not known here' : message,
  };
}

function exactPayload(token: string): unknown {
  const [, payload = ''] = token.split('.');
  try {
    return parseJson(Buffer.from(payload, 'base64url').toString());
  } catch {
    throw unusable('token', 'has a number that is out of range');
  }
}

/** Correctly signed, and still no order: which claims, and what is wrong with them; never what they say. */
class UnusableOrder extends Error {
  readonly refusals: FieldProblem[];

  constructor(refusals: FieldProblem[]) {
    super();
    this.refusals = refusals;
  }
}

const unusable = (field: string, message: string) => new UnusableOrder([{ field, message }]);

/**
 * Which members of a token are at fault; undefined for an error that is not the token's. The JWT library's own texts
 * are not used for what anybody can write into a token, since they repeat it.
 */
function refusalsOf(error: unknown): FieldProblem[] | undefined {
  if (error instanceof UnusableOrder) return error.refusals;
  if (error instanceof errors.JWTExpired) return [{ field: 'exp', message: 'has expired' }];
  if (error instanceof errors.JWTClaimValidationFailed) {
    return [{ field: error.claim, message: `is refused: ${error.reason}` }];
  }
  if (error instanceof errors.JWSSignatureVerificationFailed) {
    return [{ field: 'signature', message: 'does not match' }];
  }
  if (error instanceof errors.JOSEAlgNotAllowed) return [{ field: 'alg', message: 'is not HS256' }];
  if (error instanceof errors.JOSENotSupported) {
    return [{ field: 'crit', message: 'names what is not known here' }];
  }
  return error instanceof errors.JOSEError
    ? [{ field: 'token', message: `is no JWT (${error.code})` }]
    : undefined;
}
