import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Template } from 'aws-cdk-lib/assertions';
import { beforeAll, describe, expect, test } from 'vitest';
import type { PaytechPayments } from '../../infra/stack/paytech-payments.ts';
import { CAN_WAIT } from '../../infra/stack/severity.ts';
import { STANDING_ALARMS } from '../../shared/payment/standing.ts';
import { METRICS_NAMESPACE, STANDING_METRIC } from '../../shared/runtime/metrics.ts';
import { HOUR_MS } from '../../shared/runtime/time.ts';
import { alarmsOf, type TemplateAlarm } from '../support/alarm.ts';
import {
  type Json,
  minimal,
  onlyResource,
  type Resource,
  resources,
  synthesize,
  textOf,
} from './synthesized.ts';

const runbook = readFileSync(join(import.meta.dirname, '../../docs/runbook.md'), 'utf8');

let template: Template;
let alarms: Record<string, Resource>;
/** Another stack, by settings that bring and take away alarms. */
let other: Template;
beforeAll(async () => {
  ({ template } = await synthesize());
  const subscribers = [{ name: 'ledger' }];
  ({ template: other } = await synthesize({ ...minimal, hostToHost: true, orderTokens: 'off', subscribers }));
  alarms = resources(template, 'AWS::CloudWatch::Alarm');
}, 240_000);

const functions = [
  'apply-payment-event',
  'create-payment',
  'get-payment',
  'operations',
  'receive-webhook',
  'reconcile',
];

test('the default stack has these alarms and no others', () => {
  const expected = [
    ...functions.flatMap((name) => [`${name}-errors`, `${name}-throttles`]),
    ...['create-payment', 'get-payment', 'receive-webhook'].flatMap((name) => [
      `${name}-5xx`,
      `${name}-latency`,
    ]),
    'apply-payment-event-failing',
    'api-4xx',
    'api-5xx',
    'api-throttled',
    'api-key-refused',
    'authorized-for-long',
    'awaiting-approval-for-long',
    'chargeback-open',
    'claim-flagged',
    'event-quarantined',
    'gateway-not-accepted',
    'gateway-not-reached',
    'list-filter-ignored',
    'list-part-not-compared',
    'message-parked',
    'order-paid-twice',
    'paid-out-twice',
    'order-tokens',
    'outcome-unknown',
    'outcome-unknown-for-long',
    'payment-corrected',
    'payment-events-age',
    'payment-events-dlq',
    'payment-events-undelivered',
    'publish-failed',
    'reconcile-failed',
    'reconcile-failing',
    'reconcile-gave-up',
    'reconcile-list-behind',
    'reconcile-not-running',
    'reconcile-walk-behind',
    'refund-without-parent',
    'refunded-too-much',
    'unknown-state-for-long',
    'unknown-states',
    'secret-stale',
    'webhook-not-confirmed',
    'webhook-signature',
    'webhooks-age',
    'webhooks-dlq',
    'webhooks-missed',
    'webhooks-not-arriving',
    'webhooks-stuck',
  ];
  expect(Object.keys(alarms).sort()).toEqual(expected.sort());
});

