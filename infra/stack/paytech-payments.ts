/**
 * The payment service as one construct, which this app's stack holds and another stack could. Ids are part
 * of every physical resource's identity: changing one replaces the resource.
 */
import { Annotations, Stack } from 'aws-cdk-lib';
import type { DomainName, HttpApi, HttpStage } from 'aws-cdk-lib/aws-apigatewayv2';
import { Grant, type IGrantable } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import type { ITopic, Topic } from 'aws-cdk-lib/aws-sns';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import {
  methodAndPath,
  OPERATION_ROUTES,
  type OperationRouteKey,
} from '../../functions/operations/routes.ts';
import type { PlainSettings } from '../../shared/runtime/settings.ts';
import { alarmTopic } from './alarm-topic.ts';
import { alarms } from './alarms.ts';
import { addRoutes, httpApi } from './api.ts';
import { dashboard } from './dashboard.ts';
import { apiDomain } from './domain.ts';
import { type PaymentFunctions, paymentFunctions } from './functions.ts';
import { paymentEvents } from './payment-events.ts';
import type { PaymentEventsSubscription } from './payment-events-subscription.ts';
import { type PaymentsTable, paymentsTable } from './payments-table.ts';
import { reconcileSchedule } from './reconcile-schedule.ts';
import { assertRegion } from './region.ts';
import { savedQueries } from './saved-queries.ts';
import { type Secrets, secrets } from './secrets.ts';
import { parseSettings, plainSettings, SettingsError } from './settings.ts';
import type { Settings, SettingsInput } from './settings-types.ts';
import { onlyTheseSend, webhookQueue } from './webhook-queue.ts';

export class PaytechPayments extends Construct {
  /** As given, with the defaults filled in. */
  readonly settings: Settings;
  /** What functions and paytech-ops get of them. */
  readonly plainSettings: PlainSettings;
  /** For a domain or a CDN of yours in front of it. */
  readonly api: HttpApi;
  readonly stage: HttpStage;
  /** The API's own host, `<id>.execute-api.<region>.…`. */
  readonly apiHost: string;
  /** Where the settings name a domain. */
  readonly domainName?: DomainName;
  /** The routes of the back office, by method and path as in docs/api.md. */
  readonly operationRoutes: readonly OperationRouteKey[] = OPERATION_ROUTES;
  /** Base of all routes, without a slash at the end. */
  readonly apiUrl: string;
  /** For paytech's back office: of payments that were made elsewhere. */
  readonly webhookUrl: string;
  /** What paytech is told with each payment of this stack. */
  readonly paymentWebhookUrl: string;
  readonly table: PaymentsTable;
  readonly webhookQueue: Queue;
  readonly webhookDeadLetters: Queue;
  /** Of payment events. */
  readonly topic: Topic;
  /** What alarms go to: the stack's own, or the one that the settings name. */
  readonly alarmTopic: ITopic;
  /** By the subscriber's name; each has its `deadLetters` and `undelivered`. */
  readonly subscriberQueues: ReadonlyMap<string, PaymentEventsSubscription>;
  readonly secrets: Readonly<Secrets>;
  readonly functions: Readonly<PaymentFunctions>;

  /**
   * In the repository the bundles must be there (`bundleFunctions()`); the package has them.
   * @param given the settings, docs/settings.md; what has a default may be left out
   * @throws SettingsError when a setting is wrong
   */
  constructor(scope: Construct, id: string, given: SettingsInput) {
    super(scope, id);
    assertAlone(this);
    const settings = parseSettings(given);
    this.settings = settings;
    assertRegion(this, settings);
    warnUnprotected(this, settings);
    const dataKey = settings.dataKeyArn ? Key.fromKeyArn(this, 'data-key', settings.dataKeyArn) : undefined;
    const { api, host, url, webhookUrl, paymentWebhookUrl } = httpApi(this, settings);
    this.plainSettings = plainSettings(settings, paymentWebhookUrl);
    const webhooks = webhookQueue(this, settings.webhookBatchSize);
    const events = paymentEvents(this, settings);
    this.table = paymentsTable(this, settings);
    this.secrets = secrets(this, settings, dataKey);
    this.functions = paymentFunctions(this, {
      settings,
      plainSettings: this.plainSettings,
      table: this.table,
      webhooks,
      topic: events.topic,
      secrets: this.secrets,
      dataKey,
    });
    onlyTheseSend(webhooks.queue, this.functions, settings.operatorRoles);
    const { stage, throttled } = addRoutes(api, this.functions, settings, dataKey);
    reconcileSchedule(this, this.functions.reconcile, settings.reconcileMinutes);
    this.alarmTopic = alarmTopic(this, settings);
    const watched = {
      settings,
      topic: this.alarmTopic,
      apiId: api.apiId,
      throttled,
      functions: this.functions,
      webhooks,
      subscribers: events.queues,
    };
    alarms(this, watched);
    dashboard(this, watched);
    if (settings.savedQueries) {
      const made = Object.values(this.functions);
      savedQueries(
        this,
        made.map(({ logGroup }) => logGroup),
      );
    }

    this.api = api;
    this.stage = stage;
    this.apiHost = host;
    if (settings.domain) this.domainName = apiDomain(this, settings.domain, api, stage);
    this.apiUrl = url;
    this.webhookUrl = webhookUrl;
    this.paymentWebhookUrl = paymentWebhookUrl;
    this.webhookQueue = webhooks.queue;
    this.webhookDeadLetters = webhooks.deadLetterQueue;
    this.topic = events.topic;
    this.subscriberQueues = events.queues;
  }

  /**
   * Lets a role or user of the back office call one route, such as `POST /operations/refunds`, and no other.
   */
  grantOperation(name: OperationRouteKey, grantee: IGrantable): Grant {
    const [method, path] = methodAndPath(name);
    // The route's own grant allows all that begins like it, from its first parameter on.
    const resource = this.api.arnForExecuteApi(method, pathPattern(path), this.stage.stageName);
    return Grant.addToPrincipal({ grantee, actions: ['execute-api:Invoke'], resourceArns: [resource] });
  }
}

/** An id of paytech's has 32 characters. */
const ANY_PAYMENT = '?'.repeat(32);

/**
 * Its parameters as IAM's wildcards. At the end of a path a `*` stands for slashes too, and so for the routes below a
 * payment: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
 */
function pathPattern(path: string): string {
  return path.replace(/(?<=\/payments\/)\{id\}$/, ANY_PAYMENT).replace(/\{\w+\}/g, '*');
}

/** Metrics, alarms and what paytech-ops finds are by the stack's name. */
function assertAlone(scope: PaytechPayments): void {
  const stack = Stack.of(scope);
  const other = stack.node.findAll().find((each) => each instanceof PaytechPayments && each !== scope);
  if (other) {
    throw new SettingsError(
      `The stack ${stack.stackName} has a PaytechPayments already, ${other.node.path}: put ${scope.node.path} into a stack of its own.`,
    );
  }
}

function warnUnprotected(scope: Construct, { stage }: Settings): void {
  if (stage !== 'production' || Stack.of(scope).terminationProtection) return;
  Annotations.of(scope).addWarningV2(
    'paytech-payments:no-termination-protection',
    'Whoever may delete stacks can end the service by mistake: give the stack terminationProtection: true.',
  );
}
