/** The CDK app: one stack, which holds `PaytechPayments`. The CLI, the local run and the tests build the same. */
import { App, CfnOutput, Stack } from 'aws-cdk-lib';
import { PaytechPayments } from './paytech-payments.ts';
import { projectContext } from './project-context.ts';
import { eventSourceOf, parseSettings, type Settings, type SettingsInput } from './settings.ts';

export interface BuildAppOptions {
  /** Where `app.synth()` writes; default: where the CDK CLI says, else a temporary folder. */
  outdir?: string;
  /** Used instead of those in the context (`cdk.json`, or `-c paytech=…` of the CLI). */
  settings?: SettingsInput;
}

/**
 * Builds the app; the bundles must be there (`bundleFunctions()`).
 * @throws SettingsError when a setting is wrong
 */
export function buildApp({ outdir, settings }: BuildAppOptions = {}) {
  const app = new App({
    ...(outdir !== undefined && { outdir }),
    // The CLI would say these too. They name resources and bundles in the template, which the local run needs.
    context: {
      ...projectContext(),
      'aws:cdk:enable-path-metadata': true,
      'aws:cdk:enable-asset-metadata': true,
    },
  });
  const checked = parseSettings(settings ?? app.node.tryGetContext('paytech'));
  // The stage is in the name, so that changing it makes another stack and never turns a sandbox into production.
  const stack = new Stack(app, `paytech-payments-${checked.stage}`, {
    description: `paytech payments (${checked.stage})`,
    terminationProtection: checked.stage === 'production',
  });
  const payments = new PaytechPayments(stack, 'PaytechPayments', checked);
  addOutputs(stack, payments, checked);
  return { app, stack, payments, settings: checked };
}

/** The settings in `cdk.json`, unchecked, for whoever runs without the CLI and changes some of them. */
export function projectSettings(): SettingsInput {
  return projectContext().paytech;
}

function addOutputs(stack: Stack, payments: PaytechPayments, settings: Settings): void {
  const outputs: Record<string, string> = {
    ApiUrl: payments.apiUrl,
    WebhookUrl: payments.webhookUrl,
    PaymentsTable: payments.table.tableName,
    WebhookQueueUrl: payments.webhookQueue.queueUrl,
    WebhookDeadLetterQueueUrl: payments.webhookDeadLetters.queueUrl,
    ApiKeySecret: payments.secrets.apiKey.secretArn,
    SigningKeysSecret: payments.secrets.signingKeys.secretArn,
    OrderTokenKeysSecret: payments.secrets.orderTokenKeys.secretArn,
    PaymentEventsTopicArn: payments.topic.topicArn,
    PaytechUrl: settings.paytechUrl,
    EventSource: eventSourceOf(settings.stage),
    WebhookGraceSeconds: String(settings.webhookGraceSeconds),
    SweepCreatedDays: String(settings.sweepCreatedDays),
  };
  for (const [name, queue] of payments.subscriberQueues)
    outputs[`${inPascalCase(name)}QueueUrl`] = queue.queueUrl;
  for (const [name, value] of Object.entries(outputs)) new CfnOutput(stack, name, { value });
}

function inPascalCase(name: string): string {
  return name.replace(/(^|-)+([a-z0-9])/g, (_match, _hyphen, letter: string) => letter.toUpperCase());
}
