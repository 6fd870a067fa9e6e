/** The HTTP API of the template: its routes, who may call them, and its CORS rules. */
import type { Template } from './template.ts';

export interface Route {
  /** `POST /payments/{id}` */
  key: string;
  method: string;
  /** Path segments; `{name}` matches any one. */
  segments: string[];
  needsSignature: boolean;
  functionName: string;
  timeoutMs: number;
}

export interface CorsRules {
  AllowOrigins?: string[];
  AllowMethods?: string[];
  AllowHeaders?: string[];
  ExposeHeaders?: string[];
  MaxAge?: number;
  AllowCredentials?: boolean;
}

export interface ApiDefinition {
  id: string;
  routes: Route[];
  cors?: CorsRules | undefined;
}

/** An integration is given up after this time on AWS, whatever the function's own limit. */
const MAX_INTEGRATION_MS = 30_000;

export function readApi(template: Template): ApiDefinition {
  const [api] = template.ofType('AWS::ApiGatewayV2::Api', ['CorsConfiguration']);
  if (!api) throw new Error('The template has no HTTP API.');
  const integrationProperties = ['IntegrationUri', 'PayloadFormatVersion', 'TimeoutInMillis'];
  const integrations = new Map(
    template
      .ofType('AWS::ApiGatewayV2::Integration', integrationProperties)
      .map(({ logicalId, properties }) => [`integrations/${logicalId}`, properties]),
  );

  const toRoute = ({ RouteKey, Target, AuthorizationType = 'NONE' }: Record<string, string>): Route => {
    const integration = integrations.get(Target as string);
    if (integration?.PayloadFormatVersion !== '2.0') {
      throw new Error(`The route ${RouteKey} has no Lambda integration with payload format 2.0.`);
    }
    if (!['NONE', 'AWS_IAM'].includes(AuthorizationType)) {
      throw new Error(`The local run does not know ${AuthorizationType}, the authorization of ${RouteKey}.`);
    }
    const [method, path] = (RouteKey as string).split(' ') as [string, string];
    if (path.includes('+}')) throw new Error(`The local run does not know greedy routes: ${RouteKey}.`);
    return {
      key: RouteKey as string,
      method,
      segments: segmentsOf(path),
      needsSignature: AuthorizationType === 'AWS_IAM',
      functionName: (integration.IntegrationUri as string).split(':function:').at(-1) as string,
      timeoutMs: integration.TimeoutInMillis ?? MAX_INTEGRATION_MS,
    };
  };

  const routes = template.ofType('AWS::ApiGatewayV2::Route', ['RouteKey', 'Target', 'AuthorizationType']);
  return {
    id: api.name,
    routes: routes.map(({ properties }) => toRoute(properties)),
    cors: api.properties.CorsConfiguration,
  };
}

export interface RouteMatch {
  route: Route;
  pathParameters: Record<string, string>;
}

/** The route of a decoded path. One with a fixed segment wins over one with a parameter in its place. */
export function matchRoute(routes: Route[], method: string, path: string): RouteMatch | undefined {
  const segments = segmentsOf(path);
  const fits = (route: Route) =>
    route.method === method &&
    route.segments.length === segments.length &&
    route.segments.every((wanted, index) =>
      isParameter(wanted) ? segments[index] : wanted === segments[index],
    );
  const specificity = (route: Route) => route.segments.filter((segment) => !isParameter(segment)).length;
  const [route] = routes.filter(fits).sort((one, other) => specificity(other) - specificity(one));
  if (!route) return undefined;
  const parameters = route.segments.flatMap((wanted, index) =>
    isParameter(wanted) ? [[wanted.slice(1, -1), segments[index] as string]] : [],
  );
  return { route, pathParameters: Object.fromEntries(parameters) };
}

function segmentsOf(path: string): string[] {
  return path.split('/').slice(1);
}

function isParameter(segment: string): boolean {
  return segment.startsWith('{');
}
