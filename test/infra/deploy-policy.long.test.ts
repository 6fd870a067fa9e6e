import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { installedPython } from '../../infra/rehearsal/python.ts';
import { mustRun } from '../../infra/rehearsal/run.ts';
import { type Json, minimal, synthesize } from './synthesized.ts';

/** docs/deploy-policy.json lets CloudFormation do what the resource types of the stack say that they need, and no more. */

const policy: Json = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../docs/deploy-policy.json'), 'utf8'),
);
const allowed: string[] = policy.Statement.flatMap(({ Action }: Json) => Action);

const domain = {
  name: 'pay.shop.example',
  certificateArn: 'arn:aws:acm:eu-west-1:123456789012:certificate/1234abcd-12ab-34cd-56ef-1234567890ab',
  hostedZone: { id: 'Z0123456789ABCDEFGHIJ', name: 'shop.example' },
};

/** What the types declare for properties that the stack does not use. */
const NOT_USED = [
  // Replicas in other Regions, exports to Kinesis, provisioned capacity: data of the table is read for nothing else.
  /^dynamodb:(BatchWriteItem|(Get|Put|Update|Delete)Item|Query|Scan|\w*TableReplica\w*|\w*KinesisStreamingDestination)$/,
  /^(kinesis|application-autoscaling|firehose|ec2|elasticfilesystem|s3files):/,
  /^s3:(REST|getObject)/,
  // Users and groups; boundaries.
  /^iam:(\w+(User|Group)Policy|\w+PermissionsBoundary)$/,
  /^lambda:((Put|Delete)FunctionCodeSigningConfig|GetCodeSigningConfig|GetLayerVersion|PassCapacityProvider|AssociateRuntimeAlias)$/,
  /^logs:(\w*Index\w+|(Put|Delete)DataProtectionPolicy|\w*BearerTokenAuthentication|\w*DeletionProtection|DeleteResourcePolicy)$/,
  /^sns:PutDataProtectionPolicy$/,
  /^secretsmanager:\w*Replica\w*$/,
  /^cloudwatch:PutMetricData$/,
  /^kms:ListAliases$/,
];

/** By type, what CloudFormation's registry says that creating, reading, changing and deleting it needs. */
const DECLARED = `
import glob, json, os, cfnlint
folder = os.path.join(os.path.dirname(cfnlint.__file__), 'data', 'schemas', 'resources')
found = {}
for file in glob.glob(os.path.join(folder, '*.json')):
    schema = json.load(open(file))
    for name, handler in schema.get('handlers', {}).items():
        if name != 'list':
            found.setdefault(schema['typeName'], set()).update(handler['permissions'])
print(json.dumps({name: sorted(permissions) for name, permissions in found.items()}))
`;

test('CloudFormation may do what the stack needs', async ({ skip }) => {
  const python = installedPython();
  skip(python === undefined, 'cfn-lint is not installed: "npm run rehearse" installs it');
  const declared: Record<string, string[]> = JSON.parse(await mustRun(python!, ['-c', DECLARED]));
  const { template } = await synthesize({ ...minimal, hostToHost: true, savedQueries: true, domain });
  const resources = Object.values<Json>(template.toJSON().Resources);
  const needed = new Set(resources.flatMap(({ Type }) => declared[Type] ?? [`nothing known of ${Type}`]));

  const may = (action: string) =>
    allowed.some((each) => each === action || (each.endsWith('*') && action.startsWith(each.slice(0, -1))));
  const used = [...needed].filter((action) => !NOT_USED.some((pattern) => pattern.test(action)));
  expect(used.filter((action) => !may(action)).sort()).toEqual([]);
  expect(used.length).toBeGreaterThan(100);

  // API Gateway's access logs, and the version of the bootstrap, are nobody's declared need.
  const besides = /^(logs:\w*LogDeliver\w+|ssm:GetParameters|kms:RevokeGrant)$/;
  const isNeeded = (action: string) =>
    action.endsWith('*') ? used.some((each) => each.startsWith(action.slice(0, -1))) : used.includes(action);
  expect(allowed.filter((action) => !isNeeded(action) && !besides.test(action))).toEqual([]);
}, 240_000);

test('it fits a managed policy, and gives a role to nothing but Lambda', () => {
  // https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
  expect(JSON.stringify(policy).length).toBeLessThanOrEqual(6_144);
  const passing = policy.Statement.filter(({ Action }: Json) => Action.includes('iam:PassRole'));
  expect(passing).toMatchObject([
    { Condition: { StringEquals: { 'iam:PassedToService': 'lambda.amazonaws.com' } } },
  ]);
  for (const { Action, Resource } of policy.Statement)
    if (Action.some((action: string) => action.startsWith('iam:')) && !makesRolesOfServices(Action))
      expect(Resource).toBe('arn:*:iam::*:role/paytech-payments-*');
});

// Those "without a resource type": https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsns.html
test.each(['sns:GetSubscriptionAttributes', 'sns:SetSubscriptionAttributes', 'sns:Unsubscribe'])(
  '%s is allowed on everything, since it is of no resource',
  (action) => {
    const allowing = policy.Statement.filter(({ Action }: Json) => Action.includes(action));
    expect(allowing).toMatchObject([{ Effect: 'Allow', Resource: '*' }]);
  },
);

/**
 * Which API Gateway does in the name of its caller, with the first API or domain of an account:
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/using-service-linked-roles.html
 */
test('of the roles of AWS itself it makes that of API Gateway alone', () => {
  const making = policy.Statement.filter(({ Action }: Json) => makesRolesOfServices(Action));
  expect(making).toMatchObject([
    {
      Action: ['iam:CreateServiceLinkedRole'],
      Resource: 'arn:*:iam::*:role/aws-service-role/ops.apigateway.amazonaws.com/*',
      Condition: { StringEquals: { 'iam:AWSServiceName': 'ops.apigateway.amazonaws.com' } },
    },
  ]);
});

function makesRolesOfServices(actions: string[]): boolean {
  return actions.includes('iam:CreateServiceLinkedRole');
}
