import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { settingsReference } from '../../infra/generate/settings-reference.ts';
import { settingsTypes } from '../../infra/generate/settings-types.ts';
import { parseSettings, SettingsError, settingsJsonSchema } from '../../infra/stack/settings.ts';
import type { SettingsInput } from '../../infra/stack/settings-types.ts';
import { EVENT_TYPES } from '../../shared/payment/event-schema.ts';
import { PAYMENT_STATES, PAYMENT_TYPES } from '../../shared/payment/state.ts';
import type { PlainSettings } from '../../shared/runtime/settings.ts';
import { minimal, settingsOf, synthesize } from './synthesized.ts';

const DOMAIN = {
  name: 'pay.shop.example',
  certificateArn: 'arn:aws:acm:eu-west-1:123456789012:certificate/1234abcd-12ab-34cd-56ef-1234567890ab',
};

/** Every setting, valid; each negative test breaks one. */
const full = {
  stage: 'sandbox',
  paytechUrl: 'http://127.0.0.1:3001',
  allowedOrigins: [
    'https://shop.example',
    'https://shop.example:8443',
    'http://localhost:3000',
    'http://127.0.0.1:80',
  ],
  publicUrl: 'https://pay.shop.example',
  orderTokens: 'required',
  createPaymentAuth: 'iam',
  hostToHost: true,
  throttle: { rate: 1, burst: 1 },
  webhookThrottle: { rate: 1, burst: 1 },
  operationsThrottle: { rate: 1, burst: 1 },
  subscribers: [{ name: 'payment-events' }, { name: 'mail', filter: { state: ['COMPLETED'] } }],
  subscriberAccounts: ['111122223333'],
  topicKeyArn: 'arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab',
  webhookBatchSize: 100,
  reconcileMinutes: 5,
  webhookGraceSeconds: 0,
  sweepCreatedDays: 30,
  reservedConcurrency: { 'get-payment': 10 },
  memoryMegabytes: { 'receive-webhook': 512 },
  logRetentionDays: 365,
};

function problems(settings: unknown): string[] {
  try {
    parseSettings(settings);
  } catch (error) {
    expect(error).toBeInstanceOf(SettingsError);
    return (error as Error).message.split('\n').slice(1);
  }
  return [];
}

test('the full settings are valid but for port 80, which a browser leaves out of an origin', () => {
  expect(problems(full)).toEqual([
    expect.stringMatching(/^ {2}paytech\.allowedOrigins\.3: must be an exact origin/),
  ]);
});

const valid = { ...full, allowedOrigins: full.allowedOrigins.slice(0, 3) };

test('defaults fill in what is left out', () => {
  expect(parseSettings({ stage: 'sandbox' })).toMatchObject({
    stage: 'sandbox',
    paytechUrl: 'https://engine-sandbox.pay.tech',
    allowedOrigins: [],
    orderTokens: 'required',
    cloudFront: 'off',
    createPaymentAuth: 'iam',
    hostToHost: false,
    openAmounts: false,
    eventParameters: [],
    throttle: { rate: 200, burst: 400 },
    webhookThrottle: { rate: 500, burst: 1000 },
    operationsThrottle: { rate: 50, burst: 100 },
    subscribers: [{ name: 'payment-events' }],
    subscriberAccounts: [],
    webhookBatchSize: 10,
    webhookConcurrency: 20,
    reconcileMinutes: 1,
    reconcileWorkers: 4,
    reconcileConcurrency: 16,
    reconcileQuestionsPerSecond: 250,
    openShards: 16,
    webhookGraceSeconds: 120,
    sweepCreatedDays: 400,
    confirmWebhooks: true,
    captureWithinHours: 72,
    approveWithinHours: 24,
    operatorRoles: [],
    reservedConcurrency: {},
    memoryMegabytes: {},
    logRetentionDays: 30,
    savedQueries: false,
    alarmEmails: [],
  });
});

test.each(['sandbox', 'production'])('checked twice they are the same, for %s', (stage) => {
  const { paytechUrl: _, ...given } = { ...valid, stage };
  const checked = parseSettings(given);
  expect(parseSettings(checked)).toEqual(checked);
});

