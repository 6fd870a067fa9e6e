/** One page that answers "is it working, and what is wrong": payments on top, then paytech, then the machinery. */
import { Duration } from 'aws-cdk-lib';
import { Dashboard, GraphWidget, type IMetric, TextWidget } from 'aws-cdk-lib/aws-cloudwatch';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import type { MetricName } from '../../shared/runtime/metrics.ts';
import { loggedMetric, routesOfCustomers, type Watched } from './alarms.ts';
import { routeMetric, routeName } from './api-metrics.ts';
import { loggedAlarms } from './logged-alarms.ts';
import type { PaymentFunction } from './payment-function.ts';

const period = Duration.minutes(5);

export function dashboard(scope: Construct, watched: Watched): void {
  const title = new TextWidget({
    width: 24,
    height: 1,
    markdown: 'What to do about an alarm is in docs/runbook.md, under its name.',
  });
  new Dashboard(scope, 'dashboard', {
    defaultInterval: Duration.hours(12),
    widgets: [
      [title],
      ofRequests(watched),
      ...ofMetrics(scope, watched),
      ofQueues(watched),
      ofFunctions(watched),
    ],
  });
}

function ofRequests({ settings, apiId }: Watched): GraphWidget[] {
  const perRoute = (metricName: '4xx' | '5xx' | 'Count' | 'Latency', statistic: string) =>
    routesOfCustomers(settings).map(({ route }) =>
      routeMetric(apiId, metricName, {
        route,
        statistic,
        period,
        label: routeName(route),
      }),
    );
  return [
    graph('Requests', perRoute('Count', 'Sum')),
    graph('Failed requests (5xx)', perRoute('5xx', 'Sum')),
    graph('Latency, p99', perRoute('Latency', 'p99')),
  ];
}

/** What the functions log. */
function ofMetrics(scope: Construct, { settings }: Watched): GraphWidget[][] {
  const counted = (...names: MetricName[]) =>
    names.map((name) => loggedMetric(scope, name, period).with({ label: name }));
  const highest = (...names: MetricName[]) =>
    names.map((name) => loggedMetric(scope, name, period, 'Maximum').with({ label: name }));
  const alarms = loggedAlarms(settings);
  const problems = alarms.filter(({ standing, whenBelow }) => !standing && !whenBelow);
  const standing = alarms.filter(({ standing, metric }) => standing && !metric.endsWith('Seconds'));
  return [
    [
      graph('Somebody has to decide', highest(...standing.map(({ metric }) => metric))),
      graph('Something is wrong', counted(...problems.map(({ metric }) => metric))),
      graph('Reconcile is behind, s', highest('WalkLagSeconds', 'WatermarkLagSeconds')),
    ],
    [
      graph('Reconcile', counted(HEARTBEAT, 'UnknownToUs', 'MissedByWebhook', 'ListEntryUnreadable')),
      graph('Refreshes that failed', counted('RefreshFailed')),
    ],
  ];
}

function ofQueues({ webhooks, subscribers }: Watched): GraphWidget[] {
  const all = [...subscribers.values()];
  const deadLetters = all.flatMap(({ deadLetters, undelivered }) => [deadLetters, undelivered]);
  const waiting = (queues: readonly Queue[]) =>
    queues.map((queue) => queue.metricApproximateNumberOfMessagesVisible({ period, label: queue.node.id }));
  return [
    graph('Webhook queue: age of the oldest, s', [
      webhooks.queue.metricApproximateAgeOfOldestMessage({ period }),
    ]),
    graph('Dead letters', waiting([webhooks.deadLetterQueue, ...deadLetters])),
    graph('Waiting for subscribers', waiting(all)),
  ];
}

function ofFunctions({ functions }: Watched): GraphWidget[] {
  const perFunction = (metric: (made: PaymentFunction, label: string) => IMetric) =>
    Object.entries(functions).map(([name, made]) => metric(made, name));
  return [
    graph(
      'Function errors',
      perFunction((made, label) => made.metricErrors({ period, label })),
    ),
    graph(
      'Function throttles',
      perFunction((made, label) => made.metricThrottles({ period, label })),
    ),
    graph(
      'Function duration, p99',
      perFunction((made, label) => made.metricDuration({ period, statistic: 'p99', label })),
    ),
  ];
}

/** What is counted when all is well. */
const HEARTBEAT = 'Reconciled' satisfies MetricName;

function graph(title: string, left: IMetric[]): GraphWidget {
  return new GraphWidget({ title, left, width: 8, height: 6 });
}
