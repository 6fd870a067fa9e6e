import { type ExternalRefs, keptRefs } from './external-refs.ts';
import type { Decimal } from './money.ts';

/** The kinds of value that a fact may have. Money is in major units and may be below zero. */
export interface FactValues {
  text: string;
  money: Decimal;
  texts: ExternalRefs;
}

interface Fact {
  kind: keyof FactValues;
  /** Whether subscribers receive it. The record and the back office have every fact. */
  inEvents: boolean;
  /** What it says, for whoever reads it in the OpenAPI document or the schema of events. */
  says: string;
}

/**
 * What paytech may say of a payment beside its state, amount and currency, and is kept: one entry per fact, and its
 * place in paytech's object in shared/paytech/fact-paths.ts. What the service reads, queues, stores, publishes and shows
 * is made from the two. The storefront's view alone lists its fields.
 */
export const FACTS = {
  paymentMethod: { kind: 'text', inEvents: true, says: 'Such as BASIC_CARD.' },
  account: { kind: 'text', inEvents: true, says: 'Masked: at most its last four characters.' },
  cardBrand: { kind: 'text', inEvents: true, says: 'Such as VISA.' },
  cardToken: {
    kind: 'text',
    inEvents: false,
    says: 'By which the card can be charged again or paid out to. For the back office alone.',
  },
  country: { kind: 'text', inEvents: true, says: "ISO 3166 alpha-2, of the card's issuer." },
  externalId: { kind: 'text', inEvents: true, says: "The provider's id of the payment." },
  externalResultCode: { kind: 'text', inEvents: true, says: "The provider's code for its ending." },
  externalFeeAmount: { kind: 'money', inEvents: true, says: "The provider's fee." },
  externalFeeCurrency: { kind: 'text', inEvents: true, says: 'Of `externalFeeAmount`.' },
  externalRefs: {
    kind: 'texts',
    inEvents: false,
    says: 'Instructions for the customer, by name: a reference to pay under, a QR code as a data URI.',
  },
  errorCode: { kind: 'text', inEvents: true, says: "paytech's code of why it failed." },
  gatewayMessage: {
    kind: 'text',
    inEvents: true,
    says: "paytech's own words for it, not meant for the customer; what is fit for them is the storefront's `errorMessage`.",
  },
} as const satisfies Record<string, Fact>;

type Table = typeof FACTS;
export type FactName = keyof Table;
export type KindOfFact<Name extends FactName> = Table[Name]['kind'];
/** The facts that subscribers receive. */
export type EventFactName = {
  [Name in FactName]: Table[Name]['inEvents'] extends true ? Name : never;
}[FactName];
/** What was reported; a fact that nobody mentioned is absent. */
export type Facts = { [Name in FactName]?: FactValues[KindOfFact<Name>] };

export const FACT_NAMES = Object.keys(FACTS) as FactName[];
export const EVENT_FACT_NAMES = FACT_NAMES.filter((name) => FACTS[name].inEvents) as EventFactName[];

/** The facts as they are queued and stored: of texts by name, as many as fit. */
export function keptFacts<Given extends Facts>(facts: Given): Given {
  const kept = Object.entries(facts).flatMap(([name, value]) => {
    const texts = isOfTexts(name) && value ? keptRefs(value as ExternalRefs) : value;
    return texts === undefined ? [] : [[name, texts]];
  });
  return Object.fromEntries(kept) as Given;
}

function isOfTexts(name: string): boolean {
  return Object.hasOwn(FACTS, name) && FACTS[name as FactName].kind === 'texts';
}
