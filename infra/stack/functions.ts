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
import type { Settings } from './settings-types.ts';
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

/** Makes all Lambdas. */
export function paymentFunctions(scope: Construct, props: FunctionsProps): PaymentFunctions {
  const parts = { ...props, scope, ...usedBy(props) };
  const made = {
    'create-payment': createPayment(parts),
    'receive-webhook': receiveWebhook(parts),
    'apply-payment-event': applyPaymentEvent(parts),
    'get-payment': getPayment(parts),
    operations: operations(parts),
    reconcile: reconcile(parts),
    ...(props.settings.hostToHost && { 'execute-payment': executePayment(parts) }),
  };
  const roles = Object.values(made).map(({ role }) => (role as Role).roleId);
  made['apply-payment-event'].addEnvironment('OWN_SENDERS', [...roles, Aws.ACCOUNT_ID].join(','));
  const { dataKeyArn } = props.settings;
  for (const [name, each] of Object.entries(made)) {
    if (dataKeyArn) each.allow(dataKeyArn, ...(name === 'receive-webhook' ? FOR_SECRETS : FOR_TABLE));
  }
  return made;
}

type Parts = FunctionsProps & ReturnType<typeof usedBy> & { scope: Construct };

/** The resources as functions see them: each `use` gives a permission together with the variable that it is for. */
function usedBy({ table, webhooks: { queue, deadLetterQueue }, topic, secrets }: FunctionsProps) {
  return {
    payments: { variable: 'PAYMENTS_TABLE', value: table.tableName, arn: table.tableArn },
    webhookQueue: { variable: 'WEBHOOK_QUEUE_URL', value: queue.queueUrl, arn: queue.queueArn },
    webhooksDlq: {
      variable: 'WEBHOOK_DLQ_URL',
      value: deadLetterQueue.queueUrl,
      arn: deadLetterQueue.queueArn,
    },
    paymentEvents: { variable: 'PAYMENT_EVENTS_TOPIC_ARN', value: topic.topicArn, arn: topic.topicArn },
    apiKey: usedSecret('API_KEY_SECRET', secrets.apiKey),
    signingKeys: usedSecret('SIGNING_KEYS_SECRET', secrets.signingKeys),
    orderTokenKeys: usedSecret('ORDER_TOKEN_SECRET', secrets.orderTokenKeys),
    fingerprintKey: usedSecret('FINGERPRINT_KEY_SECRET', secrets.fingerprintKey),
    originKeys: secrets.originKeys && usedSecret('ORIGIN_KEYS_SECRET', secrets.originKeys),
  };
}

function createPayment(parts: Parts): PaymentFunction {
  const { settings, payments, webhookQueue, apiKey, orderTokenKeys, originKeys } = parts;
  const made = new PaymentFunction(parts.scope, 'create-payment', {
    ...parts,
    description: 'Creates a payment at paytech and records it',
    // Below the 15 s lease of a claim: when that is over, its owner is no longer running.
    timeout: Duration.seconds(14),
  })
    .use(payments, 'dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:UpdateItem')
    .use(webhookQueue, 'sqs:SendMessage')
    .use(apiKey, 'secretsmanager:GetSecretValue');
  if (settings.orderTokens === 'required') {
    made.use(orderTokenKeys, 'secretsmanager:GetSecretValue');
  }
  if (originKeys) made.use(originKeys, 'secretsmanager:GetSecretValue');
  return made;
}

function receiveWebhook(parts: Parts): PaymentFunction {
  const { webhookQueue, signingKeys } = parts;
  return new PaymentFunction(parts.scope, 'receive-webhook', {
    ...parts,
    description: 'Verifies a webhook of paytech and queues its bytes',
    timeout: Duration.seconds(10),
  })
    .use(webhookQueue, 'sqs:SendMessage')
    .use(signingKeys, 'secretsmanager:GetSecretValue');
}

