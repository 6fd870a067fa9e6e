/** The Lambdas: which resources each uses, and what it may do with them. */
import { Aws, Duration } from 'aws-cdk-lib';
import type { Role } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { CfnSecret, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Topic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';
import type { FunctionName, PlainSettings } from '../../shared/runtime/settings.ts';
import { PaymentFunction, type UsedResource } from './payment-function.ts';
import type { PaymentsTable } from './payments-table.ts';
import { reconcileTimeout } from './reconcile-schedule.ts';
import type { Secrets } from './secrets.ts';
import type { Settings } from './settings.ts';
import { applyTimeout, type webhookQueue } from './webhook-queue.ts';

export interface FunctionsProps {
  settings: Settings;
  table: PaymentsTable;
  webhooks: ReturnType<typeof webhookQueue>;
  topic: Topic;
  secrets: Secrets;
  dataKey: IKey | undefined;
  plainSettings: PlainSettings;
}

/** The functions by name; those that a setting enables may be missing. */
export type PaymentFunctions = Record<Exclude<FunctionName, 'execute-payment'>, PaymentFunction> & {
  'execute-payment'?: PaymentFunction;
};

/** Makes all Lambdas; each `use` gives a permission together with the variable that it is for. */
export function paymentFunctions(scope: Construct, props: FunctionsProps): PaymentFunctions {
  const { settings, plainSettings, table, topic, secrets } = props;
  const common = { settings, plainSettings, dataKey: props.dataKey };
  const { queue, deadLetterQueue, batchSize, batchingWindow } = props.webhooks;

  const payments = { variable: 'PAYMENTS_TABLE', value: table.tableName, arn: table.tableArn };
  const webhooks = { variable: 'WEBHOOK_QUEUE_URL', value: queue.queueUrl, arn: queue.queueArn };
  const webhooksDlq = {
    variable: 'WEBHOOK_DLQ_URL',
    value: deadLetterQueue.queueUrl,
    arn: deadLetterQueue.queueArn,
  };
  const paymentEvents = { variable: 'PAYMENT_EVENTS_TOPIC_ARN', value: topic.topicArn, arn: topic.topicArn };
  const apiKey = usedSecret('API_KEY_SECRET', secrets.apiKey);
  const signingKeys = usedSecret('SIGNING_KEYS_SECRET', secrets.signingKeys);

  const createPayment = new PaymentFunction(scope, 'create-payment', {
    ...common,
    description: 'Creates a payment at paytech and records it',
    // Below the 15 s lease of a claim: when that is over, its owner is no longer running.
    timeout: Duration.seconds(14),
  })
    .use(payments, 'dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:UpdateItem')
    .use(webhooks, 'sqs:SendMessage')
    .use(apiKey, 'secretsmanager:GetSecretValue');
  if (settings.orderTokens === 'required') {
    createPayment.use(
      usedSecret('ORDER_TOKEN_SECRET', secrets.orderTokenKeys),
      'secretsmanager:GetSecretValue',
    );
  }

  const receiveWebhook = new PaymentFunction(scope, 'receive-webhook', {
    ...common,
    description: 'Verifies a webhook of paytech and queues its bytes',
    timeout: Duration.seconds(10),
  })
    .use(webhooks, 'sqs:SendMessage')
    .use(signingKeys, 'secretsmanager:GetSecretValue');

  const applyPaymentEvent = new PaymentFunction(scope, 'apply-payment-event', {
    ...common,
    description: 'Applies what paytech said to the payment, once, and publishes it',
    timeout: applyTimeout,
  })
    .use(payments, 'dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:UpdateItem')
    .use(paymentEvents, 'sns:Publish')
    .use(webhooksDlq, 'sqs:SendMessage')
    .use(apiKey, 'secretsmanager:GetSecretValue');
  // Under AWS's own key sns:Publish is enough.
  if (settings.topicKeyArn) {
    applyPaymentEvent.allow(settings.topicKeyArn, 'kms:GenerateDataKey', 'kms:Decrypt');
  }
  // The event source reads the queue in the function's name.
  applyPaymentEvent.allow(
    queue.queueArn,
    'sqs:ReceiveMessage',
    'sqs:DeleteMessage',
    'sqs:GetQueueAttributes',
  );
  const reserve = settings.reservedConcurrency['apply-payment-event'];
  applyPaymentEvent.addEventSourceMapping('webhooks', {
    eventSourceArn: queue.queueArn,
    batchSize,
    maxBatchingWindow: batchingWindow,
    reportBatchItemFailures: true,
    // Else a backlog would take all that the account may run at once, and customers could not pay; beyond a reserve,
    // throttled batches would use up their receives. It sets nothing aside:
    // https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
    maxConcurrency: Math.min(reserve ?? Infinity, settings.webhookConcurrency),
  });

  const getPayment = new PaymentFunction(scope, 'get-payment', {
    ...common,
    description: "Answers a payment's public view",
    timeout: Duration.seconds(10),
  })
    .use(payments, 'dynamodb:GetItem', 'dynamodb:UpdateItem')
    .use(webhooks, 'sqs:SendMessage')
    .use(apiKey, 'secretsmanager:GetSecretValue');

  const executePayment = () =>
    new PaymentFunction(scope, 'execute-payment', {
      ...common,
      description: 'Executes a deposit at paytech without redirect',
      // Below the 15 s lease of an operation, as create-payment.
      timeout: Duration.seconds(14),
    })
      .use(payments, 'dynamodb:GetItem', 'dynamodb:UpdateItem')
      .use(webhooks, 'sqs:SendMessage')
      .use(apiKey, 'secretsmanager:GetSecretValue');

  const operations = new PaymentFunction(scope, 'operations', {
    ...common,
    description: 'Refunds, pays out, acts on payments and looks them up for the back office',
    // Below the 15 s lease of a claim, as create-payment.
    timeout: Duration.seconds(14),
  })
    .use(payments, 'dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:UpdateItem')
    .use(webhooks, 'sqs:SendMessage')
    .use(apiKey, 'secretsmanager:GetSecretValue')
    .use(usedSecret('FINGERPRINT_KEY_SECRET', secrets.fingerprintKey), 'secretsmanager:GetSecretValue');

  const reconcile = new PaymentFunction(scope, 'reconcile', {
    ...common,
    description: 'Finds what webhooks did not bring: asks paytech about what is open and what changed',
    timeout: reconcileTimeout(settings.reconcileMinutes),
  })
    .use(payments, 'dynamodb:GetItem', 'dynamodb:BatchGetItem', 'dynamodb:PutItem', 'dynamodb:UpdateItem')
    .allow(`${table.tableArn}/index/open`, 'dynamodb:Query')
    .use(webhooks, 'sqs:SendMessage')
    .use(apiKey, 'secretsmanager:GetSecretValue');

  const made = {
    'create-payment': createPayment,
    'receive-webhook': receiveWebhook,
    'apply-payment-event': applyPaymentEvent,
    'get-payment': getPayment,
    operations,
    reconcile,
    ...(settings.hostToHost && { 'execute-payment': executePayment() }),
  };
  const roles = Object.values(made).map(({ role }) => (role as Role).roleId);
  applyPaymentEvent.addEnvironment('OWN_SENDERS', [...roles, Aws.ACCOUNT_ID].join(','));
  for (const each of Object.values(made)) {
    if (settings.dataKeyArn)
      each.allow(settings.dataKeyArn, ...(each === receiveWebhook ? FOR_SECRETS : FOR_TABLE));
  }
  return made;
}

/** What the caller of Secrets Manager must be allowed to do with the key of a secret. */
const FOR_SECRETS = ['kms:Decrypt'];

/**
 * And of DynamoDB, with that of a table:
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html
 */
const FOR_TABLE = [
  ...FOR_SECRETS,
  'kms:DescribeKey',
  'kms:Encrypt',
  'kms:GenerateDataKey',
  'kms:ReEncryptFrom',
  'kms:ReEncryptTo',
];

function usedSecret(variable: string, { secretArn, node }: Secret): UsedResource {
  // `Id` is the ARN, and so is a Ref on AWS, but not in the emulator of the rehearsal, where that is the name.
  return { variable, value: secretArn, arn: (node.defaultChild as CfnSecret).attrId };
}
