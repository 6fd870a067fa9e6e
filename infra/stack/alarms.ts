/**
 * What wakes somebody. Each description says what is at stake and what to do first; docs/runbook.md has the rest
 * under the same name.
 */

import { Duration, Stack } from 'aws-cdk-lib';
import {
  Alarm,
  ComparisonOperator,
  type IMetric,
  Metric,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type { MetricFilter } from 'aws-cdk-lib/aws-logs';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { WEBHOOK_PATH } from '../../shared/http/webhook-paths.ts';
import { METRICS_NAMESPACE, type MetricName } from '../../shared/runtime/metrics.ts';
import type { FunctionName } from '../../shared/runtime/settings.ts';
import { ownWebhookPath } from './api.ts';
import { type ApiRoute, routeMetric, routeName } from './api-metrics.ts';
import type { PaymentFunctions } from './functions.ts';
import { loggedAlarms } from './logged-alarms.ts';
import type { PaymentEventsSubscription } from './payment-events-subscription.ts';
import { survivedOutage } from './queue.ts';
import type { Settings } from './settings-types.ts';
import { severityOf } from './severity.ts';

export interface Watched {
  settings: Settings;
  /** What alarms go to. */
  topic: ITopic;
  apiId: string;
  /** Counts requests that API Gateway turned away. */
  throttled: MetricFilter;
  functions: PaymentFunctions;
  webhooks: { queue: Queue; deadLetterQueue: Queue };
  subscribers: ReadonlyMap<string, PaymentEventsSubscription>;
}

/** One alarm; it goes off when the metric reaches the threshold in one period. */
interface AlarmProps {
  id: string;
  metric: IMetric;
  threshold: number;
  /** What it means for customers and money. */
  impact: string;
  firstStep: string;
  /** Goes off below the threshold, and where there is no data. */
  whenBelow?: true;
  /** Keeps its state where nothing is heard: then nobody has counted. */
  standing?: true;
  /** How many periods in a row, or `datapoints` of so many. */
  periods?: number;
  datapoints?: number;
  /** Its heading in the runbook, where that is not its name. */
  entry?: string;
}

const FIVE_MINUTES = Duration.minutes(5);

export function alarms(scope: Construct, watched: Watched): void {
  const action = new SnsAction(watched.topic);
  const group = new Construct(scope, 'alarms-of');
  const all = [
    ...overLogs(scope, watched),
    ...overWebhooks(watched),
    ...overSubscribers(watched),
    ...overApi(watched),
    ...overRoutes(watched),
    ...overFunctions(watched),
  ];
  for (const props of all) {
    const made = alarm(group, props);
    made.addAlarmAction(action);
    made.addOkAction(action);
  }
}

function alarm(group: Construct, props: AlarmProps): Alarm {
  const { id, metric, threshold, impact, firstStep, whenBelow, periods = 1, datapoints, entry = id } = props;
  const whenMissing = props.standing ? TreatMissingData.IGNORE : TreatMissingData.NOT_BREACHING;
  return new Alarm(group, id, {
    alarmDescription: `${severityOf(entry)} ${impact} ${firstStep} (docs/runbook.md#${entry})`,
    metric,
    threshold,
    evaluationPeriods: periods,
    ...(datapoints !== undefined && { datapointsToAlarm: datapoints }),
    comparisonOperator: whenBelow
      ? ComparisonOperator.LESS_THAN_THRESHOLD
      : ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
    treatMissingData: whenBelow ? TreatMissingData.BREACHING : whenMissing,
  });
}

function overLogs(scope: Construct, { settings }: Watched): AlarmProps[] {
  return loggedAlarms(settings).map(({ metric, minutes = 5, ...rest }) => {
    const statistic = rest.standing ? 'Maximum' : 'Sum';
    return { metric: loggedMetric(scope, metric, Duration.minutes(minutes), statistic), ...rest };
  });
}

function overWebhooks({ webhooks, functions }: Watched): AlarmProps[] {
  const apply = functions['apply-payment-event'];
  return [
    {
      id: 'webhooks-dlq',
      metric: depth(webhooks.deadLetterQueue),
      threshold: 1,
      impact: 'What paytech said of a payment has not been recorded, so that an order may look unpaid.',
      firstStep: 'Look at the attribute parkedBecause of the messages in webhooks-dlq.',
    },
    {
      id: 'webhooks-age',
      metric: webhooks.queue.metricApproximateAgeOfOldestMessage({ period: Duration.minutes(1) }),
      threshold: 300,
      periods: 2,
      impact: 'Payments are recorded and announced over five minutes late.',
      firstStep: 'Look at the errors and throttles of apply-payment-event.',
    },
    {
      id: 'apply-payment-event-failing',
      metric: apply.metricErrors({ period: FIVE_MINUTES }),
      threshold: 1,
      // A crash of which a message is the cause comes again every three minutes.
      periods: 3,
      impact:
        'For a quarter of an hour apply-payment-event has crashed: payments are not recorded or announced.',
      firstStep:
        'Look for the last line of a request in its log; after a deployment, deploy the version before.',
    },
  ];
}

function overSubscribers({ subscribers }: Watched): AlarmProps[] {
  return [...subscribers].flatMap(([name, queue]) => [
    {
      id: `${name}-age`,
      entry: 'subscriber-age',
      metric: queue.metricApproximateAgeOfOldestMessage({ period: FIVE_MINUTES }),
      threshold: survivedOutage.toSeconds(),
      periods: 3,
      impact: `The subscriber ${name} does not read its queue; what waits there for 14 days is deleted.`,
      firstStep: `Check that the consumer of ${name} runs; take a queue that nobody needs out of the settings.`,
    },
    {
      id: `${name}-dlq`,
      entry: 'subscriber-dlq',
      metric: depth(queue.deadLetters),
      threshold: 1,
      impact: `The subscriber ${name} has failed on a payment event for an hour and does not have it.`,
      firstStep: `Fix the subscriber, then redrive ${name}-dlq.`,
    },
    {
      id: `${name}-undelivered`,
      entry: 'subscriber-undelivered',
      metric: depth(queue.undelivered),
      threshold: 1,
      impact: `SNS could not deliver a payment event to ${name}, which does not have it.`,
      firstStep: `Look at the policy of the queue ${name}, then redrive ${name}-undelivered.`,
    },
  ]);
}

function overApi({ settings, apiId, throttled }: Watched): AlarmProps[] {
  return [
    {
      id: 'api-5xx',
      metric: routeMetric(apiId, '5xx', { period: FIVE_MINUTES, statistic: 'Sum' }),
      threshold: 10,
      impact: 'Requests fail: customers cannot pay, or the back office cannot work.',
      firstStep: 'Look in the access log for the routes, then in their log for the requestId.',
    },
    {
      id: 'api-4xx',
      metric: routeMetric(apiId, '4xx', { period: FIVE_MINUTES, statistic: 'Sum' }),
      threshold: Math.max(1, (settings.throttle.rate * FIVE_MINUTES.toSeconds()) / 10),
      impact:
        'Somebody sends requests that are refused, a tenth of what a route lets through; each costs money.',
      firstStep: 'Look in the access log for the routes and their status.',
    },
    {
      id: 'api-throttled',
      metric: throttled.metric({ period: FIVE_MINUTES, statistic: 'Sum' }),
      threshold: 20,
      impact: 'Requests are rejected unread, also those of customers: a route is used beyond its throttle.',
      firstStep: 'Look in the access log for the route: a rush of customers, or one client that floods it?',
    },
  ];
}

function overRoutes({ settings, apiId }: Watched): AlarmProps[] {
  return routesOfCustomers(settings).flatMap(({ id, route, limitMs, errors, impact }) => [
    {
      id: `${id}-5xx`,
      metric: routeMetric(apiId, '5xx', { route, period: FIVE_MINUTES, statistic: 'Sum' }),
      threshold: errors,
      impact,
      firstStep: `Look in the log of ${id} for the first error.`,
    },
    {
      id: `${id}-latency`,
      metric: routeMetric(apiId, 'Latency', { route, period: FIVE_MINUTES, statistic: 'p99' }),
      threshold: limitMs,
      periods: 2,
      impact: `One in a hundred calls of ${routeName(route)} takes over ${limitMs / 1000} s.`,
      firstStep: `Look at the lines "slow" in the log of ${id}: is it paytech, DynamoDB or a cold start?`,
    },
  ]);
}

function overFunctions({ functions }: Watched): AlarmProps[] {
  return Object.entries(functions).flatMap(([name, made]) => [
    {
      id: `${name}-errors`,
      metric: made.metricErrors({ period: FIVE_MINUTES }),
      threshold: 1,
      impact: `${name} crashed or ran out of time, and what it was doing was cut off.`,
      firstStep: 'Look in its log for the last line of the request; everything may be repeated safely.',
    },
    {
      id: `${name}-throttles`,
      metric: made.metricThrottles({ period: FIVE_MINUTES }),
      threshold: 1,
      impact: `Calls of ${name} were rejected: no concurrency was left.`,
      firstStep: "Raise the account's concurrency, or the function's reservedConcurrency.",
    },
  ]);
}

/** A metric that the functions of the stack log. */
export function loggedMetric(
  scope: Construct,
  metricName: MetricName,
  period: Duration,
  statistic: 'Sum' | 'Maximum' = 'Sum',
): Metric {
  return new Metric({
    namespace: METRICS_NAMESPACE,
    metricName,
    dimensionsMap: { stack: Stack.of(scope).stackName },
    statistic,
    period,
  });
}

function depth(queue: Queue): Metric {
  return queue.metricApproximateNumberOfMessagesVisible({
    period: Duration.minutes(1),
    statistic: 'Maximum',
  });
}

export interface WatchedRoute {
  id: FunctionName;
  route: ApiRoute;
  limitMs: number;
  /** In five minutes. */
  errors: number;
  impact: string;
}

/** The routes that customers and paytech wait for; those of the back office are few calls each. */
export function routesOfCustomers({ hostToHost }: Settings): WatchedRoute[] {
  return [
    {
      id: 'create-payment',
      route: { method: 'POST', path: '/payments' },
      limitMs: 10_000,
      errors: 5,
      impact: 'Customers cannot begin to pay.',
    },
    {
      id: 'get-payment',
      route: { method: 'GET', path: '/payments/{id}' },
      limitMs: 4_000,
      errors: 5,
      impact: 'Customers do not see what became of their payment.',
    },
    {
      id: 'receive-webhook',
      // That of everybody has little more than what was made elsewhere; its faults count in api-5xx.
      route: { method: 'POST', path: ownWebhookPath(), shown: `${WEBHOOK_PATH}/…` },
      limitMs: 3_000,
      errors: 5,
      impact: 'Webhooks are not taken; paytech sends them again, and reconcile asks for what stays missing.',
    },
    ...(hostToHost
      ? [
          {
            id: 'execute-payment' as const,
            route: { method: 'PATCH', path: '/payments/{id}' },
            limitMs: 12_000,
            errors: 5,
            impact: 'Customers cannot pay without the redirect.',
          },
        ]
      : []),
  ];
}
