/** The HTTP API: routes, CORS, throttles and access logs. */
import { Duration, Stack, Validations } from 'aws-cdk-lib';
import {
  type CfnStage,
  CorsHttpMethod,
  HttpApi,
  HttpMethod,
  HttpRoute,
  HttpRouteKey,
  HttpStage,
  type IHttpRouteAuthorizer,
} from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpIamAuthorizer } from 'aws-cdk-lib/aws-apigatewayv2-authorizers';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { Construct } from 'constructs';
import { methodAndPath, OPERATION_ROUTES } from '../../functions/operations/routes.ts';
import { CHARGEBACK_PATH, WEBHOOK_PATH } from '../../shared/http/webhook-paths.ts';
import type { FunctionName } from '../../shared/runtime/settings.ts';
import { accessLogs } from './access-logs.ts';
import type { PaymentFunctions } from './functions.ts';
import type { Settings } from './settings-types.ts';
import { uniqueToStack } from './unique.ts';

/**
 * Where payments of this stack have their webhooks sent. Whoever floods the path that everybody knows uses up the
 * throttle of that one. It protects nothing else: what comes in here needs paytech's signature as well.
 */
export function ownWebhookPath(): string {
  return `${WEBHOOK_PATH}/${uniqueToStack()}`;
}

/** The API without its routes, which need the functions, which need its address. */
export function httpApi(scope: Construct, settings: Settings) {
  const { allowedOrigins, publicUrl, domain, defaultEndpoint } = settings;
  const api = new HttpApi(scope, 'api', {
    apiName: Stack.of(scope).stackName,
    createDefaultStage: false,
    disableExecuteApiEndpoint: defaultEndpoint === 'off',
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
  const { region, urlSuffix } = Stack.of(scope);
  const host = `${api.apiId}.execute-api.${region}.${urlSuffix}`;
  const url = publicUrl ?? (domain ? `https://${domain.name}` : api.apiEndpoint);
  return { api, host, url, webhookUrl: url + WEBHOOK_PATH, paymentWebhookUrl: url + ownWebhookPath() };
}

/** Adds the routes, then the stage that serves them; answers this, and what counts throttled requests. */
export function addRoutes(
  api: HttpApi,
  functions: PaymentFunctions,
  settings: Settings,
  dataKey: IKey | undefined,
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
      integration: new HttpLambdaIntegration(name, functions[name]!),
      ...(typeof access !== 'string' && { authorizer: access }),
    });
    if (typeof access === 'string') {
      Validations.of(route!).acknowledge({ id: 'AwsSolutions-APIG4', reason: access });
    }
    return route!;
  };
  const create = add(HttpMethod.POST, '/payments', 'create-payment', createPaymentAccess(settings));
  const capability = 'The id, which cannot be guessed, is the capability.';
  const get = add(HttpMethod.GET, '/payments/{id}', 'get-payment', capability);
  if (settings.hostToHost) add(HttpMethod.PATCH, '/payments/{id}', 'execute-payment', capability);
  const signed =
    'paytech signs the body; receive-webhook verifies that over the raw bytes, which an authorizer never sees.';
  const webhook = add(HttpMethod.POST, WEBHOOK_PATH, 'receive-webhook', signed);
  const chargebacks = add(HttpMethod.POST, CHARGEBACK_PATH, 'receive-webhook', signed);
  // Its path, which is not known before it is deployed, cannot be part of a construct's id.
  const ownWebhook = new HttpRoute(api, 'own-webhook', {
    httpApi: api,
    routeKey: HttpRouteKey.with(ownWebhookPath(), HttpMethod.POST),
    integration: new HttpLambdaIntegration('own-webhook', functions['receive-webhook']),
  });
  Validations.of(ownWebhook).acknowledge({ id: 'AwsSolutions-APIG4', reason: signed });

  const iam = new HttpIamAuthorizer();
  const operations = OPERATION_ROUTES.map((key) => {
    const [method, path] = methodAndPath(key);
    return add(HttpMethod[method], path, 'operations', iam);
  });

  const logs = accessLogs(api, settings, dataKey);
  const stage = defaultStage(api, settings, logs);
  const cfnStage = stage.node.defaultChild as CfnStage;
  // The keys are texts of the template, so that the stage's own limits are those of the path that nobody knows yet.
  cfnStage.routeSettings = {
    'POST /payments': limitsOf(settings.throttle),
    'GET /payments/{id}': limitsOf(settings.throttle),
    [`POST ${WEBHOOK_PATH}`]: limitsOf(settings.webhookThrottle),
    [`POST ${CHARGEBACK_PATH}`]: limitsOf(settings.webhookThrottle),
    ...Object.fromEntries(OPERATION_ROUTES.map((key) => [key, limitsOf(settings.operationsThrottle)])),
  };
  // A stage that limits a route which is not there yet cannot be deployed.
  stage.node.addDependency(create, get, webhook, chargebacks, ...operations);
  return { stage, throttled: logs.throttled };
}

function limitsOf({ rate, burst }: Settings['throttle']) {
  return { ThrottlingRateLimit: rate, ThrottlingBurstLimit: burst, DetailedMetricsEnabled: true };
}

function createPaymentAccess({ orderTokens, createPaymentAuth }: Settings): IHttpRouteAuthorizer | string {
  if (orderTokens === 'required') {
    return 'The order token in the body, which create-payment verifies, is the permission.';
  }
  return createPaymentAuth === 'iam'
    ? new HttpIamAuthorizer()
    : 'Open by a setting that only sandbox stacks accept, for demos.';
}

function defaultStage(api: HttpApi, settings: Settings, logs: ReturnType<typeof accessLogs>): HttpStage {
  return new HttpStage(api, 'default-stage', {
    httpApi: api,
    autoDeploy: true,
    // Metrics per route, which the alarms watch.
    detailedMetricsEnabled: true,
    throttle: { rateLimit: settings.webhookThrottle.rate, burstLimit: settings.webhookThrottle.burst },
    accessLogSettings: logs.settings,
  });
}