function applyPaymentEvent(parts: Parts): PaymentFunction {
  const { settings, payments, webhooksDlq, paymentEvents, apiKey } = parts;
  const { queue, batchSize, batchingWindow } = parts.webhooks;
  const made = new PaymentFunction(parts.scope, 'apply-payment-event', {
    ...parts,
    description: 'Applies what paytech said to the payment, once, and publishes it',
    timeout: applyTimeout,
  })
    .use(payments, 'dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:UpdateItem')
    .use(paymentEvents, 'sns:Publish')
    .use(webhooksDlq, 'sqs:SendMessage')
    .use(apiKey, 'secretsmanager:GetSecretValue');
  // Under AWS's own key sns:Publish is enough.
  if (settings.topicKeyArn) {
    made.allow(settings.topicKeyArn, 'kms:GenerateDataKey', 'kms:Decrypt');
  }
  // The event source reads the queue in the function's name.
  made.allow(queue.queueArn, 'sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes');
  const reserve = settings.reservedConcurrency['apply-payment-event'];
  made.addEventSourceMapping('webhooks', {
    eventSourceArn: queue.queueArn,
    batchSize,
    maxBatchingWindow: batchingWindow,
    reportBatchItemFailures: true,
    // Else a backlog would take all that the account may run at once, and customers could not pay; beyond a reserve,
    // throttled batches would use up their receives. It sets nothing aside:
    // https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
    maxConcurrency: Math.min(reserve ?? Infinity, settings.webhookConcurrency),
  });
  return made;
}

function getPayment(parts: Parts): PaymentFunction {
  const { payments, webhookQueue, apiKey } = parts;
  return new PaymentFunction(parts.scope, 'get-payment', {
    ...parts,
    description: "Answers a payment's public view",
    timeout: Duration.seconds(10),
  })
    .use(payments, 'dynamodb:GetItem', 'dynamodb:UpdateItem')
    .use(webhookQueue, 'sqs:SendMessage')
    .use(apiKey, 'secretsmanager:GetSecretValue');
}

function executePayment(parts: Parts): PaymentFunction {
  const { payments, webhookQueue, apiKey, originKeys } = parts;
  const made = new PaymentFunction(parts.scope, 'execute-payment', {
    ...parts,
    description: 'Executes a deposit at paytech without redirect',
    // Below the 15 s lease of an operation, as create-payment.
    timeout: Duration.seconds(14),
  })
    .use(payments, 'dynamodb:GetItem', 'dynamodb:UpdateItem')
    .use(webhookQueue, 'sqs:SendMessage')
    .use(apiKey, 'secretsmanager:GetSecretValue');
  if (originKeys) made.use(originKeys, 'secretsmanager:GetSecretValue');
  return made;
}

function operations(parts: Parts): PaymentFunction {
  const { payments, webhookQueue, apiKey, fingerprintKey } = parts;
  return new PaymentFunction(parts.scope, 'operations', {
    ...parts,
    description: 'Refunds, pays out, acts on payments and looks them up for the back office',
    // Below the 15 s lease of a claim, as create-payment.
    timeout: Duration.seconds(14),
  })
    .use(payments, 'dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:UpdateItem')
    .use(webhookQueue, 'sqs:SendMessage')
    .use(apiKey, 'secretsmanager:GetSecretValue')
    .use(fingerprintKey, 'secretsmanager:GetSecretValue');
}

function reconcile(parts: Parts): PaymentFunction {
  const { settings, payments, webhookQueue, apiKey, table } = parts;
  return new PaymentFunction(parts.scope, 'reconcile', {
    ...parts,
    description:
      'Finds changes whose webhook did not arrive: asks paytech about what is open and what changed',
    timeout: reconcileTimeout(settings.reconcileMinutes),
  })
    .use(payments, 'dynamodb:GetItem', 'dynamodb:BatchGetItem', 'dynamodb:PutItem', 'dynamodb:UpdateItem')
    .allow(`${table.tableArn}/index/open`, 'dynamodb:Query')
    .use(webhookQueue, 'sqs:SendMessage', 'sqs:GetQueueAttributes')
    .use(apiKey, 'secretsmanager:GetSecretValue')
    .allowToStartItself(parts.scope);
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
