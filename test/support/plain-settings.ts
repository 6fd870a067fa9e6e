import type { PlainSettings } from '../../shared/runtime/settings.ts';

/** Enough for every function to start. */
export const plainSettings: PlainSettings = {
  paytechUrl: 'https://127.0.0.1:9',
  webhookUrl: 'https://api.example/webhooks/paytech',
  allowedOrigins: ['https://shop.example'],
  eventSource: 'urn:paytech-payments:test',
  orderTokens: 'required',
  openAmounts: false,
  eventParameters: [],
  confirmWebhooks: false,
  paymentRetentionDays: null,
  reconcileConcurrency: 4,
  webhookGraceSeconds: 60,
  sweepCreatedDays: 30,
  captureWithinHours: 24,
  approveWithinHours: 24,
};
