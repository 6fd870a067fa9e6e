import type { Template } from 'aws-cdk-lib/assertions';
import { type Json, resources, textOf } from '../infra/synthesized.ts';
import { type CountedMetric, metricNamed, type Sample } from './counted.ts';

/*
 * CloudWatch's judgement of an alarm, as far as the alarms of this stack need it; it throws at whatever it does not
 * know, so that a new kind of alarm is not judged wrongly.
 * Source: Amazon CloudWatch, "Alarm evaluation" and "Configuring how CloudWatch alarms treat missing data".
 */

export interface TemplateAlarm {
  name: string;
  /** What it watches. */
  metric: CountedMetric;
  /** How far back it looks, in milliseconds. */
  windowMs: number;
  /** Whether it is in ALARM at `now`, after these samples. */
  isOn(samples: readonly Sample[], now: number): boolean;
}

/** The alarms of a template; the metrics' dimensions are named as the construct tree names the resources. */
export function alarmsOf(template: Template): Map<string, TemplateAlarm> {
  const all = Object.entries(resources(template, 'AWS::CloudWatch::Alarm'));
  return new Map(all.map(([name, { Properties }]) => [name, readAlarm(template, name, Properties)]));
}

function readAlarm(template: Template, name: string, properties: Json): TemplateAlarm {
  const { Threshold, ComparisonOperator, EvaluationPeriods, TreatMissingData, Period, Metrics } = properties;
  if (Metrics) throw new Error(`alarm ${name}: metric math`);
  const { Namespace, MetricName, Dimensions = [], Statistic, ExtendedStatistic } = properties;
  const dimensions = Dimensions.map(({ Name, Value }: Json) => [Name, textOf(template, Value)]);
  const metric = metricNamed(Namespace, MetricName, Object.fromEntries(dimensions));
  const periodMs = Period * 1_000;
  const needed = properties.DatapointsToAlarm ?? EvaluationPeriods;

  const isBreaching = (value: number): boolean => {
    switch (ComparisonOperator) {
      case 'GreaterThanOrEqualToThreshold':
        return value >= Threshold;
      case 'LessThanThreshold':
        return value < Threshold;
      default:
        throw new Error(`alarm ${name}: comparison ${ComparisonOperator}`);
    }
  };

  return {
    name,
    metric,
    windowMs: EvaluationPeriods * periodMs,
    isOn(samples, now) {
      const own = samples.filter((sample) => sample.metric === metric);
      // Where missing data are ignored, it stays as it was when there were any.
      const last = Math.max(0, ...own.map(({ at }) => at));
      const seenAt = TreatMissingData === 'ignore' && now - last >= periodMs ? last : now;
      const breaching = Array.from({ length: EvaluationPeriods }, (_, periods) => {
        const end = seenAt - periods * periodMs;
        const values = own.filter(({ at }) => at > end - periodMs && at <= end).map(({ value }) => value);
        const value = statisticOf(Statistic ?? ExtendedStatistic, values);
        return value === undefined ? isBreachingWhenMissing(TreatMissingData) : isBreaching(value);
      });
      return breaching.filter(Boolean).length >= needed;
    },
  };
}

function isBreachingWhenMissing(treatment: string): boolean {
  if (!['breaching', 'notBreaching', 'ignore'].includes(treatment))
    throw new Error(`missing data: ${treatment}`);
  return treatment === 'breaching';
}

/** Undefined where there are no values. */
function statisticOf(statistic: string, values: readonly number[]): number | undefined {
  if (values.length === 0) return undefined;
  const sorted = values.toSorted((a, b) => a - b);
  const [, percentile] = /^p(\d+)$/.exec(statistic) ?? [];
  if (percentile) return sorted[Math.ceil((Number(percentile) / 100) * sorted.length) - 1];
  switch (statistic) {
    case 'Sum':
      return sorted.reduce((sum, value) => sum + value, 0);
    case 'Maximum':
      return sorted.at(-1);
    default:
      throw new Error(`statistic ${statistic}`);
  }
}
