/** A merchant's own stack: the payment service, and a subscriber to its events. */
import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { addOutputs } from '../stack/outputs.ts';
import { PaytechPayments } from '../stack/paytech-payments.ts';
import type { SettingsInput } from '../stack/settings-types.ts';
import { OrderPayments } from './order-payments.ts';

export interface ShopStackProps extends StackProps {
  /** What differs from the settings below. */
  payments?: Partial<SettingsInput>;
}

export class ShopStack extends Stack {
  constructor(scope: Construct, id: string, { payments: changes, ...props }: ShopStackProps = {}) {
    super(scope, id, props);
    const payments = new PaytechPayments(this, 'Payments', {
      stage: 'sandbox',
      allowedOrigins: ['https://shop.example'],
      ...changes,
    });
    // So that `paytech-ops --stack` finds what it needs.
    addOutputs(payments);

    const orders = new OrderPayments(this, 'Orders', { topic: payments.topic });
    new CfnOutput(this, 'OrderPaymentsTable', { value: orders.table.tableName });
  }
}
