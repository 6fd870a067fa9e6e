/** What the operator of a new stack does in its account: keys into the secrets, and a user for the back office. */
import { CloudFormationClient, DescribeStackResourcesCommand } from '@aws-sdk/client-cloudformation';
import {
  CreateAccessKeyCommand,
  CreateUserCommand,
  IAMClient,
  PutRolePolicyCommand,
  PutUserPolicyCommand,
} from '@aws-sdk/client-iam';
import { PutSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { ACCOUNT, LOCAL_KEYS, REGION } from '../local/account.ts';
import type { clientFor } from './client.ts';

type ClientConfig = ReturnType<typeof clientFor>;

export async function fillSecrets(outputs: Record<string, string>, client: ClientConfig): Promise<void> {
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
export async function makeUser(
  UserName: string,
  { apiId, routes }: { apiId: string; routes: string[] },
  client: ClientConfig,
) {
  const iam = new IAMClient(client);
  const PolicyDocument = policy(
    'execute-api:Invoke',
    routes.map((route) => `arn:aws:execute-api:${REGION}:${ACCOUNT}:${apiId}/$default/${route}`),
  );
  await iam.send(new CreateUserCommand({ UserName }));
  await iam.send(new PutUserPolicyCommand({ UserName, PolicyName: 'routes', PolicyDocument }));
  const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName }));
  iam.destroy();
  return { accessKeyId: AccessKey!.AccessKeyId!, secretAccessKey: AccessKey!.SecretAccessKey! };
}

/** On AWS `sns:Publish` allows PublishBatch too; the emulator asks for an action of its own, which AWS lacks. */
export async function allowPublishBatch(
  roleName: string,
  topicArn: string,
  client: ClientConfig,
): Promise<void> {
  const iam = new IAMClient(client);
  const PolicyDocument = policy('sns:PublishBatch', [topicArn]);
  await iam.send(new PutRolePolicyCommand({ RoleName: roleName, PolicyName: 'emulator', PolicyDocument }));
  iam.destroy();
}

/** Finds the physical id of the stack's only resource of a type whose logical id matches. */
export async function openStack(StackName: string, client: ClientConfig) {
  const cloudFormation = new CloudFormationClient(client);
  const { StackResources = [] } = await cloudFormation.send(new DescribeStackResourcesCommand({ StackName }));
  cloudFormation.destroy();
  return (type: string, logicalId: RegExp): string => {
    const found = StackResources.filter(
      ({ ResourceType, LogicalResourceId = '' }) =>
        ResourceType === type && logicalId.test(LogicalResourceId),
    );
    const [only, ...others] = found;
    if (!only?.PhysicalResourceId || others.length > 0) {
      throw new Error(`The stack ${StackName} has ${found.length} of ${type} ${logicalId}.`);
    }
    return only.PhysicalResourceId;
  };
}

function policy(Action: string, Resource: string[]): string {
  return JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action, Resource }] });
}
