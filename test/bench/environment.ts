import { type PlainSettings, SETTINGS_VARIABLE } from '../../shared/runtime/settings.ts';
import { plainSettings } from '../support/plain-settings.ts';
import type { Aws } from './aws.ts';

/**
 * What the stack gives its functions, all of it at once, with the fake AWS as AWS and as paytech: by default, but for
 * `settings`.
 */
export function environmentOf(aws: Aws, settings: Partial<PlainSettings> = {}): Record<string, string> {
  return {
    ...aws.environment,
    API_KEY_SECRET: 'api-key',
    FINGERPRINT_KEY_SECRET: 'fingerprint-key',
    ORDER_TOKEN_SECRET: 'order-token-keys',
    PAYMENTS_TABLE: 'payments',
    PAYMENT_EVENTS_TOPIC_ARN: 'arn:aws:sns:eu-central-1:000000000000:payment-events',
    [SETTINGS_VARIABLE]: JSON.stringify({
      ...plainSettings,
      paytechUrl: aws.url,
      eventSource: 'urn:paytech-payments:bench',
      confirmWebhooks: true,
      ...settings,
    }),
    SIGNING_KEYS_SECRET: 'signing-keys',
    STACK_NAME: 'bench',
    URL_SUFFIX: 'amazonaws.com',
    WEBHOOK_DLQ_URL: `${aws.url}/000000000000/webhooks-dlq`,
    WEBHOOK_QUEUE_URL: `${aws.url}/000000000000/webhooks`,
    // Of the contenders.
    IDEMPOTENCY_TABLE: 'idempotency',
    PAYTECH_URL: aws.url,
    WEBHOOK_URL: plainSettings.webhookUrl,
  };
}
