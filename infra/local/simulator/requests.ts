/** What the gateway's other calls take: one schema per request. */
import { isIP } from 'node:net';
import * as z from 'zod';
import { amount, exactNumber, text, webUrl } from './fields.ts';

export const executeRequest = z.object({
  customerIp: text(39).refine((value) => isIP(value) !== 0, 'must be an IPv4 or IPv6 address'),
  ipCountryCode: z.string().optional(),
  customerUserAgent: text(512).optional(),
  browserWindowWidth: exactNumber.optional(),
  browserWindowHeight: exactNumber.optional(),
  browserScreenWidth: exactNumber.optional(),
  browserScreenHeight: exactNumber.optional(),
  browserScreenColorDepth: exactNumber.optional(),
  browserLanguage: text(32).optional(),
  browserJavaEnabled: z.boolean().optional(),
  browserTimezoneOffset: exactNumber.optional(),
});

export const captureRequest = z.object({ amount: amount.optional() });

export const rejectRequest = z.object({ rejectReason: z.string().optional() });

export const chargebackRequest = z.object({
  description: text(512).optional(),
  created: z.string().optional(),
  state: z.enum(['CANCELLED', 'DECLINED', 'COMPLETED']).optional(),
  webhookUrl: webUrl.optional(),
});
export type ChargebackRequest = z.infer<typeof chargebackRequest>;

export const cardsParameters = z.object({
  referenceId: z.string().regex(/^[a-zA-Z0-9_-]{1,128}$/, 'must be 1 to 128 of a-z, A-Z, 0-9, _ and -'),
});
export const cardsQuery = z.object({ 'savedByCustomer.eq': z.enum(['true', 'false']).optional() });

export const subscriptionUpdate = z.object({ state: z.literal('CANCELLED') });

const moment = z
  .string()
  .regex(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}$/, 'must be YYYY-MM-DDTHH:MM:SS')
  .transform((value) => new Date(`${value}Z`))
  .refine((value) => !Number.isNaN(value.getTime()), 'must be a date and time that exists');

const wholeNumber = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d{1,7}$/, 'must be a whole number')
    .transform(Number)
    .pipe(z.number().min(min).max(max));

export const listQuery = z.object({
  offset: wholeNumber(0, 1_000_000).default(0),
  limit: wholeNumber(1, 1000).default(50),
  'created.gte': moment.optional(),
  'created.lt': moment.optional(),
  'updated.gte': moment.optional(),
  'updated.lt': moment.optional(),
  'referenceId.eq': z.string().optional(),
});
export type ListQuery = z.infer<typeof listQuery>;
