/** A domain of the merchant's as the API's own name, which does not change when the stack is made anew. */
import {
  ApiMapping,
  DomainName,
  type HttpApi,
  type HttpStage,
  SecurityPolicy,
} from 'aws-cdk-lib/aws-apigatewayv2';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import { ARecord, HostedZone, RecordTarget } from 'aws-cdk-lib/aws-route53';
import { ApiGatewayv2DomainProperties } from 'aws-cdk-lib/aws-route53-targets';
import type { Construct } from 'constructs';
import type { Domain } from './settings-types.ts';

/** Makes the domain and, where the settings name its zone, the record that leads there. */
export function apiDomain(
  scope: Construct,
  { name, certificateArn, hostedZone }: Domain,
  api: HttpApi,
  stage: HttpStage,
): DomainName {
  const domainName = new DomainName(scope, 'domain', {
    domainName: name,
    certificate: Certificate.fromCertificateArn(scope, 'domain-certificate', certificateArn),
    securityPolicy: SecurityPolicy.TLS_1_2,
  });
  new ApiMapping(scope, 'domain-mapping', { api, domainName, stage });
  if (hostedZone) {
    const { regionalDomainName, regionalHostedZoneId } = domainName;
    const zone = { hostedZoneId: hostedZone.id, zoneName: hostedZone.name };
    new ARecord(scope, 'domain-record', {
      zone: HostedZone.fromHostedZoneAttributes(scope, 'domain-zone', zone),
      recordName: name,
      target: RecordTarget.fromAlias(
        new ApiGatewayv2DomainProperties(regionalDomainName, regionalHostedZoneId),
      ),
    });
  }
  return domainName;
}
