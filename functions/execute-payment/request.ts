import * as z from 'zod/mini';
import { absentOr, matching, object, refused, text, validated } from '../../shared/http/validate.ts';
import { decimalPlaces, isDecimal } from '../../shared/payment/money.ts';

/*
 * The body of `PATCH /payments/{id}`: what the customer's browser says of itself, as far as paytech takes it
 * (paytech, "Execute payment"). All of it may be left out, the body too.
 */

const wholeNumber = (min: number, max: number) =>
  z.custom((value) => isDecimal(value) && decimalPlaces(value) === 0 && value.gte(min) && value.lte(max), {
    error: `must be a whole number from ${min} to ${max}`,
  });
const pixels = wholeNumber(0, 1_000_000);

export const executeBody = object({
  customerIp: refused('is the address that the request comes from, which the service sees itself'),
  ipCountryCode: absentOr(matching(/^[A-Z]{2}$/, 'must be two capital letters (ISO 3166)')),
  customerUserAgent: absentOr(text(512)),
  browserWindowWidth: z.optional(pixels),
  browserWindowHeight: z.optional(pixels),
  browserScreenWidth: z.optional(pixels),
  browserScreenHeight: z.optional(pixels),
  browserScreenColorDepth: z.optional(wholeNumber(0, 256)),
  browserLanguage: absentOr(text(32)),
  browserJavaEnabled: z.optional(z.boolean({ error: 'must be true or false' })),
  // Minutes, as Date.getTimezoneOffset() returns them.
  browserTimezoneOffset: z.optional(wholeNumber(-1_440, 1_440)),
});

/** Reads the parsed JSON body. Throws `request.invalid`; messages name fields and never repeat values. */
export function readExecuteRequest(json: unknown) {
  return validated(executeBody, json);
}
