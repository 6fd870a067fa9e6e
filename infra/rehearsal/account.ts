/** What the operator of a new stack does in its account: keys into the secrets, and a user for the back office. */
import { CloudFormationClient, DescribeStackResourcesCommand } from '@aws-sdk/client-cloudformation';
import {
  DynamoDBClient,
  UpdateContinuousBackupsCommand,
  UpdateTableCommand,
  UpdateTimeToLiveCommand,
} from '@aws-sdk/client-dynamodb';
import {
  CreateAccessKeyCommand,
  CreateUserCommand,
  IAMClient,
  PutRolePolicyCommand,
  PutUserPolicyCommand,
} from '@aws-sdk/client-iam';
import { PutSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { ACCOUNT, type clientFor, LOCAL_KEYS, REGION } from '../local/account.ts';

/** What an AWS SDK client needs to talk to the emulator. */
export type AccountClient = ReturnType<typeof clientFor> & {
  requestHandler?: { httpsAgent: { ca: Buffer } };
};

export interface StackResource {
  type: string;
  logicalId: string;
  physicalId: string;
}

export async function fillSecrets(outputs: Record<string, string>, client: AccountClient): Promise<void> {
  const secrets = new SecretsManagerClient(client);
  const values = {
    ApiKeySecret: LOCAL_KEYS.apiKey,
    SigningKeysSecret: LOCAL_KEYS.signingKey,
    OrderTokenKeysSecret: LOCAL_KEYS.orderTokenKey,
  };
  for (const [output, SecretString] of Object.entries(values)) {
    await secrets.send(new PutSecretValueCommand({ SecretId: outputs[output], SecretString }));
  }
  secrets.destroy();
}

/** A user who may call these routes (`POST/operations/refunds`, with `*` for whatever may be there). */
export function makeUser(
  UserName: string,
  { apiId, routes }: { apiId: string; routes: string[] },
  client: AccountClient,
) {
  const resources = routes.map(
    (route) => `arn:aws:execute-api:${REGION}:${ACCOUNT}:${apiId}/$default/${route}`,
  );
  return makeUserWith(UserName, policy('execute-api:Invoke', resources), client);
}

/** A user who may do what the policy says, and nothing else. */
export async function makeUserWith(UserName: string, PolicyDocument: string, client: AccountClient) {
  const iam = new IAMClient(client);
  await iam.send(new CreateUserCommand({ UserName }));
  await iam.send(new PutUserPolicyCommand({ UserName, PolicyName: 'may', PolicyDocument }));
  const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName }));
  iam.destroy();
  return { accessKeyId: AccessKey!.AccessKeyId!, secretAccessKey: AccessKey!.SecretAccessKey! };
}

/** On AWS `sns:Publish` allows PublishBatch too; the emulator asks for an action of its own, which AWS lacks. */
export async function allowPublishBatch(
  roleName: string,
  topicArn: string,
  client: AccountClient,
): Promise<void> {
  const iam = new IAMClient(client);
  const PolicyDocument = policy('sns:PublishBatch', [topicArn]);
  await iam.send(new PutRolePolicyCommand({ RoleName: roleName, PolicyName: 'emulator', PolicyDocument }));
  iam.destroy();
}

/** What CloudFormation does on AWS as the template says; the emulator's takes no notice of it. */
export async function protectTable(TableName: string, client: AccountClient): Promise<void> {
  const dynamoDb = new DynamoDBClient(client);
  const PointInTimeRecoverySpecification = { PointInTimeRecoveryEnabled: true };
  const TimeToLiveSpecification = { Enabled: true, AttributeName: 'expiresAt' };
  await dynamoDb.send(new UpdateTableCommand({ TableName, DeletionProtectionEnabled: true }));
  await dynamoDb.send(new UpdateContinuousBackupsCommand({ TableName, PointInTimeRecoverySpecification }));
  await dynamoDb.send(new UpdateTimeToLiveCommand({ TableName, TimeToLiveSpecification }));
  dynamoDb.destroy();
}

/** What a stack consists of, in the order of the logical ids. */
export async function stackResources(StackName: string, client: AccountClient): Promise<StackResource[]> {
  const cloudFormation = new CloudFormationClient(client);
  const { StackResources = [] } = await cloudFormation.send(new DescribeStackResourcesCommand({ StackName }));
  cloudFormation.destroy();
  return StackResources.map(({ ResourceType, LogicalResourceId, PhysicalResourceId }) => ({
    type: ResourceType!,
    logicalId: LogicalResourceId!,
    physicalId: PhysicalResourceId!,
  })).sort((a, b) => (a.logicalId < b.logicalId ? -1 : 1));
}

/** The physical id of the only one of a type whose logical id matches. */
export function physicalId(resources: readonly StackResource[], type: string, logicalId: RegExp): string {
  const [only, ...others] = resources.filter((each) => each.type === type && logicalId.test(each.logicalId));
  if (!only || others.length > 0) throw new Error(`The stack has not exactly one ${type} ${logicalId}.`);
  return only.physicalId;
}

/** A policy that allows one action. */
export function policy(Action: string, Resource: string[]): string {
  return JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action, Resource }] });
}
