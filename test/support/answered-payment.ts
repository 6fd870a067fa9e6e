import type { Decimal } from '../../shared/payment/money.ts';
import { optional } from '../../shared/payment/payment.ts';
import type { GatewayPayment } from '../../shared/paytech/wire.ts';

/*
 * What paytech says of a payment. Every field is optional in its schema, may be null, and may come by one path and
 * not by another; its own examples are a webhook without a reference and a create answer of five fields.
 */

/** A payment as paytech has it. */
export type MadePayment = GatewayPayment & {
  /** Epoch milliseconds, by paytech's clock. */
  createdAt: number;
  /** What was asked for, whatever the provider got. */
  asked?: { amount?: Decimal; currency: string };
  /** A state that nobody knows, sent in place of its own. */
  strangeState?: string;
};

/**
 * - `whole`: everything that paytech has.
 * - `mixed`: anything but the id, the state, and what a list cannot do without may be left out or null.
 * - `terse`: the least by each path.
 */
export type Form = 'whole' | 'mixed' | 'terse';
export type Path = 'create' | 'get' | 'list' | 'act' | 'webhook';

/** A number below `outOf`; 0 is the kindest choice. */
export type Chance = (outOf: number) => number;

const TERSE: Record<Path, readonly string[]> = {
  create: ['id', 'paymentType', 'referenceId', 'state', 'redirectUrl', 'recurringToken'],
  get: ['id', 'paymentType', 'state', 'amount', 'currency', 'recurringToken'],
  list: [
    'id',
    'paymentType',
    'referenceId',
    'parentPaymentId',
    'state',
    'amount',
    'currency',
    'customer',
    'created',
  ],
  act: ['id', 'state'],
  webhook: ['id', 'state'],
};

const NEVER_LISTED: ReadonlySet<string> = new Set(['externalId', 'externalRefs', 'additionalParameters']);

/** The payment object as `parseJson` reads it: its amounts are decimals. */
export function answeredPayment(
  payment: MadePayment,
  path: Path,
  form: Form,
  chance: Chance,
): Record<string, unknown> {
  const whole = Object.entries(objectOf(payment, form === 'mixed' ? chance : () => 0, path));
  switch (form) {
    case 'whole':
      return Object.fromEntries(whole);
    case 'terse':
      return Object.fromEntries(whole.filter(([name]) => TERSE[path].includes(name)));
    case 'mixed': {
      const kept = whole.flatMap(([name, value]): [string, unknown][] => {
        const choice = name === 'id' || name === 'state' ? 0 : chance(4);
        if (choice === 1) return [];
        return [[name, choice === 2 ? null : value]];
      });
      return Object.fromEntries(kept);
    }
    default:
      return form satisfies never;
  }
}

function objectOf(payment: MadePayment, chance: Chance, path: Path): Record<string, unknown> {
  const {
    facts,
    createdAt: _,
    asked,
    strangeState,
    created,
    customerAmount,
    customerCurrency,
    ...identity
  } = payment;
  const { account, cardBrand, cardToken, country, state, externalRefs, ...money } = facts;
  const differs = {
    ...optional('customerAmount', customerAmount ?? (chance(2) === 1 ? asked?.amount : undefined)),
    ...optional('customerCurrency', customerCurrency ?? (chance(2) === 1 ? asked?.currency : undefined)),
  };
  const whole = {
    ...identity,
    ...differs,
    ...optional('created', created && (chance(2) === 1 ? created.replace(/\.\d+Z$/, '.333558401') : created)),
    state: strangeState ?? state,
    ...money,
    ...optional(
      'externalRefs',
      externalRefs && (chance(2) === 1 ? JSON.stringify(externalRefs) : externalRefs),
    ),
    paymentMethodDetails: {
      ...optional('customerAccountNumber', account),
      ...optional('cardBrand', cardBrand),
      ...optional('cardToken', cardToken),
      ...optional('cardIssuingCountryCode', country),
    },
    ...(chance(2) === 1 ? { internalState: 'ROUTED', shopName: null } : {}),
  };
  if (path !== 'list') return whole;
  const listed = Object.entries(whole).filter(([name]) => !NEVER_LISTED.has(name));
  return { ...Object.fromEntries(listed), customer: { accountNumber: 'DE89370400440532013000' } };
}
