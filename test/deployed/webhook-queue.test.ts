import {
  CreateAccessKeyCommand,
  CreateRoleCommand,
  CreateUserCommand,
  IAMClient,
  PutRolePolicyCommand,
  PutUserPolicyCommand,
} from '@aws-sdk/client-iam';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import { expect, it } from 'vitest';
import { ACCOUNT, clientFor } from '../../infra/local/account.ts';
import { OPERATOR_ROLE } from '../../infra/rehearsal/account.ts';
import { rehearsed } from '../support/deployed-target.ts';

/**
 * The rehearsed stack has `operatorRoles` by now: whoever IAM lets send to every queue still cannot send to the one
 * whose messages are believed. That the functions can is what every other test needs.
 */

const { endpoint, outputs } = rehearsed();
const client = clientFor(endpoint);
const iam = new IAMClient(client);
const EVERYTHING = JSON.stringify({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: ['sqs:*', 'sts:AssumeRole'], Resource: '*' }],
});
const PolicyName = 'every-queue';

type Credentials = ReturnType<typeof clientFor>['credentials'] & { sessionToken?: string };

async function user(UserName: string): Promise<Credentials> {
  await iam.send(new CreateUserCommand({ UserName }));
  await iam.send(new PutUserPolicyCommand({ UserName, PolicyName, PolicyDocument: EVERYTHING }));
  const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName }));
  return { accessKeyId: AccessKey!.AccessKeyId!, secretAccessKey: AccessKey!.SecretAccessKey! };
}

async function operator(as: Credentials): Promise<Credentials> {
  const RoleName = OPERATOR_ROLE.split('/').at(-1)!;
  const trusted = { AWS: `arn:aws:iam::${ACCOUNT}:root` };
  const statement = { Effect: 'Allow', Action: 'sts:AssumeRole', Principal: trusted };
  const AssumeRolePolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement: [statement] });
  await iam.send(new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument }));
  await iam.send(new PutRolePolicyCommand({ RoleName, PolicyName, PolicyDocument: EVERYTHING }));
  const sts = new STSClient({ ...client, credentials: as });
  const { Credentials: given } = await sts.send(
    new AssumeRoleCommand({ RoleArn: OPERATOR_ROLE, RoleSessionName: 'night-shift' }),
  );
  return {
    accessKeyId: given!.AccessKeyId!,
    secretAccessKey: given!.SecretAccessKey!,
    sessionToken: given!.SessionToken!,
  };
}

const sendAs = (credentials: Credentials, QueueUrl = outputs.WebhookQueueUrl) =>
  new SQSClient({ ...client, credentials }).send(
    new SendMessageCommand({ QueueUrl, MessageBody: Buffer.from('no payment').toString('base64') }),
  );

it('takes messages of operators, and of nobody else whom IAM would let', async () => {
  const clerk = await user('clerk-with-every-queue');
  await expect(sendAs(clerk)).rejects.toThrow(/denied|not authorized/i);
  await expect(sendAs(clerk, outputs.PaymentEventsDlqQueueUrl)).resolves.toMatchObject({
    MessageId: expect.any(String),
  });
  await expect(sendAs(await operator(clerk))).resolves.toMatchObject({ MessageId: expect.any(String) });
});