test('docs/settings.md is up to date (else: npm run settings), and explains every setting', () => {
  const text = readFileSync(join(import.meta.dirname, '../../docs/settings.md'), 'utf8');
  expect(text === settingsReference()).toBe(true);
  for (const [name, setting] of Object.entries(settingsJsonSchema().properties ?? {})) {
    expect(setting, name).toMatchObject({ description: expect.stringMatching(/\.$/) });
  }
});

test('their types are up to date (else: npm run settings)', () => {
  const text = readFileSync(join(import.meta.dirname, '../../infra/stack/settings-types.ts'), 'utf8');
  expect(text === settingsTypes()).toBe(true);
});

describe('one wrong setting is named with its path', () => {
  test.each<[string, object, string]>([
    ['no stage', { stage: undefined }, 'stage'],
    ['an unknown stage', { stage: 'staging' }, 'stage'],
    ['a misspelt setting', { allowedOrigin: [] }, 'paytech'],
    ['an origin with a path', { allowedOrigins: ['https://shop.example/'] }, 'allowedOrigins.0'],
    ['any origin', { allowedOrigins: ['*'] }, 'allowedOrigins.0'],
    ['a wildcard', { allowedOrigins: ['https://*.shop.example'] }, 'allowedOrigins.0'],
    ['plain http elsewhere', { allowedOrigins: ['http://shop.example'] }, 'allowedOrigins.0'],
    ['credentials in an origin', { allowedOrigins: ['https://a:b@shop.example'] }, 'allowedOrigins.0'],
    ['an origin that is not one', { allowedOrigins: ['null'] }, 'allowedOrigins.0'],
    [
      'a list that would be split',
      { allowedOrigins: ['https://a.example,https://b.example'] },
      'allowedOrigins.0',
    ],
    ['a public URL with a path', { publicUrl: 'https://pay.shop.example/v1' }, 'publicUrl'],
    ['a name that no stack may have', { name: 'Shop_NL' }, 'name'],
    ['a domain with a scheme', { domain: { ...DOMAIN, name: 'https://pay.shop.example' } }, 'domain.name'],
    ['no endpoint at all', { defaultEndpoint: 'off', publicUrl: undefined }, 'defaultEndpoint'],
    ['a paytech URL with a slash', { paytechUrl: 'http://127.0.0.1:3001/' }, 'paytechUrl'],
    ['a paytech URL of another scheme', { paytechUrl: 'ftp://127.0.0.1' }, 'paytechUrl'],
    ['order tokens as one likes', { orderTokens: 'optional' }, 'orderTokens'],
    ['CloudFront as one likes', { cloudFront: 'on' }, 'cloudFront'],
    ['CloudFront at no address', { cloudFront: 'required', publicUrl: undefined }, 'cloudFront'],
    ['another kind of access', { createPaymentAuth: 'jwt' }, 'createPaymentAuth'],
    ['host-to-host as a text', { hostToHost: 'true' }, 'hostToHost'],
    ['open amounts as a text', { openAmounts: 'true' }, 'openAmounts'],
    ['a parameter by no name', { eventParameters: ['__proto__'] }, 'eventParameters.0'],
    ['no rate', { throttle: { rate: 0, burst: 1 } }, 'throttle.rate'],
    ['no burst', { webhookThrottle: { rate: 1 } }, 'webhookThrottle.burst'],
    ['no subscriber', { subscribers: [] }, 'subscribers'],
    ['two subscribers of a name', { subscribers: [{ name: 'mail' }, { name: 'mail' }] }, 'subscribers'],
    ['a name with a capital', { subscribers: [{ name: 'Mail' }] }, 'subscribers.0.name'],
    ['a name that the stack uses', { subscribers: [{ name: 'webhooks' }] }, 'subscribers.0.name'],
    ['a name like a dead-letter queue', { subscribers: [{ name: 'mail-dlq' }] }, 'subscribers.0.name'],
    [
      'a filter on no attribute',
      { subscribers: [{ name: 'mail', filter: { amount: ['1'] } }] },
      'subscribers.0.filter',
    ],
    [
      'an unknown state',
      { subscribers: [{ name: 'a', filter: { state: ['PAID'] } }] },
      'subscribers.0.filter.state.0',
    ],
    ['an account that is none', { subscriberAccounts: ['1111-2222-3333'] }, 'subscriberAccounts.0'],
    ['the alias of a key', { topicKeyArn: 'arn:aws:kms:eu-west-1:123456789012:alias/mine' }, 'topicKeyArn'],
    ['a batch of none', { webhookBatchSize: 0 }, 'webhookBatchSize'],
    ['a batch over 100', { webhookBatchSize: 101 }, 'webhookBatchSize'],
    ['half a webhook', { webhookBatchSize: 1.5 }, 'webhookBatchSize'],
    ['never reconciled', { reconcileMinutes: 0 }, 'reconcileMinutes'],
    ['longer than a sweep looks back', { webhookGraceSeconds: 301 }, 'webhookGraceSeconds'],
    ['a retention below the sweep', { paymentRetentionDays: 29 }, 'paymentRetentionDays'],
    ['no payment swept', { sweepCreatedDays: 0 }, 'sweepCreatedDays'],
    ['too little memory', { memoryMegabytes: { reconcile: 128 } }, 'memoryMegabytes.reconcile'],
    ['a function that is none', { reservedConcurrency: { refund: 5 } }, 'reservedConcurrency'],
    [
      'a reserve of nothing for what must go on',
      { reservedConcurrency: { 'apply-payment-event': 0 } },
      'reservedConcurrency',
    ],
    ['a reserve of one', { reservedConcurrency: { 'get-payment': 1 } }, 'reservedConcurrency.get-payment'],
    [
      'a filter that SNS finds too large',
      {
        subscribers: [
          {
            name: 'a',
            filter: {
              type: [{ 'anything-but': EVENT_TYPES.slice(0, 7) }],
              state: [...PAYMENT_STATES],
              paymentType: [...PAYMENT_TYPES],
              paidAsRequested: ['true', { exists: false }],
            },
          },
        ],
      },
      'subscribers.0.filter',
    ],
    [
      'more accounts than fit into a policy',
      { subscriberAccounts: Array.from({ length: 71 }, (_, index) => String(111122223333 + index)) },
      'subscriberAccounts',
    ],
    ['a table by its ARN', { existingTable: 'arn:aws:dynamodb:eu-west-1:1:table/payments' }, 'existingTable'],
    ['one webhook at a time', { webhookConcurrency: 1 }, 'webhookConcurrency'],
    ['a user as a role', { operatorRoles: ['arn:aws:iam::111122223333:user/eve'] }, 'operatorRoles.0'],
    [
      'more roles than a policy holds',
      {
        operatorRoles: Array.from(
          { length: 50 },
          (_, index) =>
            `arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_${'x'.repeat(40)}_${index}`,
        ),
      },
      'operatorRoles',
    ],
    ['anybody as a role', { operatorRoles: ['*'] }, 'operatorRoles.0'],
    ['an address that is none', { alarmEmails: ['on-call'] }, 'alarmEmails.0'],
    ['days that CloudWatch has not', { logRetentionDays: 31 }, 'logRetentionDays'],
  ])('%s', (_, change, path) => {
    expect(problems(valid)).toEqual([]);
    const expected = path === 'paytech' ? '  paytech: ' : `  paytech.${path}: `;
    expect(problems({ ...valid, ...change })).toEqual([expect.stringContaining(expected)]);
  });
});

