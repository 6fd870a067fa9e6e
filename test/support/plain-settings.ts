import { parseSettings, plainSettings as plainSettingsOf } from '../../infra/stack/settings.ts';

/** Enough for every function to start. */
export const plainSettings = plainSettingsOf(
  parseSettings({
    stage: 'sandbox',
    paytechUrl: 'https://127.0.0.1:9',
    allowedOrigins: ['https://shop.example'],
    confirmWebhooks: false,
    reconcileWorkers: 2,
    reconcileConcurrency: 4,
    reconcileQuestionsPerSecond: 100,
    webhookGraceSeconds: 60,
    sweepCreatedDays: 30,
    captureWithinHours: 24,
    approveWithinHours: 24,
  }),
  'https://api.example/webhooks/paytech',
);
