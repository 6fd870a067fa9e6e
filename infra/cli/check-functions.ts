/** The check of `doctor` that asks whether Lambda runs what it has to: the consumer of the queue, and enough at once. */
import {
  GetAccountSettingsCommand,
  type LambdaClient,
  ListEventSourceMappingsCommand,
} from '@aws-sdk/client-lambda';
import type { SQS } from '@aws-sdk/client-sqs';
import type { Finding } from './finding.ts';

export interface FunctionsState {
  /** How many functions of the account and Region run at once at most. */
  atOnce: number;
  /** What reads the webhook queue. */
  eventSource?: { id: string; state: string };
}

export async function functionsState(
  QueueUrl: string,
  lambda: LambdaClient,
  sqs: SQS,
): Promise<FunctionsState> {
  const { Attributes = {} } = await sqs.getQueueAttributes({ QueueUrl, AttributeNames: ['QueueArn'] });
  const [{ AccountLimit }, { EventSourceMappings = [] }] = await Promise.all([
    lambda.send(new GetAccountSettingsCommand({})),
    lambda.send(new ListEventSourceMappingsCommand({ EventSourceArn: Attributes.QueueArn })),
  ]);
  const [{ UUID: id = '', State: state = '' } = {}] = EventSourceMappings;
  return {
    atOnce: AccountLimit?.ConcurrentExecutions ?? 0,
    ...(id && { eventSource: { id, state } }),
  };
}

const READING = ['Enabled', 'Enabling', 'Creating', 'Updating'];

/** An old account has 1,000, a new one as few as 10: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
const FEW = 100;

export function judgeFunctions({ atOnce, eventSource }: FunctionsState): Finding {
  if (!eventSource) {
    return {
      is: 'fail',
      detail:
        'nothing reads the webhook queue, so that no payment is recorded or announced: deploy the stack again',
    };
  }
  const { id, state } = eventSource;
  if (!READING.includes(state)) {
    return {
      is: 'fail',
      detail: `the webhook queue is not read (its event source is ${state}), so that no payment is recorded or announced: "aws lambda update-event-source-mapping --uuid ${id} --enabled"`,
    };
  }
  return atOnce < FEW
    ? {
        is: 'warn',
        detail: `only ${atOnce} run at once in this account and Region, so that a slow paytech or many webhooks keep customers from paying: have "Concurrent executions" of Lambda raised in Service Quotas`,
      }
    : { is: 'ok', detail: `the webhook queue is read, and ${atOnce} may run at once` };
}
