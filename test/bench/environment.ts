import type { Aws } from './aws.ts';

/** What the stack tells its functions by default, all of it at once, with the fake AWS as AWS and as paytech. */
export function environmentOf(aws: Aws): Record<string, string> {
  return {
    ...aws.environment,
    ALLOWED_ORIGINS: 'https://shop.example',
    API_KEY_SECRET: 'api-key',
    CONFIRM_WEBHOOKS: 'on',
    EVENT_SOURCE: 'urn:paytech-payments:bench',
    FINGERPRINT_KEY_SECRET: 'fingerprint-key',
    // Of the contenders.
    IDEMPOTENCY_TABLE: 'idempotency',
    ORDER_TOKENS: 'required',
    ORDER_TOKEN_SECRET: 'order-token-keys',
    PAYMENTS_TABLE: 'payments',
    PAYMENT_EVENTS_TOPIC_ARN: 'arn:aws:sns:eu-central-1:000000000000:payment-events',
    PAYTECH_URL: aws.url,
    SIGNING_KEYS_SECRET: 'signing-keys',
    STACK_NAME: 'bench',
    URL_SUFFIX: 'amazonaws.com',
    WEBHOOK_DLQ_URL: `${aws.url}/000000000000/webhooks-dlq`,
    WEBHOOK_QUEUE_URL: `${aws.url}/000000000000/webhooks`,
    WEBHOOK_URL: 'https://api.example/webhooks/paytech',
  };
}
