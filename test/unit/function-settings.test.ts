import { afterEach, describe, expect, it, vi } from 'vitest';
import type { OpsSettings } from '../../infra/stack/settings.ts';
import {
  type FunctionName,
  type PlainSettings,
  readSettings,
  SETTINGS_OF,
} from '../../shared/runtime/settings.ts';
import { plainSettings } from '../support/plain-settings.ts';

afterEach(() => vi.unstubAllEnvs());

it('are read from one variable', () => {
  vi.stubEnv('SETTINGS', JSON.stringify(plainSettings));
  expect(readSettings('reconcile')).toMatchObject({ reconcileConcurrency: 4, webhookGraceSeconds: 60 });
});

it('must all be there, or the function does not start', () => {
  const { sweepCreatedDays: _, ...rest } = plainSettings;
  vi.stubEnv('SETTINGS', JSON.stringify(rest));
  expect(() => readSettings('reconcile')).toThrow('settings without a value: sweepCreatedDays');
  expect(readSettings('apply-payment-event')).toMatchObject({ paymentRetentionDays: null });
});

type Given = (typeof SETTINGS_OF)[FunctionName][number] | keyof OpsSettings;
type Unused = Exclude<keyof PlainSettings, Given>;
/** Does not compile where a setting is for nobody. */
true satisfies [Unused] extends [never] ? true : Unused;

/** What the stack of the last release wrote. */
describe('in the variables of the last release', () => {
  const older = {
    PAYTECH_URL: 'https://engine.pay.tech',
    WEBHOOK_URL: 'https://api.example/webhooks/paytech',
    ALLOWED_ORIGINS: 'https://a.example,https://b.example',
    EVENT_SOURCE: 'urn:paytech-payments:production',
    ORDER_TOKENS: 'required',
    CONFIRM_WEBHOOKS: 'on',
    PAYMENT_RETENTION_DAYS: '437',
    RECONCILE_CONCURRENCY: '9',
    WEBHOOK_GRACE_SECONDS: '111',
    SWEEP_CREATED_DAYS: '222',
    CAPTURE_WITHIN_HOURS: '33',
    APPROVE_WITHIN_HOURS: '44',
  };
  const given = {
    paytechUrl: 'https://engine.pay.tech',
    webhookUrl: 'https://api.example/webhooks/paytech',
    allowedOrigins: ['https://a.example', 'https://b.example'],
    eventSource: 'urn:paytech-payments:production',
    orderTokens: 'required',
    confirmWebhooks: true,
    paymentRetentionDays: 437,
    reconcileConcurrency: 9,
    webhookGraceSeconds: 111,
    sweepCreatedDays: 222,
    captureWithinHours: 33,
    approveWithinHours: 44,
  };
  const env = (variables: Record<string, string>) => {
    vi.stubEnv('SETTINGS', undefined);
    for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
  };

  it('are the same, in every function', () => {
    env(older);
    for (const name of Object.keys(SETTINGS_OF) as (keyof typeof SETTINGS_OF)[]) {
      const read = readSettings(name);
      expect({ ...read, ...given }).toMatchObject(read);
    }
  });

  it('are there as they were before a setting was new', () => {
    env(older);
    expect(readSettings('create-payment')).toMatchObject({
      openAmounts: false,
      eventParameters: [],
      cloudFront: 'off',
    });
    const { openAmounts: _, ...told } = plainSettings;
    vi.stubEnv('SETTINGS', JSON.stringify(told));
    expect(readSettings('create-payment')).toMatchObject({ openAmounts: false });
    // Before apply-payment-event was told.
    const { webhookGraceSeconds: __, ...ofApply } = plainSettings;
    vi.stubEnv('SETTINGS', JSON.stringify(ofApply));
    expect(readSettings('apply-payment-event')).toMatchObject({ webhookGraceSeconds: 120 });
  });

  it('are off, none or absent as they were', () => {
    const { PAYMENT_RETENTION_DAYS: _, ...rest } = older;
    env({ ...rest, ALLOWED_ORIGINS: '', CONFIRM_WEBHOOKS: 'off' });
    expect(readSettings('create-payment').allowedOrigins).toEqual([]);
    expect(readSettings('apply-payment-event')).toMatchObject({
      confirmWebhooks: false,
      paymentRetentionDays: null,
    });
  });

  it('must be there too', () => {
    const { EVENT_SOURCE: _, ...rest } = older;
    env(rest);
    expect(() => readSettings('apply-payment-event')).toThrow('settings without a value: eventSource');
  });
});
