/**
 * The variables that functions had before they got their settings as one. AWS changes the code and the configuration
 * of a function in two steps, so that during an upgrade the old code meets the new variables, or the new code the old
 * ones: for one release the stack writes both, and functions read either. To be deleted with the release after that.
 */
import type { PlainSettings } from './settings.ts';

interface Form<Value> {
  write(value: Value): string | undefined;
  /** Undefined where the variable must be there and is not. */
  read(text: string | undefined): Value | undefined;
}

const asText = { write: String, read: (text: string | undefined) => text };
const asNumber: Form<number> = {
  write: String,
  read: (text) => (text === undefined ? undefined : Number(text)),
};
const asList: Form<readonly string[]> = {
  write: (items) => items.join(','),
  read: (text) => (text ?? '').split(',').filter(Boolean),
};
const onOrOff: Form<boolean> = {
  write: (value) => (value ? 'on' : 'off'),
  read: (text) => (text === undefined ? undefined : text === 'on'),
};
const numberOrNone: Form<number | null> = {
  write: (value) => value?.toString(),
  read: (text) => (text === undefined ? null : Number(text)),
};

const VARIABLES: { [Name in keyof PlainSettings]?: [variable: string, form: Form<PlainSettings[Name]>] } = {
  paytechUrl: ['PAYTECH_URL', asText],
  webhookUrl: ['WEBHOOK_URL', asText],
  allowedOrigins: ['ALLOWED_ORIGINS', asList],
  eventSource: ['EVENT_SOURCE', asText],
  orderTokens: ['ORDER_TOKENS', asText as Form<'required' | 'off'>],
  confirmWebhooks: ['CONFIRM_WEBHOOKS', onOrOff],
  paymentRetentionDays: ['PAYMENT_RETENTION_DAYS', numberOrNone],
  reconcileConcurrency: ['RECONCILE_CONCURRENCY', asNumber],
  webhookGraceSeconds: ['WEBHOOK_GRACE_SECONDS', asNumber],
  sweepCreatedDays: ['SWEEP_CREATED_DAYS', asNumber],
  captureWithinHours: ['CAPTURE_WITHIN_HOURS', asNumber],
  approveWithinHours: ['APPROVE_WITHIN_HOURS', asNumber],
};
const ENTRIES = Object.entries(VARIABLES) as [keyof PlainSettings, [string, Form<unknown>]][];

/** What the code of the last release reads. */
export function olderVariables(settings: Partial<PlainSettings>): Record<string, string> {
  const written = ENTRIES.filter(([name]) => settings[name] !== undefined)
    .map(([name, [variable, form]]) => [variable, form.write(settings[name])])
    .filter(([, text]) => text !== undefined);
  return Object.fromEntries(written);
}

/** What the stack of the last release wrote. */
export function olderSettings(env: NodeJS.ProcessEnv): Partial<PlainSettings> {
  return Object.fromEntries(ENTRIES.map(([name, [variable, form]]) => [name, form.read(env[variable])]));
}
