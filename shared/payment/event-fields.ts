import { EVENT_FACT_NAMES } from './facts.ts';

/** Names the form of the events; another number stands for a change that readers must know of. */
export const EVENT_DATASCHEMA = 'urn:paytech-payments:payment-event:2';

/**
 * What subscribers see of a payment, in this order. What is not listed is in no event; what is has its form in
 * event-schema.ts, or that does not compile. Apart from it, so that who publishes need not load schemas.
 */
export const EVENT_PAYMENT_FIELDS = [
  'id',
  'referenceId',
  'paymentType',
  'parentPaymentId',
  'state',
  'final',
  'amount',
  'currency',
  'requestedAmount',
  'requestedCurrency',
  'paidAsRequested',
  'additionalParameters',
  ...EVENT_FACT_NAMES,
  'created',
  'updated',
] as const;
export type EventPaymentField = (typeof EVENT_PAYMENT_FIELDS)[number];
