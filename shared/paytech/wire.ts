import * as z from 'zod/mini';
import type { ExternalRefs } from '../payment/external-refs.ts';
import { FACT_NAMES, FACTS, type Facts, type FactValues, keptFacts } from '../payment/facts.ts';
import { parseJson, stringifyJson } from '../payment/json.ts';
import { type Decimal, decimalPlaces, isDecimal } from '../payment/money.ts';
import { optional, type PaymentFacts, type UnknownWord } from '../payment/payment.ts';
import { PAYMENT_STATES, PAYMENT_TYPES, type PaymentState, type PaymentType } from '../payment/state.ts';
import { withoutTokensIn } from '../payment/tokens.ts';
import { PATHS, type Path } from './fact-paths.ts';
import { lenient, otherwise, utc } from './lenient.ts';

/*
 * The gateway's payment object. Every field is optional in paytech's own schema and new ones come without
 * notice, so only what money depends on is checked; anything else that is malformed reads as absent.
 */

/** DynamoDB keeps 38 digits; an amount that would not fit must fail here and not be rounded there. */
const MAX_DIGITS = 38;

const amount = z.custom<Decimal>(
  (value) =>
    isDecimal(value) &&
    value.c.length <= MAX_DIGITS &&
    Math.abs(value.e) < MAX_DIGITS &&
    decimalPlaces(value) <= MAX_DIGITS,
  { error: 'is not an amount' },
);
/** Of a payment. Below zero it is none, and reads as absent; a fee may be below. */
const paymentAmount = z.pipe(
  amount,
  z.transform((value: Decimal) => (value.lt(0) ? undefined : value)),
);
// Half a surrogate pair would not come back from the table as it went in.
const text = z.pipe(
  z.string().check(z.minLength(1), z.maxLength(512)),
  z.transform((value: string) => value.toWellFormed()),
);
/** Texts by name, as an object or as its JSON; what is no text in it is left out. */
const textMap = z.pipe(z.unknown(), z.transform(toTextMap));
/** Where the customer is sent: nothing but a web page, and unencrypted only on one's own machine. */
const webPage = z.string().check(z.maxLength(4096), z.refine(isWebPage));

export const PAYMENT_ID = /^[A-Za-z0-9]{1,64}$/;

const wirePayment = z.looseObject({
  id: z.string().check(z.regex(PAYMENT_ID)),
  state: z.enum(PAYMENT_STATES),
  paymentType: z.nullish(z.enum(PAYMENT_TYPES)),
  amount: z.nullish(paymentAmount),
  currency: z.nullish(text),
  customerAmount: z.nullish(paymentAmount),
  customerCurrency: z.nullish(text),
  referenceId: lenient(text),
  parentPaymentId: lenient(text),
  created: lenient(text),
  redirectUrl: lenient(webPage),
  recurringToken: lenient(text),
});

/** How a fact of each kind is read. */
const FACT_FORMS: { [Kind in keyof FactValues]: z.ZodMiniType<FactValues[Kind] | undefined> } = {
  text,
  money: amount,
  texts: textMap,
};

/** What paytech says of a payment, as far as this service keeps it. Absent fields were not mentioned. */
export interface GatewayPayment {
  id: string;
  paymentType?: PaymentType;
  referenceId?: string;
  parentPaymentId?: string;
  /** What the request asked for, which paytech repeats only where the provider got something else. */
  customerAmount?: Decimal;
  customerCurrency?: string;
  /** ISO 8601, UTC. */
  created?: string;
  redirectUrl?: string;
  /** Read from paytech's answers for the record alone; no message carries it. */
  recurringToken?: string;
  facts: Partial<PaymentFacts> & { state: PaymentState };
}

/** The bytes cannot be read as a payment object; they will not be readable on a second try either. */
export class UnreadablePayment extends Error {
  override name = 'UnreadablePayment';
}

