import { stringifyJson } from './json.ts';
import { type Payment, type PaymentRecord, paymentAt, stateBefore } from './payment.ts';
import type { PaymentState, PaymentType } from './state.ts';

/** A CloudEvents 1.0 message to subscribers: one applied change, with the whole payment as of its version. */
export interface PaymentCloudEvent {
  specversion: '1.0';
  /** `<paymentId>:<version>`; a redelivery has the same id and the same bytes. */
  id: string;
  source: string;
  /** `paytech.payment.<state in lower case>`, or `paytech.payment.corrected`. */
  type: string;
  /** The payment's id. */
  subject: string;
  /** When the change was written, ISO 8601, UTC. */
  time: string;
  datacontenttype: 'application/json';
  data: { version: number; previousState: PaymentState | null; payment: EventPayment };
}

/** The payment as subscribers see it; instructions for the customer (`externalRefs`) stay out. */
export type EventPayment = Omit<Payment, 'version' | 'externalRefs'>;

/** An event ready to publish: its JSON text and what filter policies may look at. */
export interface Publication {
  id: string;
  body: string;
  attributes: { type: string; state: PaymentState; paymentType: PaymentType; paidAsRequested?: string };
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
  const { version: _, externalRefs: __, ...payment } = paymentAt(record, version);
  const type = record.history[version - 1]?.corrected ? 'corrected' : payment.state.toLowerCase();
  const event: PaymentCloudEvent = {
    specversion: '1.0',
    id: `${record.id}:${version}`,
    source,
    type: `paytech.payment.${type}`,
    subject: record.id,
    time: payment.updated,
    datacontenttype: 'application/json',
    data: { version, previousState: stateBefore(record, version), payment },
  };
  return {
    id: event.id,
    body: stringifyJson(event),
    attributes: {
      type: event.type,
      state: payment.state,
      paymentType: payment.paymentType,
      ...(payment.paidAsRequested === undefined ? {} : { paidAsRequested: String(payment.paidAsRequested) }),
    },
  };
}
