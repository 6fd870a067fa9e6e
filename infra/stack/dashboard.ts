/** One page that answers "is it working, and what is wrong": payments on top, then paytech, then the machinery. */
import { Duration } from 'aws-cdk-lib';
import { Dashboard, GraphWidget, type IMetric, TextWidget } from 'aws-cdk-lib/aws-cloudwatch';
import type { Construct } from 'constructs';
import type { MetricName } from '../../shared/runtime/metrics.ts';
import { loggedMetric, routesOfCustomers, type Watched } from './alarms.ts';
import { routeMetric, routeName } from './api-metrics.ts';
import { loggedAlarms } from './logged-alarms.ts';

const period = Duration.minutes(5);

export function dashboard(scope: Construct, watched: Watched): void {
  const { settings, apiId, functions, webhooks, subscribers } = watched;
  const routes = routesOfCustomers(settings);
  const perRoute = (metricName: '4xx' | '5xx' | 'Count' | 'Latency', statistic: string): IMetric[] =>
    routes.map(({ route }) =>
      routeMetric(apiId, metricName, {
        route,
        statistic,
        period,
        label: routeName(route),
      }),
    );
  const made = Object.entries(functions);
  const counted = (...names: MetricName[]): IMetric[] =>
    names.map((name) => loggedMetric(scope, name, period).with({ label: name }));
  const alarms = loggedAlarms(settings);
  const problems = alarms
    .filter(({ standing, whenBelow }) => !standing && !whenBelow)
    .map(({ metric }) => metric);
  const standing = alarms
    .filter(({ standing, metric }) => standing && !metric.endsWith('Seconds'))
    .map(({ metric }) => loggedMetric(scope, metric, period, 'Maximum').with({ label: metric }));
  const behind = (['WalkLagSeconds', 'WatermarkLagSeconds'] satisfies MetricName[]).map((metric) =>
    loggedMetric(scope, metric, period, 'Maximum').with({ label: metric }),
  );

  new Dashboard(scope, 'dashboard', {
    defaultInterval: Duration.hours(12),
    widgets: [
      [
        new TextWidget({
          width: 24,
          height: 1,
          markdown: 'What to do about an alarm is in docs/runbook.md, under its name.',
        }),
      ],
      [
        graph('Requests', perRoute('Count', 'Sum')),
        graph('Failed requests (5xx)', perRoute('5xx', 'Sum')),
        graph('Latency, p99', perRoute('Latency', 'p99')),
      ],
      [
        graph('Somebody has to decide', standing),
        graph('Something is wrong', counted(...problems)),
        graph('Reconcile is behind, s', behind),
      ],
      [
        graph('Reconcile', counted(HEARTBEAT, 'UnknownToUs', 'MissedByWebhook', 'ListEntryUnreadable')),
        graph('Refreshes that failed', counted('RefreshFailed')),
      ],
      [
        graph('Webhook queue: age of the oldest, s', [
          webhooks.queue.metricApproximateAgeOfOldestMessage({ period }),
        ]),
        graph(
          'Dead letters',
          [
            webhooks.deadLetterQueue,
            ...[...subscribers.values()].flatMap(({ deadLetters, undelivered }) => [
              deadLetters,
              undelivered,
            ]),
          ].map((queue) => queue.metricApproximateNumberOfMessagesVisible({ period, label: queue.node.id })),
        ),
        graph(
          'Waiting for subscribers',
          [...subscribers.values()].map((queue) =>
            queue.metricApproximateNumberOfMessagesVisible({ period, label: queue.node.id }),
          ),
        ),
      ],
      [
        graph(
          'Function errors',
          made.map(([name, one]) => one.metricErrors({ period, label: name })),
        ),
        graph(
          'Function throttles',
          made.map(([name, one]) => one.metricThrottles({ period, label: name })),
        ),
        graph(
          'Function duration, p99',
          made.map(([name, one]) => one.metricDuration({ period, statistic: 'p99', label: name })),
        ),
      ],
    ],
  });
}

/** What is counted when all is well. */
const HEARTBEAT = 'Reconciled' satisfies MetricName;

function graph(title: string, left: IMetric[]): GraphWidget {
  return new GraphWidget({ title, left, width: 8, height: 6 });
}
