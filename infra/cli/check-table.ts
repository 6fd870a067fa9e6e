/** The check of `doctor` that looks at the table as a resource: a restored or hand-made one may lack what holds the books. */
import {
  DescribeContinuousBackupsCommand,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  type DynamoDBClient,
  type KeySchemaElement,
} from '@aws-sdk/client-dynamodb';
import type { Finding } from './finding.ts';

export interface TableState {
  name: string;
  /** `pk HASH`, and the like. */
  keys: string[];
  /** Of the index `open`; absent without one. */
  openKeys?: string[];
  isProtected: boolean;
  hasBackups: boolean;
  /** The attribute by which items expire. */
  expiresBy?: string;
}

/** A restore brings none of the last three: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/PointInTimeRecovery.Tutorial.html */
export async function tableState(TableName: string, client: DynamoDBClient): Promise<TableState> {
  const [{ Table = {} }, { ContinuousBackupsDescription: backups }, { TimeToLiveDescription: expiry }] =
    await Promise.all([
      client.send(new DescribeTableCommand({ TableName })),
      client.send(new DescribeContinuousBackupsCommand({ TableName })),
      client.send(new DescribeTimeToLiveCommand({ TableName })),
    ]);
  const open = Table.GlobalSecondaryIndexes?.find(({ IndexName }) => IndexName === 'open');
  const isOn = expiry?.TimeToLiveStatus === 'ENABLED' || expiry?.TimeToLiveStatus === 'ENABLING';
  return {
    name: TableName,
    keys: keysOf(Table.KeySchema),
    ...(open && { openKeys: keysOf(open.KeySchema) }),
    isProtected: Table.DeletionProtectionEnabled === true,
    hasBackups: backups?.PointInTimeRecoveryDescription?.PointInTimeRecoveryStatus === 'ENABLED',
    ...(isOn && expiry.AttributeName && { expiresBy: expiry.AttributeName }),
  };
}

export function judgeTable({
  name,
  keys,
  openKeys,
  isProtected,
  hasBackups,
  expiresBy,
}: TableState): Finding {
  const broken = [
    ...(keys.join() === 'pk HASH' ? [] : [`its key is ${keys.join(', ')}, not pk`]),
    ...(openKeys?.join() === 'openShard HASH,dueAt RANGE'
      ? []
      : ['it has no index open by openShard and dueAt']),
  ];
  const missing = [
    ...(isProtected
      ? []
      : [
          `a mistake can delete it: "aws dynamodb update-table --table-name ${name} --deletion-protection-enabled" protects it`,
        ]),
    ...(hasBackups
      ? []
      : [
          `damage to it cannot be undone: "aws dynamodb update-continuous-backups --table-name ${name} --point-in-time-recovery-specification PointInTimeRecoveryEnabled=true" makes backups`,
        ]),
    ...(expiresBy === 'expiresAt'
      ? []
      : [
          `nothing expires: "aws dynamodb update-time-to-live --table-name ${name} --time-to-live-specification Enabled=true,AttributeName=expiresAt" sets its time to live`,
        ]),
  ];
  if (broken.length + missing.length === 0)
    return { is: 'ok', detail: 'has its index, backups and protection' };
  if (broken.length > 0) {
    const detail = `${[...broken, ...missing].join('; ')}. It is not a payments table: look at the setting existingTable`;
    return { is: 'fail', detail };
  }
  return { is: 'warn', detail: missing.join('; ') };
}

function keysOf(schema: KeySchemaElement[] = []): string[] {
  return schema.map(({ AttributeName, KeyType }) => `${AttributeName} ${KeyType}`);
}
