/** The metrics that API Gateway keeps of an HTTP API, whole or per route. */
import { Metric, type MetricOptions } from 'aws-cdk-lib/aws-cloudwatch';

export interface ApiRoute {
  method: string;
  path: string;
  /** For people, where the path is not known before it is deployed. */
  shown?: string;
}

export function routeName({ method, path, shown = path }: ApiRoute): string {
  return `${method} ${shown}`;
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
