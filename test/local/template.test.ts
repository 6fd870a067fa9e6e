// biome-ignore-all lint/suspicious/noTemplateCurlyInString: that is how Fn::Sub writes a variable.
import { expect, test } from 'vitest';
import { openTemplate } from '../../infra/local/template.ts';

const at = (id: string) => ({ 'aws:cdk:path': `paytech-payments/PaytechPayments/${id}/Resource` });
const addresses = { apiUrl: 'http://127.0.0.1:3000', sqsUrl: 'http://127.0.0.1:3002' };
const resources = {
  Api1: { Type: 'AWS::ApiGatewayV2::Api', Metadata: at('api') },
  Dlq1: { Type: 'AWS::SQS::Queue', Metadata: at('webhooks-dlq') },
  Queue1: {
    Type: 'AWS::SQS::Queue',
    Metadata: at('webhooks'),
    Properties: {
      VisibilityTimeout: 180,
      RedrivePolicy: { deadLetterTargetArn: { 'Fn::GetAtt': ['Dlq1', 'Arn'] }, maxReceiveCount: 20 },
      Tags: { 'Fn::GetAtt': ['Role1', 'Arn'] },
    },
  },
  Function1: { Type: 'AWS::Lambda::Function', Metadata: at('create-payment') },
  Secret1: { Type: 'AWS::SecretsManager::Secret', Metadata: at('api-key') },
  Table1: { Type: 'AWS::DynamoDB::GlobalTable', Metadata: at('payments') },
  Topic1: { Type: 'AWS::SNS::Topic', Metadata: at('payment-events') },
  Integration1: { Type: 'AWS::ApiGatewayV2::Integration', Metadata: at('api/POST--payments/create-payment') },
  Role1: { Type: 'AWS::IAM::Role', Metadata: at('create-payment-role') },
};
const template = openTemplate({ Resources: resources }, addresses);

test.each([
  ['text', 'text'],
  [{ Ref: 'Table1' }, 'payments'],
  [{ Ref: 'Function1' }, 'create-payment'],
  [{ Ref: 'Queue1' }, 'http://127.0.0.1:3002/000000000000/webhooks'],
  [{ Ref: 'Topic1' }, 'arn:aws:sns:us-east-1:000000000000:payment-events'],
  [{ Ref: 'Secret1' }, 'arn:aws:secretsmanager:us-east-1:000000000000:secret:api-key'],
  [{ Ref: 'AWS::Region' }, 'us-east-1'],
  [{ 'Fn::GetAtt': ['Queue1', 'Arn'] }, 'arn:aws:sqs:us-east-1:000000000000:webhooks'],
  [{ 'Fn::GetAtt': 'Table1.Arn' }, 'arn:aws:dynamodb:us-east-1:000000000000:table/payments'],
  [{ 'Fn::Join': ['', ['integrations/', { Ref: 'Integration1' }]] }, 'integrations/Integration1'],
  [
    { 'Fn::Join': ['', [{ 'Fn::GetAtt': ['Api1', 'ApiEndpoint'] }, '/webhooks/paytech']] },
    'http://127.0.0.1:3000/webhooks/paytech',
  ],
  [
    { 'Fn::Sub': 'assets-${AWS::AccountId}-${Function1.Arn}-${!kept}' },
    `assets-000000000000-arn:aws:lambda:us-east-1:000000000000:function:create-payment-\${kept}`,
  ],
  [{ 'Fn::Sub': ['${table}!', { table: { Ref: 'Table1' } }] }, 'payments!'],
  [{ 'Fn::Select': [1, { 'Fn::Split': ['/', 'a/b/c'] }] }, 'b'],
  [{ kept: 1, dropped: { Ref: 'AWS::NoValue' } }, { kept: 1 }],
  [['kept', { Ref: 'AWS::NoValue' }], ['kept']],
])('%j is %j', (value, expected) => {
  expect(template.resolve(value)).toEqual(expected);
});

test.each([
  [{ 'Fn::GetAtt': ['Function1', 'SnapStart'] }, 'no SnapStart of Function1, an AWS::Lambda::Function'],
  [{ Ref: 'Role1' }, 'no Ref of Role1, an AWS::IAM::Role'],
  [{ Ref: 'Nowhere' }, 'refers to Nowhere'],
  [{ 'Fn::ImportValue': 'other' }, 'uses Fn::ImportValue'],
  [{ 'Fn::Sub': '${Role1.Arn}' }, 'no Arn of Role1, an AWS::IAM::Role'],
])('%j throws and says why', (value, message) => {
  expect(() => template.resolve(value)).toThrow(message);
});

test('resources come with the properties that are asked for, resolved, and no others', () => {
  expect(
    template.ofType('AWS::SQS::Queue', ['VisibilityTimeout', 'RedrivePolicy', 'DelaySeconds'])[1],
  ).toEqual({
    logicalId: 'Queue1',
    name: 'webhooks',
    properties: {
      VisibilityTimeout: 180,
      RedrivePolicy: {
        deadLetterTargetArn: 'arn:aws:sqs:us-east-1:000000000000:webhooks-dlq',
        maxReceiveCount: 20,
      },
      DelaySeconds: undefined,
    },
  });
});

test('two resources of one type and name are refused', () => {
  const twice = { ...resources, Queue2: { Type: 'AWS::SQS::Queue', Metadata: at('other/webhooks') } };
  expect(() => openTemplate({ Resources: twice }, addresses)).toThrow('Queue1 and Queue2');
});