test('each says what is at stake and what to do first, is in the runbook, and notifies the topic', () => {
  const topic = { Ref: resources(template, 'AWS::SNS::Topic').alarms!.logicalId };
  for (const [name, { Properties }] of Object.entries(alarms)) {
    const description: string = Properties.AlarmDescription;
    const [, entry] =
      description.match(/^(?:Page now|Look tomorrow)\. .+\. [A-Z].+[.?] \(docs\/runbook\.md#(.+)\)$/) ?? [];
    expect(entry, name).toBe(name.replace('payment-events-', 'subscriber-'));
    expect(Properties.AlarmActions, name).toEqual([topic]);
    expect(Properties.OKActions, name).toEqual([topic]);
    expect(runbook, name).toContain(`<a id="${entry}"></a>`);
  }
});

test('each begins with how urgent it is: what keeps customers from paying, or moves money wrongly, wakes somebody', () => {
  const severity = (name: string) => alarms[name]!.Properties.AlarmDescription.split('. ')[0];
  for (const name of [
    'api-5xx',
    'gateway-not-accepted',
    'webhook-not-confirmed',
    'paid-out-twice',
    'webhooks-age',
    'webhooks-stuck',
    'apply-payment-event-failing',
  ])
    expect(severity(name), name).toBe('Page now');
  for (const name of ['order-paid-twice', 'payment-events-age', 'get-payment-errors', 'webhooks-missed'])
    expect(severity(name), name).toBe('Look tomorrow');
  for (const entry of CAN_WAIT) expect(runbook).toContain(`<a id="${entry}"></a>`);
});

test('silence is bad news of reconcile, no news of what it counts, and good news everywhere else', () => {
  const treated = (treatment: string) =>
    Object.entries(alarms)
      .filter(([, { Properties }]) => Properties.TreatMissingData === treatment)
      .map(([name]) => name);
  expect(treated('breaching').sort()).toEqual(['reconcile-failing', 'reconcile-not-running']);
  const counted = ['reconcile-list-behind', 'reconcile-walk-behind', 'webhooks-not-arriving'];
  expect(treated('ignore').sort()).toEqual([...STANDING_ALARMS, ...counted].sort());
  const all = [...treated('breaching'), ...treated('ignore'), ...treated('notBreaching')];
  expect(all.sort()).toEqual(Object.keys(alarms).sort());
});

test('what stands is on from one on, by the metric of its name, and adds up nothing', () => {
  for (const alarm of STANDING_ALARMS) {
    expect(alarms[alarm]!.Properties, alarm).toMatchObject({
      MetricName: STANDING_METRIC[alarm],
      Statistic: 'Maximum',
      Threshold: 1,
      EvaluationPeriods: 1,
    });
  }
});

test.each([
  [1, 15 * 60, 15],
  [5, 15 * 60, 15],
  [15, 45 * 60, 45],
])(
  'with a run every %i min it is behind after %i s, and fails after %i min',
  async (every, late, failing) => {
    const settings = { ...minimal, reconcileMinutes: every, webhookGraceSeconds: 77 };
    const { template } = await synthesize(settings);
    const of = (name: string) => resources(template, 'AWS::CloudWatch::Alarm')[name]!.Properties;
    expect(of('reconcile-walk-behind').Threshold).toBe(late);
    expect(of('reconcile-list-behind').Threshold).toBe(late);
    const { Period, EvaluationPeriods } = of('reconcile-failing');
    expect((Period * EvaluationPeriods) / 60).toBe(failing);
  },
);

test('the queues, routes and functions are watched by the metrics that AWS keeps of them', () => {
  const watched = (name: string) => {
    const { Namespace, MetricName, Dimensions } = alarms[name]!.Properties;
    const dimensions = Dimensions.map(({ Name, Value }: { Name: string; Value: unknown }) => [
      Name,
      textOf(template, Value as Json),
    ]);
    return [Namespace, MetricName, Object.fromEntries(dimensions)];
  };
  const depth = 'ApproximateNumberOfMessagesVisible';
  expect(watched('webhooks-dlq')).toEqual(['AWS/SQS', depth, { QueueName: 'webhooks-dlq' }]);
  expect(watched('webhooks-age')).toEqual([
    'AWS/SQS',
    'ApproximateAgeOfOldestMessage',
    { QueueName: 'webhooks' },
  ]);
  expect(watched('payment-events-age')).toEqual([
    'AWS/SQS',
    'ApproximateAgeOfOldestMessage',
    { QueueName: 'payment-events' },
  ]);
  for (const name of ['payment-events-dlq', 'payment-events-undelivered'])
    expect(watched(name)).toEqual(['AWS/SQS', depth, { QueueName: name }]);
  for (const name of functions) {
    const of = { FunctionName: name };
    expect(watched(`${name}-errors`)).toEqual(['AWS/Lambda', 'Errors', of]);
    expect(watched(`${name}-throttles`)).toEqual(['AWS/Lambda', 'Throttles', of]);
  }
  const api = { ApiId: 'api', Stage: '$default' };
  expect(watched('api-5xx')).toEqual(['AWS/ApiGateway', '5xx', api]);
  expect(watched('api-4xx')).toEqual(['AWS/ApiGateway', '4xx', api]);
  const route = { ...api, Method: 'POST', Resource: '/webhooks/paytech/unique-to-stack' };
  expect(watched('receive-webhook-5xx')).toEqual(['AWS/ApiGateway', '5xx', route]);
  expect(watched('receive-webhook-latency')).toEqual(['AWS/ApiGateway', 'Latency', route]);
});

describe('over what AWS measures', () => {
  /** Values of a metric: one list for each period that the alarm looks at, the latest first. */
  type Periods = number[][];
  interface Limits {
    rings: Periods;
    quiet: Periods[];
  }

  const sums = (threshold: number): Limits => {
    const ones = (count: number) => [...Array(count).fill(1), ...Array(100).fill(0)];
    return { rings: [ones(threshold)], quiet: [[ones(threshold - 1)]] };
  };
  /** Two calls in a hundred take as long, for two periods. */
  const latency = (milliseconds: number): Limits => {
    const calls = (slow: number, slowest = milliseconds) => [
      ...Array(100 - slow).fill(50),
      ...Array(slow).fill(slowest),
    ];
    const quiet = [
      [calls(2), calls(1)],
      [calls(1), calls(2)],
      [calls(2), calls(2, milliseconds - 1)],
    ];
    return { rings: [calls(2), calls(2)], quiet };
  };
  const age = (seconds: number, periods: number): Limits => {
    const lasting = (some: number) => Array(periods).fill([some]);
    return {
      rings: lasting(seconds),
      quiet: [lasting(seconds - 1), lasting(seconds).with(periods - 1, [0])],
    };
  };

  const LIMITS: Record<string, Limits> = {
    ...Object.fromEntries([...functions, 'execute-payment'].map((name) => [`${name}-errors`, sums(1)])),
    ...Object.fromEntries([...functions, 'execute-payment'].map((name) => [`${name}-throttles`, sums(1)])),
    'webhooks-dlq': { rings: [[0, 1]], quiet: [[[0, 0]]] },
    'ledger-dlq': { rings: [[0, 1]], quiet: [[[0, 0]]] },
    'ledger-undelivered': { rings: [[0, 1]], quiet: [[[0, 0]]] },
    'webhooks-age': age(300, 2),
    'ledger-age': age(HOUR_MS / 1_000, 3),
    'apply-payment-event-failing': age(1, 3),
    'api-5xx': sums(10),
    'api-4xx': sums((200 * 5 * 60) / 10),
    'create-payment-5xx': sums(5),
    'get-payment-5xx': sums(5),
    'execute-payment-5xx': sums(5),
    'receive-webhook-5xx': sums(5),
    'create-payment-latency': latency(10_000),
    'get-payment-latency': latency(4_000),
    'execute-payment-latency': latency(12_000),
    'receive-webhook-latency': latency(3_000),
  };

  const measured = (): Map<string, TemplateAlarm> => {
    const isMeasured = ({ metric }: TemplateAlarm) => !metric.startsWith(METRICS_NAMESPACE);
    return new Map([...alarmsOf(other)].filter(([, alarm]) => isMeasured(alarm)));
  };

  test('each has its limits here', () => {
    expect([...measured().keys()].sort()).toEqual(Object.keys(LIMITS).sort());
  });

  test.each(Object.entries(LIMITS))('%s goes off at its limit, and not below', (name, { rings, quiet }) => {
    const { metric, windowMs, isOn } = measured().get(name)!;
    const now = 24 * HOUR_MS;
    const isOnOver = (periods: Periods) => {
      const at = (period: number) => now - (period * windowMs) / periods.length;
      return isOn(
        periods.flatMap((values, period) => values.map((value) => ({ metric, at: at(period), value }))),
        now,
      );
    };
    expect(isOnOver(rings)).toBe(true);
    for (const periods of quiet) expect(isOnOver(periods), JSON.stringify(periods)).toBe(false);
  });
});

test('the graphs of the dashboard show what their titles say', () => {
  const { Properties } = onlyResource(template, 'AWS::CloudWatch::Dashboard');
  const parts: unknown[] = Properties.DashboardBody['Fn::Join'][1];
  const text = parts.map((part) => (typeof part === 'string' ? part : 'deployed')).join('');
  const body = JSON.parse(text) as {
    widgets: { properties: { title?: string; metrics?: string[][] } }[];
  };
  const shown = (title: string) => {
    const { metrics = [] } = body.widgets.find(({ properties }) => properties.title === title)!.properties;
    return [...new Set(metrics.map(([namespace, name]) => `${namespace} ${name}`))];
  };
  expect(shown('Requests')).toEqual(['AWS/ApiGateway Count']);
  expect(shown('Failed requests (5xx)')).toEqual(['AWS/ApiGateway 5xx']);
  expect(shown('Latency, p99')).toEqual(['AWS/ApiGateway Latency']);
  expect(shown('Function errors')).toEqual(['AWS/Lambda Errors']);
  expect(shown('Function throttles')).toEqual(['AWS/Lambda Throttles']);
  expect(shown('Function duration, p99')).toEqual(['AWS/Lambda Duration']);
  expect(shown('Dead letters')).toEqual(['AWS/SQS ApproximateNumberOfMessagesVisible']);
  expect(shown('Webhook queue: age of the oldest, s')).toEqual(['AWS/SQS ApproximateAgeOfOldestMessage']);
});

test('whatever is counted in the logs is watched for this stack alone, by alarms and dashboard', () => {
  const logged = Object.entries(alarms).filter(
    ([, { Properties }]) => Properties.Namespace === METRICS_NAMESPACE,
  );
  expect(logged.map(([name]) => name)).toEqual(expect.arrayContaining(['order-paid-twice', 'secret-stale']));
  for (const [name, { Properties }] of logged)
    expect(Properties.Dimensions, name).toEqual([{ Name: 'stack', Value: 'paytech-payments-sandbox' }]);
  const { Properties } = onlyResource(template, 'AWS::CloudWatch::Dashboard');
  const body = JSON.stringify(Properties.DashboardBody).replaceAll('\\', '');
  const graphs = body.match(/\["PaytechPayments"[^\]]*\]/g);
  expect(graphs?.length).toBeGreaterThan(20);
  for (const each of graphs!) expect(each).toContain('"stack","paytech-payments-sandbox"');
});

test('docs/scale.md counts the alarms', () => {
  const scale = readFileSync(join(import.meta.dirname, '../../docs/scale.md'), 'utf8');
  const count = Object.keys(alarms).length;
  expect(scale).toMatch(new RegExp(`: ${count} \\[alarms\\]\\(.+?\\) \\(\\$${(count * 0.1).toFixed(2)}\\)`));
});

test('settings bring and take away alarms', () => {
  const names = Object.keys(resources(other, 'AWS::CloudWatch::Alarm'));
  expect(names).toEqual(
    expect.arrayContaining(['execute-payment-latency', 'execute-payment-errors', 'ledger-undelivered']),
  );
  expect(names).not.toContain('order-tokens');
});

test('CloudWatch may publish to the topic: its account only, and no key that it has no part in', () => {
  const topic = resources(template, 'AWS::SNS::Topic').alarms!;
  expect(topic.Properties ?? {}).not.toHaveProperty('KmsMasterKeyId');
  const policies = Object.values(template.findResources('AWS::SNS::TopicPolicy'));
  const policy = policies.find(({ Properties }) => Properties.Topics[0].Ref === topic.logicalId);
  expect(policy?.Properties.PolicyDocument.Statement).toEqual([
    expect.objectContaining({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }),
    expect.objectContaining({
      Effect: 'Allow',
      Action: 'sns:Publish',
      Principal: { Service: 'cloudwatch.amazonaws.com' },
      Condition: { StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } },
    }),
  ]);
});