test('a value that is none of those known is answered with the list of them', () => {
  expect(problems({ ...valid, subscribers: [{ name: 'a', filter: { state: ['PAID'] } }] })[0]).toContain(
    'must be CHECKOUT, PENDING, AWAITING_APPROVAL,',
  );
});

describe('production', () => {
  const { paytechUrl: _, ...production } = { ...valid, stage: 'production' };

  test('accepts the same settings', () => expect(problems(production)).toEqual([]));

  test('talks to no simulator and no sandbox', () => {
    for (const paytechUrl of ['http://127.0.0.1:3001', 'https://engine-sandbox.pay.tech']) {
      expect(problems({ ...production, paytechUrl })).toEqual([
        expect.stringContaining('paytech.paytechUrl: must be https in production'),
      ]);
    }
    const brand = 'https://engine.brand.example';
    expect(parseSettings({ ...production, paytechUrl: brand }).paytechUrl).toBe(brand);
  });

  test('does not let a browser name its own price', () => {
    expect(problems({ ...production, createPaymentAuth: 'none' })).toEqual([
      expect.stringContaining('paytech.createPaymentAuth: may be "none" in the sandbox only'),
    ]);
  });
});

/**
 * Each setting of the stack's own with a value that is not its default; without one a new setting does not compile.
 * What functions do with those that they get is in test/local/wiring.test.ts.
 */