/** Reads the bytes of a webhook or of an answer kept on the queue. Throws {@link UnreadablePayment}. */
export function readPayment(bytes: Uint8Array): GatewayPayment {
  return toGatewayPayment(jsonOf(bytes));
}

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return parseJson(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw new UnreadablePayment('not JSON in UTF-8');
  }
}

/** What a message says of a payment: not every one has a state and type that are known. */
export type Report =
  | { is: 'payment'; payment: GatewayPayment }
  | { is: 'stateless'; payment: StatelessPayment }
  | ({ is: 'unknown'; id: string } & Pick<UnknownWord, 'of' | 'word'>);

/** A payment whose state was not mentioned. */
export type StatelessPayment = Omit<GatewayPayment, 'facts'> & { facts: Partial<PaymentFacts> };

/** As {@link readPayment}, but a state that is missing, or a state or type that nobody knows, is something said. */
export function readReport(bytes: Uint8Array): Report {
  const json = jsonOf(bytes);
  const named = wireNames.safeParse(json);
  if (!named.success) return { is: 'payment', payment: toGatewayPayment(json) };
  const { id, state, paymentType } = named.data;
  if (isUnknown(paymentType, PAYMENT_TYPES))
    return { is: 'unknown', id, of: 'type', word: wordOf(paymentType) };
  if (isUnknown(state, PAYMENT_STATES)) return { is: 'unknown', id, of: 'state', word: wordOf(state) };
  if (state) return { is: 'payment', payment: toGatewayPayment(json) };
  const { state: _, ...facts } = toMadePayment(json).facts;
  return { is: 'stateless', payment: { ...toMadePayment(json), facts } };
}

const wireNames = z.looseObject({
  id: z.string().check(z.regex(PAYMENT_ID)),
  state: z.nullish(z.string()),
  paymentType: z.nullish(z.string()),
});

function isUnknown(word: string | null | undefined, known: readonly string[]): word is string {
  return !!word && !known.includes(word);
}

/** As paytech names its states and types; anything else may be a customer's, and goes into no record and log. */
const NAME = /^[A-Z][A-Z_]{0,63}$/;

function wordOf(word: string): string {
  return NAME.test(word) ? word : '(no name)';
}

/** Takes over what is kept of a payment object parsed by `parseJson`. Throws {@link UnreadablePayment}. */
export function toGatewayPayment(json: unknown): GatewayPayment {
  return read(wirePayment, json);
}

/**
 * The same for the answer to a create call, or an entry of the list, where a state that is missing or new must not
 * hide that the payment exists. It reads as PENDING, which is no more than that; a deposit that comes with where its
 * customer pays and without a state has just begun. An unknown type reads as none.
 */
export function toMadePayment(json: unknown, sentTokens: SentTokens = []): GatewayPayment {
  const payment = read(wireMadePayment, json, sentTokens);
  const { paymentType = 'DEPOSIT', redirectUrl, facts } = payment;
  const hasState = !!memberOf(json, 'state');
  const hasBegun = !hasState && paymentType === 'DEPOSIT' && redirectUrl !== undefined;
  return hasBegun ? { ...payment, facts: { ...facts, state: 'CHECKOUT' } } : payment;
}

/** The same for the answer to an execution, whose redirectUrl (3-D Secure) says nothing of the state. */
export function toExecutedPayment(json: unknown): GatewayPayment {
  return read(wireMadePayment, json);
}

const wireMadePayment = z.extend(wirePayment, {
  state: otherwise(z.enum(PAYMENT_STATES), 'PENDING'),
  paymentType: lenient(z.enum(PAYMENT_TYPES)),
});

/** By which a payment was asked for: what is said of it may repeat them. */
type SentTokens = readonly (string | undefined)[];

