/** What a platform puts around the service: roles, guards, domains. */
import { randomUUID } from 'node:crypto';
import { App, Stack } from 'aws-cdk-lib';
import { Annotations, Match, Template } from 'aws-cdk-lib/assertions';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  methodAndPath,
  OPERATION_ROUTES,
  type OperationRouteKey,
} from '../../functions/operations/routes.ts';
import { bundleFunctions } from '../../infra/stack/bundle.ts';
import { PaytechPayments } from '../../infra/stack/paytech-payments.ts';
import type { SettingsInput } from '../../infra/stack/settings-types.ts';

beforeAll(() => bundleFunctions(), 240_000);

const roleIn = (stack: Stack, id = 'clerk') =>
  new Role(stack, id, { assumedBy: new ServicePrincipal('ec2.amazonaws.com') });

test('a role is granted one route of the back office and no other', () => {
  const stack = new Stack(new App(), 'shop');
  const payments = new PaytechPayments(stack, 'Payments', { stage: 'sandbox' });
  payments.grantOperation('POST /operations/payments/{id}/capture', roleIn(stack));
  const policies = Object.values(Template.fromStack(stack).findResources('AWS::IAM::Policy'));
  const own = policies.find(({ Properties }) => JSON.stringify(Properties.Roles).includes('clerk'));
  const [statement, ...others] = own?.Properties.PolicyDocument.Statement ?? [];
  expect(others).toEqual([]);
  expect(statement).toMatchObject({ Effect: 'Allow', Action: 'execute-api:Invoke' });
  const [, [...parts]] = statement.Resource['Fn::Join'];
  expect(parts).toContain(':execute-api:');
  expect(parts.at(-1)).toBe('/$default/POST/operations/payments/*/capture');
});

test('what is granted of each route matches its own path and that of no other', () => {
  const stack = new Stack(new App(), 'shop');
  const payments = new PaytechPayments(stack, 'Payments', { stage: 'sandbox' });
  const granted = (route: OperationRouteKey) => {
    const [statement] = payments.grantOperation(route, roleIn(stack, route)).principalStatements;
    return String(statement!.resources[0]).split('/$default/')[1]!;
  };
  const called = (route: OperationRouteKey) => {
    const [method, path] = methodAndPath(route);
    return method + path.replace(/\{\w+\}/g, randomUUID().replaceAll('-', ''));
  };
  for (const route of OPERATION_ROUTES) {
    const pattern = granted(route);
    expect(OPERATION_ROUTES.filter((other) => matches(pattern, called(other)))).toEqual([route]);
  }
});

/**
 * As IAM does: neither of its two wildcards stops at a slash.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
 */
function matches(pattern: string, path: string): boolean {
  return new RegExp(`^${pattern.replaceAll('*', '.*').replaceAll('?', '.')}$`).test(path);
}

test('a second one in the same stack is refused, and both are named', () => {
  const stack = new Stack(new App(), 'shop');
  new PaytechPayments(stack, 'Payments', { stage: 'sandbox' });
  expect(() => new PaytechPayments(stack, 'Second', { stage: 'sandbox' })).toThrow(
    'The stack shop has a PaytechPayments already, shop/Payments: put shop/Second into a stack of its own.',
  );
});

describe('a stack that anybody may delete', () => {
  const warnings = (stage: 'sandbox' | 'production', terminationProtection: boolean) => {
    const stack = new Stack(new App(), 'shop', { terminationProtection });
    new PaytechPayments(stack, 'Payments', { stage });
    return Annotations.fromStack(stack).findWarning('*', Match.stringLikeRegexp('terminationProtection'));
  };

  test('is warned of in production', () => expect(warnings('production', false)).toHaveLength(1));
  test('is not where it is protected', () => expect(warnings('production', true)).toEqual([]));
  test('is not in the sandbox', () => expect(warnings('sandbox', false)).toEqual([]));
});

describe('a domain', () => {
  const domain = {
    name: 'pay.shop.example',
    certificateArn: 'arn:aws:acm:eu-west-1:123456789012:certificate/1234abcd-12ab-34cd-56ef-1234567890ab',
  };
  const stackWith = (settings: Partial<SettingsInput>) => {
    const stack = new Stack(new App(), 'shop');
    const payments = new PaytechPayments(stack, 'Payments', { stage: 'sandbox', ...settings });
    return { payments, template: Template.fromStack(stack) };
  };

  test('is the API’s name, for browsers and paytech, and its record is made where the zone is told', () => {
    const hostedZone = { id: 'Z0123456789ABCDEFGHIJ', name: 'shop.example' };
    const { payments, template } = stackWith({ domain: { ...domain, hostedZone } });
    expect(payments.webhookUrl).toBe('https://pay.shop.example/webhooks/paytech');
    template.hasResourceProperties('AWS::ApiGatewayV2::DomainName', {
      DomainName: domain.name,
      DomainNameConfigurations: [{ CertificateArn: domain.certificateArn, SecurityPolicy: 'TLS_1_2' }],
    });
    template.hasResourceProperties('AWS::ApiGatewayV2::ApiMapping', { Stage: Match.anyValue() });
    template.hasResourceProperties('AWS::Route53::RecordSet', {
      HostedZoneId: hostedZone.id,
      Name: 'pay.shop.example.',
    });
    template.hasResourceProperties('AWS::ApiGatewayV2::Api', { DisableExecuteApiEndpoint: false });
  });

  test('may be the only way in, and have its record elsewhere', () => {
    const { payments, template } = stackWith({ domain, defaultEndpoint: 'off' });
    expect(payments.apiUrl).toBe('https://pay.shop.example');
    template.hasResourceProperties('AWS::ApiGatewayV2::Api', { DisableExecuteApiEndpoint: true });
    template.resourceCountIs('AWS::Route53::RecordSet', 0);
  });

  test('is behind the address that browsers are told, where there is one', () => {
    const { payments } = stackWith({ domain, publicUrl: 'https://cdn.shop.example' });
    expect(payments.apiUrl).toBe('https://cdn.shop.example');
  });
});
