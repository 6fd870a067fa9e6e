/**
 * The plain settings that functions get: one interface for the stack, which writes them, and the function, which
 * reads them. Names, values and units are those of `cdk.json` (infra/stack/settings.ts checks them, at synthesis); what a
 * resource is called comes in a variable of its own, and a secret in none.
 */
import { olderSettings } from './older-variables.ts';

export interface PlainSettings {
  /** `https://host`, no slash at the end. */
  paytechUrl: string;
  /** Where paytech is to send webhooks. */
  webhookUrl: string;
  /** Exact origins. */
  allowedOrigins: readonly string[];
  /** The CloudEvents `source`, and the audience of order tokens. */
  eventSource: string;
  orderTokens: 'required' | 'off';
  /** Whether calls of browsers may come, or must come, through CloudFront. */
  cloudFront: 'off' | 'accepted' | 'required';
  /** Whether the amount may be left to the customer. */
  openAmounts: boolean;
  /** Which of a request's additionalParameters are kept. */
  eventParameters: readonly string[];
  confirmWebhooks: boolean;
  /** `null`: for good. */
  paymentRetentionDays: number | null;
  reconcileWorkers: number;
  reconcileConcurrency: number;
  reconcileQuestionsPerSecond: number;
  openShards: number;
  webhookGraceSeconds: number;
  sweepCreatedDays: number;
  captureWithinHours: number;
  approveWithinHours: number;
}

/** What the stack of the last release has no setting for, and what goes on then as before it was there. */
const NEW_SETTINGS = {
  cloudFront: 'off',
  openAmounts: false,
  eventParameters: [],
  reconcileWorkers: 1,
  reconcileQuestionsPerSecond: 50,
  openShards: 16,
  // Of apply-payment-event: reconcile has always been told.
  webhookGraceSeconds: 120,
} satisfies Partial<PlainSettings>;

/** The functions of the service, each a folder in `functions/` and a Lambda in the stack, and what each gets. */
export const SETTINGS_OF = {
  'create-payment': [
    'paytechUrl',
    'webhookUrl',
    'allowedOrigins',
    'eventSource',
    'orderTokens',
    'cloudFront',
    'openAmounts',
    'eventParameters',
    'openShards',
  ],
  'receive-webhook': [],
  'apply-payment-event': [
    'paytechUrl',
    'eventSource',
    'confirmWebhooks',
    'paymentRetentionDays',
    'openShards',
    'webhookGraceSeconds',
  ],
  'get-payment': ['paytechUrl'],
  'execute-payment': ['paytechUrl', 'cloudFront', 'openShards'],
  operations: ['paytechUrl', 'webhookUrl', 'eventParameters', 'paymentRetentionDays', 'openShards'],
  reconcile: [
    'paytechUrl',
    'reconcileWorkers',
    'reconcileConcurrency',
    'reconcileQuestionsPerSecond',
    'openShards',
    'webhookGraceSeconds',
    'sweepCreatedDays',
    'captureWithinHours',
    'approveWithinHours',
  ],
} as const satisfies Record<string, readonly (keyof PlainSettings)[]>;

export type FunctionName = keyof typeof SETTINGS_OF;
export type SettingsOf<Name extends FunctionName> = Pick<PlainSettings, (typeof SETTINGS_OF)[Name][number]>;

/** The variable that holds the settings of a function, as JSON. */
export const SETTINGS_VARIABLE = 'SETTINGS';

/**
 * The settings of a function, from its environment. AWS changes code and configuration in two steps, so that the stack
 * may be of the last release. Throws where a setting is missing: a function must not work with half of what it needs.
 */
export function readSettings<Name extends FunctionName>(name: Name): SettingsOf<Name> {
  const text = process.env[SETTINGS_VARIABLE];
  const told: Partial<PlainSettings> = text === undefined ? olderSettings(process.env) : JSON.parse(text);
  const settings = { ...NEW_SETTINGS, ...told };
  const missing = SETTINGS_OF[name].filter((each) => settings[each] === undefined);
  if (missing.length > 0) throw new Error(`settings without a value: ${missing.join(', ')}`);
  return settings as SettingsOf<Name>;
}