const CHANGES: { [Name in Exclude<keyof SettingsInput, keyof PlainSettings>]-?: SettingsInput[Name] } = {
  stage: 'production',
  name: 'shop-nl',
  domain: DOMAIN,
  publicUrl: 'https://pay.shop.example',
  defaultEndpoint: 'off',
  createPaymentAuth: 'none',
  hostToHost: true,
  throttle: { rate: 200, burst: 401 },
  webhookThrottle: { rate: 500, burst: 1001 },
  operationsThrottle: { rate: 50, burst: 101 },
  subscribers: [{ name: 'ledger' }],
  subscriberAccounts: ['111122223333'],
  topicKeyArn: 'arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab',
  existingTable: 'payments-restored',
  tableWriteLimit: 1_000,
  dataKeyArn: 'arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab',
  webhookBatchSize: 11,
  webhookConcurrency: 21,
  reconcileMinutes: 2,
  operatorRoles: ['arn:aws:iam::111122223333:role/on-call'],
  reservedConcurrency: { 'get-payment': 10 },
  memoryMegabytes: { 'get-payment': 512 },
  logRetentionDays: 14,
  savedQueries: true,
  alarmEmails: ['on-call@shop.example'],
  alarmTopicArn: 'arn:aws:sns:eu-west-1:123456789012:on-call',
};

describe('makes a difference to the stack:', () => {
  const before: SettingsInput = { ...minimal, orderTokens: 'off', publicUrl: 'https://shop.example' };
  let unchanged: object;
  beforeAll(async () => {
    unchanged = (await synthesize(before)).template.toJSON();
  }, 240_000);

  test.each(Object.entries(CHANGES))(
    '%s',
    async (name, value) => {
      const { template } = await synthesize({ ...before, [name]: value });
      expect(isDeepStrictEqual(template.toJSON(), unchanged)).toBe(false);
    },
    240_000,
  );
});

describe('of another Region than the stack’s', () => {
  afterEach(() => vi.unstubAllEnvs());
  const key = 'arn:aws-eusc:kms:eusc-de-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab';
  const given = {
    ...minimal,
    alarmTopicArn: 'arn:aws:sns:eu-west-1:123456789012:on-call',
    topicKeyArn: key,
    dataKeyArn: key,
  };

  test('a topic or key is refused before anything is deployed', async () => {
    vi.stubEnv('CDK_DEFAULT_REGION', 'eusc-de-east-1');
    await expect(synthesize(given)).rejects.toThrow(
      /^These settings cannot be deployed:\n {2}paytech\.alarmTopicArn: is in eu-west-1, and the stack in eusc-de-east-1$/,
    );
    vi.stubEnv('CDK_DEFAULT_REGION', 'eu-west-1');
    await expect(synthesize(given)).rejects.toThrow(/topicKeyArn.*\n.*dataKeyArn/);
  });

  test('it is taken where nobody knows the Region yet', async () => {
    vi.stubEnv('CDK_DEFAULT_REGION', '');
    await expect(synthesize(given)).resolves.toBeDefined();
  });
});

describe('in the stack', () => {
  test.each([
    ['sandbox' as const, 'https://engine-sandbox.pay.tech'],
    ['production' as const, 'https://engine.pay.tech'],
  ])(
    'stage %s means %s, and a stack of its own',
    async (stage, host) => {
      const { template, stack } = await synthesize({ stage });
      expect(stack.stackName).toBe(`paytech-payments-${stage}`);
      expect(stack.terminationProtection).toBe(stage === 'production');
      for (const name of ['create-payment', 'apply-payment-event']) {
        const eventSource = `urn:paytech-payments:${stage}`;
        expect(settingsOf(template, name)).toMatchObject({ paytechUrl: host, eventSource });
      }
    },
    240_000,
  );

  test('a custom domain is where webhooks come in', async () => {
    const { template } = await synthesize({ ...minimal, publicUrl: 'https://pay.shop.example' });
    const webhookUrl = 'https://pay.shop.example/webhooks/paytech';
    const own = `${webhookUrl}/unique-to-stack`;
    expect(settingsOf(template, 'create-payment')).toMatchObject({ webhookUrl: own });
    template.hasOutput('WebhookUrl', { Value: webhookUrl });
  });
});
