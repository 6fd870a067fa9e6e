import type { EventPayment, PaymentCloudEvent } from './event-schema.ts';
import { stringifyJson } from './json.ts';
import { type Origin, type PaymentRecord, paymentAt, stateBefore } from './payment.ts';
import type { PaymentState, PaymentType } from './state.ts';

/** An event ready to publish: its JSON text and what filter policies may look at. */
export interface Publication {
  id: string;
  body: string;
  attributes: {
    type: PaymentCloudEvent['type'];
    state: PaymentState;
    paymentType: PaymentType;
    paidAsRequested?: string;
    origin: Origin;
  };
}

/** All that subscribers see of a payment: what is not named here goes out to nobody. */
export const EVENT_FIELDS: Record<keyof EventPayment, true> = {
  id: true,
  referenceId: true,
  paymentType: true,
  parentPaymentId: true,
  state: true,
  final: true,
  amount: true,
  currency: true,
  requestedAmount: true,
  requestedCurrency: true,
  paidAsRequested: true,
  paymentMethod: true,
  account: true,
  cardBrand: true,
  country: true,
  externalId: true,
  externalResultCode: true,
  externalFeeAmount: true,
  externalFeeCurrency: true,
  errorCode: true,
  errorMessage: true,
  created: true,
  updated: true,
};

/** What a list names of an object, in the list's order; what is absent stays absent. */
export function picked<T extends object, K extends keyof T>(from: T, fields: Record<K, true>): Pick<T, K> {
  const names = Object.keys(fields) as K[];
  const present = names.filter((name) => from[name] !== undefined);
  return Object.fromEntries(present.map((name) => [name, from[name]])) as Pick<T, K>;
}

/** Whether a version was published: the payment as create-payment recorded it is no news, every other version is. */
export function isPublished(record: PaymentRecord, version: number): boolean {
  return !(version === 1 && record.history[0]?.source === 'create');
}

/**
 * The event of one version, made from the record's history and nothing else, so that publishing it again
 * gives the same bytes. `source` is a URI-reference naming this deployment.
 */
export function publicationOf(record: PaymentRecord, version: number, source: string): Publication {
  const { origin, ...whole } = paymentAt(record, version);
  const payment = picked(whole, EVENT_FIELDS);
  const corrected = record.history[version - 1]?.corrected;
  const type = corrected ? 'corrected' : (payment.state.toLowerCase() as Lowercase<PaymentState>);
  const event: PaymentCloudEvent = {
    specversion: '1.0',
    id: `${record.id}:${version}`,
    source,
    type: `paytech.payment.${type}`,
    subject: record.id,
    time: payment.updated,
    datacontenttype: 'application/json',
    data: { version, previousState: stateBefore(record, version), origin, payment },
  };
  return {
    id: event.id,
    body: stringifyJson(event),
    attributes: {
      type: event.type,
      state: payment.state,
      paymentType: payment.paymentType,
      ...(payment.paidAsRequested === undefined ? {} : { paidAsRequested: String(payment.paidAsRequested) }),
      origin,
    },
  };
}
