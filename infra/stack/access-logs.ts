/** The access log of the API: one JSON line per request, with nothing of a customer in it. */
import { RemovalPolicy, Stack } from 'aws-cdk-lib';
import { AccessLogFormat } from 'aws-cdk-lib/aws-apigateway';
import { LogGroupLogDestination } from 'aws-cdk-lib/aws-apigatewayv2';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { FilterPattern, LogGroup, MetricFilter } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { METRICS_NAMESPACE } from '../../shared/runtime/metrics.ts';
import type { Settings } from './settings-types.ts';
import { uniqueToStack } from './unique.ts';

/**
 * No address, no query and no path values. API Gateway puts values in as they are, so that only what brings no quotes
 * of its own may stand here: `error.message`, and not `error.messageString`. It knows the caller of routes with IAM
 * authorization only.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging-variables.html
 */
export const LOGGED = {
  requestId: '$context.requestId',
  time: '$context.requestTimeEpoch',
  route: '$context.routeKey',
  status: '$context.status',
  latency: '$context.responseLatency',
  caller: '$context.identity.userArn',
  integrationStatus: '$context.integrationStatus',
  integrationLatency: '$context.integrationLatency',
  integrationError: '$context.integrationErrorMessage',
  gatewayError: '$context.error.message',
};

/** What the stage logs, and the requests that were throttled: of 4xx API Gateway's own metrics do not tell which. */
export function accessLogs(scope: Construct, settings: Settings, dataKey: IKey | undefined) {
  const common = {
    retention: settings.logRetentionDays,
    removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    ...(dataKey && { encryptionKey: dataKey }),
  };
  // What earlier versions wrote to: here for one more release, so that an update keeps it and its retention.
  new LogGroup(scope, 'access-logs', common);
  // Under this prefix a group needs no place in the one resource policy of the account's logs, which has 5,120
  // characters: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-logs-and-resource-policy.html
  // Kept when the stack is removed, so that the name must be one that the next stack of the name does not take.
  const { stackName } = Stack.of(scope);
  const logGroup = new LogGroup(scope, 'vended-access-logs', {
    ...common,
    logGroupName: `/aws/vendedlogs/${stackName}/${scope.node.addr.slice(-8)}/${uniqueToStack()}`,
  });
  const throttled = new MetricFilter(scope, 'throttled', {
    logGroup,
    // The status is a text in the line.
    filterPattern: FilterPattern.stringValue('$.status', '=', '429'),
    metricNamespace: `${METRICS_NAMESPACE}/${Stack.of(scope).stackName}`,
    metricName: 'ApiThrottled',
  });
  return {
    throttled,
    settings: {
      destination: new LogGroupLogDestination(logGroup),
      format: AccessLogFormat.custom(JSON.stringify(LOGGED)),
    },
  };
}