describe('somebody is told', () => {
  const warnings = ({ node }: PaytechPayments) =>
    node.metadata.filter(({ type }) => type === 'aws:cdk:warning').map(({ data }) => String(data));

  test('by mail, at the addresses in the settings', async () => {
    const alarmEmails = ['day@shop.example', 'night@shop.example'];
    const { template, payments } = await synthesize({ ...minimal, alarmEmails });
    const mails = Object.values(
      template.findResources('AWS::SNS::Subscription', { Properties: { Protocol: 'email' } }),
    );
    expect(mails.map(({ Properties }) => Properties.Endpoint)).toEqual(alarmEmails);
    for (const { Properties } of mails) expect(textOf(template, Properties.TopicArn)).toBe('alarms');
    expect(warnings(payments)).toEqual([]);
  });

  test('or the deployment warns, unless a topic is named', async () => {
    const { payments } = await synthesize();
    expect(warnings(payments)).toEqual([expect.stringContaining('The alarms reach nobody')]);
    expect(payments.alarmTopic.topicArn).toBeDefined();
    template.hasOutput('AlarmTopicArn', {
      Value: { Ref: resources(template, 'AWS::SNS::Topic').alarms!.logicalId },
    });
    const alarmTopicArn = 'arn:aws:sns:eu-west-1:123456789012:on-call';
    expect(warnings((await synthesize({ ...minimal, alarmTopicArn })).payments)).toEqual([]);
  });
});

test('another topic may be named, and then there is no own one', async () => {
  const alarmTopicArn = 'arn:aws:sns:eu-west-1:123456789012:on-call';
  const { template } = await synthesize({ ...minimal, alarmTopicArn });
  expect(Object.keys(resources(template, 'AWS::SNS::Topic'))).toEqual(['payment-events']);
  for (const { Properties } of Object.values(resources(template, 'AWS::CloudWatch::Alarm')))
    expect(Properties.AlarmActions).toEqual([alarmTopicArn]);
});

describe('the dashboard', () => {
  test('is one, without a name of its own', () => {
    const { Properties } = onlyResource(template, 'AWS::CloudWatch::Dashboard');
    expect(Object.keys(Properties)).toEqual(['DashboardBody']);
    const body = JSON.stringify(Properties.DashboardBody);
    for (const name of functions) expect(body).toContain(name);
    expect(body).toContain('POST /payments');
  });
});
