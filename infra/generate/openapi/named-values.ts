/** Lists of values that have a name in the document, so that a generated client has one type of each. */
import { UNITS } from '../../../functions/create-payment/subscription.ts';
import { RESOLVED_KINDS } from '../../../functions/operations/claims.ts';
import { ACCOUNT_TYPES } from '../../../shared/http/payment-fields.ts';
import { PROBLEMS } from '../../../shared/http/problem.ts';
import { CHARGEBACK_STATES } from '../../../shared/payment/chargeback.ts';
import { EVENT_SOURCES, ORIGINS } from '../../../shared/payment/payment.ts';
import { STANDING_ALARMS } from '../../../shared/payment/standing.ts';
import { PAYMENT_STATES, PAYMENT_TYPES } from '../../../shared/payment/state.ts';
import { RETRY_HINTS } from '../../../shared/paytech/customer-message.ts';

const NAMED: Readonly<Record<string, readonly string[]>> = {
  PaymentState: PAYMENT_STATES,
  PaymentType: PAYMENT_TYPES,
  PaymentOrigin: ORIGINS,
  RetryHint: RETRY_HINTS,
  ChargebackState: CHARGEBACK_STATES,
  AccountType: ACCOUNT_TYPES,
  FrequencyUnit: UNITS,
  DecisionKind: RESOLVED_KINDS,
  AlarmKind: STANDING_ALARMS,
  ObservationSource: EVENT_SOURCES,
  ProblemCode: Object.keys(PROBLEMS),
};

const NAMES = new Map(Object.entries(NAMED).map(([name, values]) => [values.join(), name]));

/** `components.schemas` with the names, and a reference wherever a list stood. */
export function withNamedValues(schemas: Record<string, unknown>): Record<string, unknown> {
  const named = Object.entries(NAMED).map(([name, values]) => [name, { type: 'string', enum: values }]);
  return { ...(referring(schemas) as object), ...Object.fromEntries(named) };
}

function referring(json: unknown): unknown {
  if (typeof json !== 'object' || json === null) return json;
  if (Array.isArray(json)) return json.map(referring);
  const name = 'enum' in json && Array.isArray(json.enum) && NAMES.get(json.enum.join());
  // Without its description, which says the values once more.
  if (name) return { $ref: `#/components/schemas/${name}` };
  return Object.fromEntries(Object.entries(json).map(([key, each]) => [key, referring(each)]));
}
