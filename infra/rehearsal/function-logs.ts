import {
  CloudWatchLogsClient,
  type FilteredLogEvent,
  FilterLogEventsCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import type { AccountClient, StackResource } from './account.ts';

/** Every line that the functions of the stack have written since `startTime`, in order. */
export async function functionLogs(
  resources: readonly StackResource[],
  client: AccountClient,
  startTime = 0,
): Promise<string[]> {
  const logs = new CloudWatchLogsClient(client);
  const groups = resources.filter(
    ({ type, logicalId }) => type === 'AWS::Logs::LogGroup' && !logicalId.includes('accesslogs'),
  );
  const lines: FilteredLogEvent[] = [];
  for (const { physicalId: logGroupName } of groups) {
    let nextToken: string | undefined;
    do {
      const page = await logs.send(new FilterLogEventsCommand({ logGroupName, startTime, nextToken }));
      lines.push(...(page.events ?? []));
      nextToken = page.nextToken;
    } while (nextToken);
  }
  logs.destroy();
  lines.sort((a, b) => (a.timestamp ?? 0) - (b.timestamp ?? 0));
  return lines.map(({ message = '' }) => message);
}
