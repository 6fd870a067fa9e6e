/** The example's subscriber: it keeps the payments of the orders in a table of its own. */
import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { AttributeType, TableV2 } from 'aws-cdk-lib/aws-dynamodb';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Architecture, LoggingFormat, Runtime } from 'aws-cdk-lib/aws-lambda';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import { NodejsFunction, OutputFormat } from 'aws-cdk-lib/aws-lambda-nodejs';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { PaymentEventsSubscription } from '../stack/payment-events-subscription.ts';

export class OrderPayments extends Construct {
  /** Key: `paymentId`; one item per payment, as of the highest version received. */
  readonly table: TableV2;

  constructor(scope: Construct, id: string, { topic }: { topic: ITopic | string }) {
    super(scope, id);
    const events = new PaymentEventsSubscription(this, 'order-payments', {
      topic,
      filter: { paymentType: ['DEPOSIT'] },
    });

    this.table = new TableV2(this, 'table', {
      partitionKey: { name: 'paymentId', type: AttributeType.STRING },
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      // An example is thrown away; a real one says RETAIN.
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const role = new Role(this, 'role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
    const logGroup = new LogGroup(this, 'logs', {
      retention: RetentionDays.ONE_MONTH,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    logGroup.grantWrite(role);
    const subscriber = new NodejsFunction(this, 'subscriber', {
      entry: `${import.meta.dirname}/subscriber/index.ts`,
      environment: { ORDER_PAYMENTS_TABLE: this.table.tableName },
      timeout: Duration.seconds(30),
      role,
      logGroup,
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      loggingFormat: LoggingFormat.JSON,
      bundling: { format: OutputFormat.ESM, mainFields: ['module', 'main'], bundleAwsSDK: true },
    });
    this.table.grant(subscriber, 'dynamodb:PutItem');
    subscriber.addEventSource(new SqsEventSource(events, { reportBatchItemFailures: true }));
  }
}
