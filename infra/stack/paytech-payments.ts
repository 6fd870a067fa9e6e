/**
 * The payment service as one construct, which this app's stack holds and another stack could. Ids are part
 * of every physical resource's identity: changing one replaces the resource.
 */
import { Key } from 'aws-cdk-lib/aws-kms';
import type { ITopic, Topic } from 'aws-cdk-lib/aws-sns';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { PlainSettings } from '../../shared/runtime/settings.ts';
import { alarmTopic } from './alarm-topic.ts';
import { alarms } from './alarms.ts';
import { addRoutes, httpApi } from './api.ts';
import { dashboard } from './dashboard.ts';
import { type PaymentFunctions, paymentFunctions } from './functions.ts';
import { paymentEvents } from './payment-events.ts';
import type { PaymentEventsSubscription } from './payment-events-subscription.ts';
import { type PaymentsTable, paymentsTable } from './payments-table.ts';
import { reconcileSchedule } from './reconcile-schedule.ts';
import { assertRegion } from './region.ts';
import { savedQueries } from './saved-queries.ts';
import { type Secrets, secrets } from './secrets.ts';
import { parseSettings, plainSettings } from './settings.ts';
import type { Settings, SettingsInput } from './settings-types.ts';
import { onlyTheseSend, webhookQueue } from './webhook-queue.ts';

export class PaytechPayments extends Construct {
  /** As given, with the defaults filled in. */
  readonly settings: Settings;
  /** What functions and paytech-ops get of them. */
  readonly plainSettings: PlainSettings;
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
   * The bundles must be there (`bundleFunctions()`).
   * @param given the settings, docs/settings.md; what has a default may be left out
   * @throws SettingsError when a setting is wrong
   */
  constructor(scope: Construct, id: string, given: SettingsInput) {
    super(scope, id);
    const settings = parseSettings(given);
    this.settings = settings;
    assertRegion(this, settings);
    const dataKey = settings.dataKeyArn ? Key.fromKeyArn(this, 'data-key', settings.dataKeyArn) : undefined;
    const { api, url, webhookUrl, paymentWebhookUrl } = httpApi(this, settings);
    this.plainSettings = plainSettings(settings, paymentWebhookUrl);
    const webhooks = webhookQueue(this, settings.webhookBatchSize);
    const events = paymentEvents(this, settings);
    this.table = paymentsTable(this, settings);
    this.secrets = secrets(this, dataKey);
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
    const { throttled } = addRoutes(api, this.functions, settings, dataKey);
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

    this.apiUrl = url;
    this.webhookUrl = webhookUrl;
    this.paymentWebhookUrl = paymentWebhookUrl;
    this.webhookQueue = webhooks.queue;
    this.webhookDeadLetters = webhooks.deadLetterQueue;
    this.topic = events.topic;
    this.subscriberQueues = events.queues;
  }
}
