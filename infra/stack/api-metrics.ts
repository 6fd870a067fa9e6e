/** The metrics that API Gateway keeps of an HTTP API, whole or per route. */
import { Metric, type MetricOptions } from 'aws-cdk-lib/aws-cloudwatch';

export interface ApiRoute {
  method: string;
  path: string;
}

export function routeMetric(
  apiId: string,
  metricName: '4xx' | '5xx' | 'Count' | 'Latency',
  { route, ...options }: MetricOptions & { route?: ApiRoute },
): Metric {
  return new Metric({
    namespace: 'AWS/ApiGateway',
    metricName,
    dimensionsMap: {
      ApiId: apiId,
      Stage: '$default',
      ...(route && { Method: route.method, Resource: route.path }),
    },
    ...options,
  });
}
