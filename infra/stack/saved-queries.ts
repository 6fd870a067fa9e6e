/** The runbook's queries over the logs, saved in the console of CloudWatch under the stack's name. */
import { Stack } from 'aws-cdk-lib';
import { CfnQueryDefinition, type ILogGroup } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';

/** By what they are called there; `<id>` is to be replaced. */
export const SAVED_QUERIES = {
  'one payment or request': [
    'filter requestId = "<id>" or paymentId = "<id>"',
    'sort @timestamp',
    'display service, level, message, metric, reason, eventId',
  ],
  'slow calls': [
    'filter message = "slow"',
    'sort tookMs desc',
    'display service, tookMs, paytechMs, dynamoDbMs',
  ],
  'refused requests': ['filter message = "refused"', 'stats count() by service, code'],
} as const;

export function queryText(lines: readonly string[]): string {
  return lines.join(' | ');
}

/** @param logGroups those of all functions */
export function savedQueries(scope: Construct, logGroups: readonly ILogGroup[]): void {
  for (const [name, lines] of Object.entries(SAVED_QUERIES)) {
    new CfnQueryDefinition(scope, `query-${name.replaceAll(' ', '-')}`, {
      name: `${Stack.of(scope).stackName}/${name}`,
      queryString: queryText(lines),
      logGroupNames: logGroups.map(({ logGroupName }) => logGroupName),
    });
  }
}
