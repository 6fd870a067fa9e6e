/** What a deployer needs next, and paytech-ops finds a stack by. */
import { CfnOutput, Stack } from 'aws-cdk-lib';
import { pick } from '../../shared/payment/pick.ts';
import type { PaytechPayments } from './paytech-payments.ts';
import { OPS_SETTINGS } from './settings.ts';

/** Adds the outputs to the stack that holds `payments`; a stack can have one service with outputs. */
export function addOutputs(payments: PaytechPayments): void {
  const stack = Stack.of(payments);
  const settings = pick(payments.plainSettings, OPS_SETTINGS);
  const { originKeys } = payments.secrets;
  const outputs: Record<string, string> = {
    ApiUrl: payments.apiUrl,
    ApiId: payments.api.apiId,
    ApiHost: payments.apiHost,
    ApiStage: payments.stage.stageName,
    ...(payments.domainName && { DomainTarget: payments.domainName.regionalDomainName }),
    WebhookUrl: payments.webhookUrl,
    PaymentWebhookUrl: payments.paymentWebhookUrl,
    PaymentsTable: payments.table.tableName,
    WebhookQueueUrl: payments.webhookQueue.queueUrl,
    WebhookDeadLetterQueueUrl: payments.webhookDeadLetters.queueUrl,
    ApiKeySecret: payments.secrets.apiKey.secretArn,
    SigningKeysSecret: payments.secrets.signingKeys.secretArn,
    OrderTokenKeysSecret: payments.secrets.orderTokenKeys.secretArn,
    ...(originKeys && { OriginKeysSecret: originKeys.secretArn }),
    PaymentEventsTopicArn: payments.topic.topicArn,
    AlarmTopicArn: payments.alarmTopic.topicArn,
    Settings: stack.toJsonString(settings),
  };
  // What the paytech-ops of the last release reads: to be deleted with the next one.
  const { openShards: _, ...ofTheLastRelease } = settings;
  for (const [name, value] of Object.entries(ofTheLastRelease)) outputs[inPascalCase(name)] = String(value);
  for (const [name, queue] of payments.subscriberQueues) {
    outputs[`${inPascalCase(name)}QueueUrl`] = queue.queueUrl;
    outputs[`${inPascalCase(`${name}-dlq`)}QueueUrl`] = queue.deadLetters.queueUrl;
    outputs[`${inPascalCase(`${name}-undelivered`)}QueueUrl`] = queue.undelivered.queueUrl;
  }
  for (const [name, value] of Object.entries(outputs)) new CfnOutput(stack, name, { value });
}

function inPascalCase(name: string): string {
  return name.replace(/(^|-)+([a-z0-9])/g, (_match, _hyphen, letter: string) => letter.toUpperCase());
}
