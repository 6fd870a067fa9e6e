/** The HTTP API: routes, CORS, throttles and access logs. */
import { Duration, RemovalPolicy, Stack, Validations } from 'aws-cdk-lib';
import { AccessLogFormat } from 'aws-cdk-lib/aws-apigateway';
import {
  type CfnStage,
  CorsHttpMethod,
  HttpApi,
  HttpMethod,
  HttpStage,
  type IHttpRouteAuthorizer,
  LogGroupLogDestination,
} from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpIamAuthorizer } from 'aws-cdk-lib/aws-apigatewayv2-authorizers';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import type { PaymentFunction } from './payment-function.ts';
import type { FunctionName, Settings } from './settings.ts';

const webhookPath = '/webhooks/paytech';

/** The API without its routes, which need the functions, which need its address. */
export function httpApi(scope: Construct, { allowedOrigins, publicUrl }: Settings) {
  const api = new HttpApi(scope, 'api', {
    apiName: Stack.of(scope).stackName,
    createDefaultStage: false,
    disableExecuteApiEndpoint: false,
    ...(allowedOrigins.length > 0 && {
      corsPreflight: {
        allowOrigins: allowedOrigins,
        allowMethods: [CorsHttpMethod.GET, CorsHttpMethod.POST, CorsHttpMethod.PATCH],
        allowHeaders: ['content-type', 'authorization'],
        exposeHeaders: ['retry-after'],
        maxAge: Duration.hours(1),
      },
    }),
  });
  const url = publicUrl ?? api.apiEndpoint;
  return { api, url, webhookUrl: url + webhookPath };
}

/** Adds the routes, then the stage that serves them. */
export function addRoutes(
  api: HttpApi,
  functions: Record<FunctionName, PaymentFunction>,
  settings: Settings,
) {
  // `access` is an authorizer, or the reason why the route has none.
  const add = (
    method: HttpMethod,
    path: string,
    name: FunctionName,
    access: IHttpRouteAuthorizer | string,
  ) => {
    const [route] = api.addRoutes({
      path,
      methods: [method],
      integration: new HttpLambdaIntegration(name, functions[name]),
      ...(typeof access !== 'string' && { authorizer: access }),
    });
    if (typeof access === 'string') {
      Validations.of(route!).acknowledge({ id: 'AwsSolutions-APIG4', reason: access });
    }
    return route!;
  };
  const createAccess =
    settings.createPaymentAuth === 'iam'
      ? new HttpIamAuthorizer()
      : 'Open by a setting that only sandbox stacks accept, for demos.';
  add(HttpMethod.POST, '/payments', 'create-payment', createAccess);
  add(HttpMethod.GET, '/payments/{id}', 'get-payment', 'The id, which cannot be guessed, is the capability.');
  const webhook = add(
    HttpMethod.POST,
    webhookPath,
    'receive-webhook',
    'paytech signs the body; receive-webhook verifies that over the raw bytes, which an authorizer never sees.',
  );

  const stage = defaultStage(api, settings);
  const cfnStage = stage.node.defaultChild as CfnStage;
  const { rate, burst } = settings.webhookThrottle;
  cfnStage.routeSettings = {
    [`POST ${webhookPath}`]: { ThrottlingRateLimit: rate, ThrottlingBurstLimit: burst },
  };
  // A stage that limits a route which is not there yet cannot be deployed.
  stage.node.addDependency(webhook);
}

/** The stage `$default`. Its access log has no address, no query and no path values: nothing of a customer. */
function defaultStage(api: HttpApi, settings: Settings): HttpStage {
  const accessLogs = new LogGroup(api, 'access-logs', {
    retention: settings.logRetentionDays,
    removalPolicy: RemovalPolicy.RETAIN,
  });
  const logged = {
    requestId: '$context.requestId',
    time: '$context.requestTimeEpoch',
    route: '$context.routeKey',
    status: '$context.status',
    latency: '$context.responseLatency',
    integrationStatus: '$context.integrationStatus',
    integrationLatency: '$context.integrationLatency',
    integrationError: '$context.integrationErrorMessage',
    gatewayError: '$context.error.messageString',
  };
  return new HttpStage(api, 'default-stage', {
    httpApi: api,
    autoDeploy: true,
    throttle: { rateLimit: settings.throttle.rate, burstLimit: settings.throttle.burst },
    accessLogSettings: {
      destination: new LogGroupLogDestination(accessLogs),
      format: AccessLogFormat.custom(JSON.stringify(logged)),
    },
  });
}