function read(
  schema: typeof wirePayment | typeof wireMadePayment,
  json: unknown,
  sentTokens: SentTokens = [],
): GatewayPayment {
  const parsed = schema.safeParse(json);
  if (!parsed.success) {
    const fields = parsed.error.issues.map((issue) => issue.path.join('.') || '(body)');
    throw new UnreadablePayment(`no payment object: ${[...new Set(fields)].join(', ')}`);
  }
  const wire = parsed.data;
  const take = <K extends keyof typeof wire & string>(key: K) => optional(key, wire[key] ?? undefined);
  return {
    id: wire.id,
    ...take('paymentType'),
    ...take('referenceId'),
    ...take('parentPaymentId'),
    ...take('customerAmount'),
    ...take('customerCurrency'),
    ...optional('created', utc(wire.created)),
    ...take('redirectUrl'),
    ...take('recurringToken'),
    facts: {
      state: wire.state,
      ...take('amount'),
      ...take('currency'),
      ...readFacts(wire, sentTokens),
    },
  } as GatewayPayment;
}

function readFacts(wire: z.output<typeof wirePayment>, sentTokens: SentTokens): Facts {
  const found = FACT_NAMES.flatMap((name) => {
    const { data } = FACT_FORMS[FACTS[name].kind].safeParse(valueAt(wire, PATHS[name]));
    return data === undefined ? [] : [[name, data]];
  });
  const { account, cardToken, ...facts }: Facts = Object.fromEntries(found);
  const tokens = [wire.recurringToken ?? undefined, cardToken, ...sentTokens];
  return {
    ...(withoutTokensIn(facts, tokens) as Facts),
    ...optional('cardToken', cardToken),
    ...optional('account', account && maskedAccount(account)),
  };
}

function valueAt(wire: object, [member, inner]: Path): unknown {
  const value = memberOf(wire, member);
  return inner === undefined ? value : memberOf(value, inner);
}

function memberOf(value: unknown, name: string): unknown {
  const isMember = typeof value === 'object' && value !== null && Object.hasOwn(value, name);
  return isMember ? (value as Record<string, unknown>)[name] : undefined;
}

/** The inverse of {@link readPayment}: the object without what this service does not keep. */
export function writePayment({ facts, recurringToken: _, ...payment }: GatewayPayment): Buffer {
  const { state, amount, currency } = facts;
  const money = { ...optional('amount', amount), ...optional('currency', currency) };
  return Buffer.from(stringifyJson({ ...payment, state, ...money, ...writtenFacts(facts) }));
}

function writtenFacts(facts: Facts): object {
  const kept = keptFacts(facts);
  const written: Record<string, unknown> = {};
  for (const name of FACT_NAMES) {
    const [member, inner] = PATHS[name];
    if (kept[name] === undefined) continue;
    written[member] = inner === undefined ? kept[name] : { ...(written[member] ?? {}), [inner]: kept[name] };
  }
  return written;
}

function toTextMap(value: unknown): ExternalRefs | undefined {
  const map = typeof value === 'string' ? parsedOrNothing(value) : value;
  if (typeof map !== 'object' || map === null || Array.isArray(map) || isDecimal(map)) return undefined;
  const texts = Object.entries(map).flatMap(([name, each]): [string, string][] =>
    // No object has a member of this name for its own once it is copied.
    name !== '' && name !== '__proto__' && typeof each === 'string'
      ? [[name.toWellFormed(), each.toWellFormed()]]
      : [],
  );
  return texts.length > 0 ? Object.fromEntries(texts) : undefined;
}

function parsedOrNothing(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    return undefined;
  }
}

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);

function isWebPage(text: string): boolean {
  const url = URL.parse(text);
  return url?.protocol === 'https:' || (url?.protocol === 'http:' && LOOPBACK.has(url.hostname));
}

/** At most this many, and never more than half. */
const KEPT_CHARACTERS = 4;

/**
 * paytech masks card numbers; what other methods put there (an IBAN, a UPI address) is masked here. Masking what
 * is masked already changes nothing.
 */
function maskedAccount(account: string): string {
  const kept = Math.min(KEPT_CHARACTERS, Math.floor(account.length / 2));
  return `****${account.slice(account.length - kept).replace(/^\*+/, '')}`;
}
