/**
 * How much paytech says. By its contract every field of every answer and webhook is optional, may be null, and may
 * come by one path and not by another:
 * - `whole`: all that is documented or has been seen.
 * - `sparse`: the least. Webhooks say an id and a state; create answers have the five fields of paytech's own example;
 *   GET has null where it says nothing, and lists leave it out; nothing says what was asked for where it differs;
 *   times have nanoseconds, and externalRefs are JSON text.
 * - `random`: each field of each answer and webhook as one of the two has it, or null, by a seed.
 */
export const ANSWER_FORMS = ['whole', 'sparse', 'random'] as const;
export type AnswerForm = (typeof ANSWER_FORMS)[number];

/** What is answered: a payment, by the path that it comes by, or something else. */
export type Subject =
  | 'create'
  | 'get'
  | 'list'
  | 'patch'
  | 'act'
  | 'webhook'
  | 'chargeback'
  | 'operation'
  | 'balance'
  | 'withdrawable'
  | 'card'
  | 'subscription'
  | 'cycle';

type Fields = Record<string, unknown>;

interface Rule {
  /** What even the least has. */
  sparse: readonly string[];
  /** What is in every random answer: without it the answer would be about nothing. */
  always: readonly string[];
}

const LISTED = ['id', 'paymentType', 'referenceId', 'parentPaymentId', 'state', 'amount', 'currency'];
const RULES: Record<Subject, Rule> = {
  // A recurring payment's answer carries its token by the contract.
  create: {
    sparse: ['id', 'referenceId', 'paymentType', 'state', 'redirectUrl', 'recurringToken'],
    always: ['id', 'state', 'recurringToken'],
  },
  get: {
    sparse: [
      'id',
      'created',
      'paymentType',
      'state',
      'amount',
      'currency',
      'redirectUrl',
      'recurringToken',
      'externalRefs',
    ],
    always: ['id', 'state'],
  },
  list: { sparse: [...LISTED, 'created', 'customer'], always: LISTED },
  patch: { sparse: ['id', 'state', 'externalRefs'], always: ['id', 'state'] },
  act: { sparse: ['id', 'state'], always: ['id', 'state'] },
  webhook: { sparse: ['id', 'state'], always: ['id', 'state'] },
  chargeback: { sparse: ['id', 'state'], always: ['id', 'state'] },
  operation: { sparse: ['operation', 'paymentState'], always: ['operation'] },
  balance: { sparse: ['accountType', 'currency', 'amount'], always: ['accountType', 'currency', 'amount'] },
  withdrawable: { sparse: ['currency', 'amount'], always: ['currency', 'amount'] },
  card: { sparse: ['id'], always: ['id'] },
  subscription: { sparse: ['id', 'state', 'cycles'], always: ['id', 'state'] },
  cycle: { sparse: ['paymentId', 'paymentState'], always: ['paymentId'] },
};

/** Where the least is null for what is not said, and not its absence. */
const LEAST_IS_NULL: ReadonlySet<Subject> = new Set(['get']);

export interface AnswersSetting {
  form: AnswerForm;
  /** Of the form `random`: the same choices for the same calls. */
  seed: number;
}

export class Answers {
  #setting: AnswersSetting;
  #random: () => number;

  constructor(setting: AnswersSetting) {
    this.#setting = setting;
    this.#random = numbersFrom(setting.seed);
  }

  get setting(): AnswersSetting {
    return this.#setting;
  }

  set setting(setting: AnswersSetting) {
    this.#setting = setting;
    this.#random = numbersFrom(setting.seed);
  }

  /** The object in the form that is set, or in another. */
  formed(subject: Subject, whole: object, form: AnswerForm = this.#setting.form): Fields {
    switch (form) {
      case 'whole':
        return { ...whole };
      case 'sparse':
        return sparse(subject, whole);
      case 'random':
        return this.#mixed(subject, { ...whole });
      default:
        return form satisfies never;
    }
  }

  #mixed(subject: Subject, whole: Fields): Fields {
    const chance = (outOf: number) => Math.floor(this.#random() * outOf);
    const { always } = RULES[subject];
    const fills = 'customerAmount' in whole && whole.customerAmount === undefined && chance(2) === 1;
    const asked = fills && { customerAmount: whole.amount, customerCurrency: whole.currency };
    const fields = Object.entries({ ...whole, ...asked }).flatMap(([name, value]): [string, unknown][] => {
      const written = chance(2) === 0 ? value : otherwise(name, value);
      if (always.includes(name)) return [[name, written]];
      const choice = chance(4);
      if (choice === 0) return [];
      return [[name, choice === 1 ? null : written]];
    });
    return Object.fromEntries(fields);
  }
}

function sparse(subject: Subject, whole: object): Fields {
  const kept = RULES[subject].sparse;
  const entries = Object.entries(whole).flatMap(([name, value]): [string, unknown][] => {
    if (kept.includes(name)) return value === undefined ? [] : [[name, otherwise(name, value)]];
    return LEAST_IS_NULL.has(subject) ? [[name, null]] : [];
  });
  return Object.fromEntries(entries);
}

/** The same, as it has been seen elsewhere: times with nanoseconds, texts by names as JSON text. */
function otherwise(name: string, value: unknown): unknown {
  if (value === undefined || value === null) return value;
  if (name === 'created') return String(value).replace(/:\d\d$/, '$&.333558401');
  if (name === 'externalRefs' || name === 'additionalParameters') return JSON.stringify(value);
  return value;
}

/** Numbers from 0 to below 1 that look random, the same for the same seed (mulberry32). */
function numbersFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
