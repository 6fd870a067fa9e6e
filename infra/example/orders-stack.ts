/** The subscriber in a stack of its own: it needs the topic's ARN and nothing else of the service. */
import { CfnOutput, Stack } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { OrderPayments } from './order-payments.ts';

export class OrdersStack extends Stack {
  constructor(scope: Construct, id: string, { topic }: { topic: string }) {
    super(scope, id);
    const orders = new OrderPayments(this, 'Orders', { topic });
    new CfnOutput(this, 'OrderPaymentsTable', { value: orders.table.tableName });
  }
}
