/** The payments table: one item per payment or claim, and the sparse index of what is still open. */
import { RemovalPolicy } from 'aws-cdk-lib';
import {
  AttributeType,
  Billing,
  type CfnGlobalTable,
  type ITableV2,
  ProjectionType,
  TableEncryptionV2,
  TableV2,
} from 'aws-cdk-lib/aws-dynamodb';
import type { Construct } from 'constructs';
import type { Settings } from './settings-types.ts';

/** The stack's own, or one that the settings name. */
export type PaymentsTable = TableV2 | ITableV2;

/**
 * Key: `pk` (string). Index `open`: `openShard` (string), `dueAt` (number); only items that carry both are
 * in it, and only their keys, because a read of the table decides anyway.
 */
export function paymentsTable(
  scope: Construct,
  {
    existingTable,
    dataKeyArn,
    tableWriteLimit,
  }: Pick<Settings, 'existingTable' | 'dataKeyArn' | 'tableWriteLimit'>,
): PaymentsTable {
  // Restored from a backup, or kept by a stack that is gone: this stack uses it and does not own it.
  if (existingTable !== undefined) return TableV2.fromTableName(scope, 'existing-payments', existingTable);
  const limit = tableWriteLimit === undefined ? {} : { maxWriteRequestUnits: tableWriteLimit };
  const table = new TableV2(scope, 'payments', {
    partitionKey: { name: 'pk', type: AttributeType.STRING },
    globalSecondaryIndexes: [
      {
        indexName: 'open',
        partitionKey: { name: 'openShard', type: AttributeType.STRING },
        sortKey: { name: 'dueAt', type: AttributeType.NUMBER },
        projectionType: ProjectionType.KEYS_ONLY,
        ...limit,
      },
    ],
    // Of payments that are final, where the stack has paymentRetentionDays; of nothing else.
    timeToLiveAttribute: 'expiresAt',
    billing: Billing.onDemand(limit),
    encryption: TableEncryptionV2.awsManagedKey(),
    pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
    deletionProtection: true,
    removalPolicy: RemovalPolicy.RETAIN,
  });
  if (dataKeyArn !== undefined) {
    // TableV2 takes a key of one's own only where the stack names its Region.
    const { node } = table;
    (node.defaultChild as CfnGlobalTable).addPropertyOverride('Replicas.0.SSESpecification', {
      KMSMasterKeyId: dataKeyArn,
    });
  }
  return table;
}
