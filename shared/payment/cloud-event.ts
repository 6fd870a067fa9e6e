import { EVENT_DATASCHEMA, EVENT_PAYMENT_FIELDS } from './event-fields.ts';
import type { PaymentCloudEvent } from './event-schema.ts';
import { stringifyWithTexts } from './json.ts';
import { type Origin, type PaymentRecord, paymentAt, stateBefore } from './payment.ts';
import { pick } from './pick.ts';
import { isBeginning, type PaymentState, type PaymentType } from './state.ts';

/** An event ready to publish: its JSON text and what filter policies may look at. */
export interface Publication {
  id: string;
  body: string;
  attributes: {
    type: PaymentCloudEvent['type'];
    state: PaymentState;
    paymentType: PaymentType;
    origin: Origin;
    paidAsRequested?: string;
  };
}

/**
 * Whether a version was published: all but the payment as it began with our own call. Where nobody could record its
 * beginning, the first version may be its end.
 */
export function isPublished({ history: [first] }: PaymentRecord, version: number): boolean {
  return !(version === 1 && first?.source === 'create' && isBeginning(first.facts.state));
}

/**
 * The event of one version, made from the record's history and nothing else, so that publishing it again
 * gives the same bytes. `source` is a URI-reference naming this deployment.
 */
export function publicationOf(record: PaymentRecord, version: number, source: string): Publication {
  const { origin, ...facts } = paymentAt(record, version);
  const payment = pick(facts, EVENT_PAYMENT_FIELDS);
  const { corrected, chargeback } = record.history[version - 1] ?? {};
  const ofState = payment.state.toLowerCase() as Lowercase<PaymentState>;
  const type = chargeback ? 'chargeback' : corrected ? 'corrected' : ofState;
  const event: PaymentCloudEvent = {
    specversion: '1.0',
    id: `${record.id}:${version}`,
    source,
    type: `paytech.payment.${type}`,
    subject: record.id,
    time: payment.updated,
    datacontenttype: 'application/json',
    dataschema: EVENT_DATASCHEMA,
    data: {
      version,
      previousState: stateBefore(record, version),
      origin,
      payment,
      ...(chargeback ? { chargeback: { state: chargeback.state } } : {}),
    },
  };
  return {
    id: event.id,
    body: stringifyWithTexts(event),
    attributes: {
      type: event.type,
      state: payment.state,
      paymentType: payment.paymentType,
      origin,
      ...(payment.paidAsRequested === undefined ? {} : { paidAsRequested: String(payment.paidAsRequested) }),
    },
  };
}
