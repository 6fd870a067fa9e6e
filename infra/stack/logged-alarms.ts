/** What becomes of each metric that the functions count in their logs (shared/runtime/metrics.ts): an alarm, or none and why. */

import { WATCHED_INTERVAL_MS } from '../../shared/payment/schedule.ts';
import type { StandingAlarm } from '../../shared/payment/standing.ts';
import type { MetricName } from '../../shared/runtime/metrics.ts';
import { MINUTE_MS } from '../../shared/runtime/time.ts';
import type { Settings } from './settings-types.ts';

/** An alarm over a metric, counted over all functions of the stack. */
interface MetricAlarm {
  id: string;
  threshold: number;
  impact: string;
  firstStep: string;
  /** The period; 5 where it is not said. */
  minutes?: number;
  periods?: number;
  /** In how many of those periods it must be reached; in all where it is not said. */
  datapoints?: number;
  whenBelow?: true;
  /** The metric is how many there are at the moment, counted in each run of reconcile: the alarm stays while it is one. */
  standing?: true;
}

export interface LoggedAlarm extends MetricAlarm {
  metric: MetricName;
}

/** An alarm of shared/payment/standing.ts. */
const standing = (id: StandingAlarm) => ({ id, threshold: 1, standing: true as const });

/** So many payments in a row that end without a single webhook are no coincidence. */
export const MISSING_WEBHOOKS = 3;

/** The alarms of a stack with these settings. */
export function loggedAlarms(settings: Settings): LoggedAlarm[] {
  const entries = Object.entries(metricEntries(settings)) as [MetricName, MetricAlarm | NoAlarm][];
  return entries.flatMap(([metric, entry]) => ('none' in entry ? [] : [{ metric, ...entry }]));
}

interface NoAlarm {
  /** Why nobody is woken. */
  none: string;
}

type Entries = Partial<Record<MetricName, MetricAlarm | NoAlarm>>;

/** What becomes of each metric; without an entry here one does not compile. */
export function metricEntries(settings: Settings): Record<MetricName, MetricAlarm | NoAlarm> {
  return {
    ...OF_DECISIONS,
    ...OF_WEBHOOKS,
    ...OF_CALLS,
    ...OF_LISTS,
    ...ofReconcile(settings),
    ...ofLimits(settings),
  };
}

/** Those that wait for a decision. */
const OF_DECISIONS = {
  PaymentCorrected: {
    ...standing('payment-corrected'),
    impact: 'A payment that was final has another final state now: an order may have gone out unpaid.',
    firstStep: 'Find the payment in the log of apply-payment-event and look at its order.',
  },
  EventQuarantined: {
    ...standing('event-quarantined'),
    impact: 'A signed webhook says what paytech itself denies; the payment was left as it is.',
    firstStep: "Compare the payment with paytech's back office, and ask paytech about the webhook.",
  },
  WebhookNotConfirmed: {
    ...standing('webhook-not-confirmed'),
    impact:
      'A signed webhook said that a payment was made, and paytech does not confirm it: goods may go out unpaid.',
    firstStep: 'Stop the delivery of the order, and compare the payment with the back office of paytech.',
  },
  UnknownStateForLong: {
    ...standing('unknown-state-for-long'),
    impact: 'For over a day a payment has been in a state or of a type that this version does not know.',
    firstStep: "Run paytech-ops explain with its id, and ask paytech's support what the word means.",
  },
  OutcomeUnknownForLong: {
    ...standing('outcome-unknown-for-long'),
    impact:
      'For over a quarter of an hour nobody has known what became of money that was asked for or moved.',
    firstStep: "Look for the id in the log line in paytech's back office.",
  },
  ClaimFlagged: {
    ...standing('claim-flagged'),
    impact: 'It is unknown whether a payment was made, and it is not sent again automatically.',
    firstStep: "Look for its reference in paytech's back office, then resolve the claim.",
  },
  OrderPaidTwice: {
    ...standing('order-paid-twice'),
    impact: 'A customer has paid an order twice.',
    firstStep: 'Refund one of the two payments that the log line names.',
  },
  PaidOutTwice: {
    ...standing('paid-out-twice'),
    impact: 'Two payouts were made under one id.',
    firstStep:
      'Look at both payments that the log line names; reject what still waits, or get the money back.',
  },
  RefundedTooMuch: {
    ...standing('refunded-too-much'),
    impact: 'More was refunded of a payment than was paid in the end, or in another currency.',
    firstStep: 'Find the payment in the log and sort out the difference with the customer.',
  },
  RefundWithoutParent: {
    ...standing('refund-without-parent'),
    impact: 'A refund is recorded whose payment is not known, so that the payment may be refunded again.',
    firstStep: "Look for the refund and its payment in paytech's back office.",
  },
} satisfies Entries;

/** What comes from paytech, and what goes to subscribers. */
const OF_WEBHOOKS = {
  WebhookSignatureInvalid: {
    id: 'webhook-signature',
    threshold: 5,
    impact: 'Webhooks are refused: the signing key is wrong, or somebody forges them.',
    firstStep: "Compare the secret of signing keys with the key in paytech's back office.",
  },
  UnknownState: {
    id: 'unknown-states',
    threshold: 20,
    minutes: 60,
    impact:
      'paytech names states or payment types that this version does not know; those payments do not move on.',
    firstStep: 'Find the name in the log of apply-payment-event, and ask paytech what it means.',
  },
  MessageParked: {
    id: 'message-parked',
    threshold: 1,
    impact: 'A signed message could not be understood or recorded; its payment may be behind.',
    firstStep: 'Look at the reason in the log, and at the message in webhooks-dlq.',
  },
  // The age of the oldest does not tell: SQS leaves out of it what was received three times and not deleted, so that it
  // falls while everything fails, where little comes in:
  // https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
  WebhookStuck: {
    id: 'webhooks-stuck',
    threshold: 1,
    impact:
      'For nine minutes a webhook has failed again and again: its payment is not recorded or announced.',
    firstStep:
      'Look for its first error in the log of apply-payment-event: is it the only one, or do all fail?',
  },
  PublishFailed: {
    id: 'publish-failed',
    threshold: 5,
    impact: 'Subscribers get events late; each event is sent again until it is out.',
    firstStep: 'Look at the reason in the log of apply-payment-event.',
  },
  MissedByWebhook: {
    id: 'webhooks-missed',
    threshold: 5,
    minutes: 60,
    impact: 'Webhooks do not arrive; reconcile found the payments, some minutes late.',
    firstStep: "Compare the webhook URL in paytech's back office with the stack's WebhookUrl.",
  },
  WebhooksMissing: {
    id: 'webhooks-not-arriving',
    threshold: MISSING_WEBHOOKS,
    standing: true,
    impact: 'Payments end, and not one webhook arrives: each is recorded some minutes late.',
    firstStep:
      "Compare the webhook URL in paytech's back office with the stack's WebhookUrl, and the signing key with the secret.",
  },
  ReferenceShared: { none: 'Other systems of the shop may use the same references.' },
  UnknownToUs: { none: 'On the dashboard: other systems of the shop make payments too.' },
} satisfies Entries;

/** How calls of paytech end, and of what they need. */
const OF_CALLS = {
  OutcomeUnknown: {
    id: 'outcome-unknown',
    threshold: 5,
    minutes: 15,
    impact: 'paytech does not answer calls that make or move money; customers cannot pay.',
    firstStep: "Look at paytech's status page; what was made is found and adopted automatically.",
  },
  ApiKeyRefused: {
    id: 'api-key-refused',
    threshold: 1,
    impact: 'paytech refuses the API key: nobody can pay, and lost webhooks are not found.',
    firstStep:
      "Put the shop's API key into the secret ApiKeySecret; paytech-ops doctor says whether it is taken.",
  },
  GatewayNotAccepted: {
    id: 'gateway-not-accepted',
    threshold: 1,
    impact: 'paytech rejects our calls, so that customers cannot pay.',
    firstStep: 'Look at the status in the log: 404 is the stage or the shop, 429 the rate limit.',
  },
  GatewayNotReached: {
    id: 'gateway-not-reached',
    threshold: 5,
    minutes: 15,
    impact: 'paytech cannot be reached, so that customers cannot pay; nothing was sent, nothing is in doubt.',
    firstStep:
      "Look at the reason in the log: the name, the connection, the key; then at paytech's status page.",
  },
  SecretStale: {
    id: 'secret-stale',
    threshold: 5,
    minutes: 15,
    impact: 'Keys cannot be fetched. Those at hand are used for an hour at most; then nobody can pay.',
    firstStep: "Look at the reason in the log, and at AWS's health page for Secrets Manager.",
  },
  AttemptReleased: { none: 'An ordinary end of an unknown outcome: the next call makes another attempt.' },
  ClaimResolved: { none: 'Done by a person, who is in the history.' },
  OutcomeAdopted: { none: 'An ordinary end of an unknown outcome: what was made is recorded.' },
  RefreshFailed: { none: 'On the dashboard: the customer sees the stored state.' },
  SiblingsNotListed: {
    none: 'The order is created all the same, after its known payments were asked for.',
  },
} satisfies Entries;

/** What is made of paytech's list. */
const OF_LISTS = {
  ReconcileFailed: {
    id: 'reconcile-failed',
    threshold: 20,
    minutes: 15,
    impact: 'Payments could not be compared with paytech; they stay due.',
    firstStep: 'Look at the reasons in the log of reconcile.',
  },
  SlicePutAside: {
    id: 'list-part-not-compared',
    threshold: 1,
    minutes: WATCHED_INTERVAL_MS / MINUTE_MS,
    impact: "A part of paytech's list cannot be compared, so that a lost webhook in it stays lost meanwhile.",
    firstStep: 'Look at the times in the log of reconcile, and at what failed just before.',
  },
  ListFilterIgnored: {
    id: 'list-filter-ignored',
    threshold: 1,
    minutes: WATCHED_INTERVAL_MS / MINUTE_MS,
    impact: "paytech's list ignores what it is asked for: payments that are not recorded here are not found.",
    firstStep: 'Ask paytech what became of the filters updated.gte and updated.lt of its list.',
  },
  ListEntryUnreadable: { none: 'On the dashboard: what such an entry says comes by webhook and GET too.' },
} satisfies Entries;

/** Whether reconcile runs, and keeps up. */
function ofReconcile({ reconcileMinutes }: Settings) {
  // Three runs in which it does not catch up.
  const behindSeconds = Math.max(15, reconcileMinutes * 3) * 60;
  return {
    ReconcileGaveUp: {
      id: 'reconcile-gave-up',
      threshold: 1,
      minutes: reconcileMinutes * 3,
      periods: 2,
      impact: 'paytech cannot be asked about payments, so that a lost webhook stays lost until then.',
      firstStep: 'Look at the status in the log: 401 is the API key, else paytech is down.',
    },
    Reconciled: {
      id: 'reconcile-not-running',
      threshold: 1,
      minutes: Math.max(5, reconcileMinutes * 3),
      periods: 2,
      whenBelow: true,
      impact: 'Nothing looks for lost webhooks.',
      firstStep: 'Check that the rule reconcile-schedule is enabled, then the errors of reconcile.',
    },
    ReconcileWorked: {
      id: 'reconcile-failing',
      threshold: 1,
      minutes: Math.max(5, reconcileMinutes),
      periods: 3,
      whenBelow: true,
      impact: 'For a quarter of an hour no lost webhook could be found.',
      firstStep: 'Run paytech-ops doctor, then look at the first error in the log of reconcile.',
    },
    WalkLagSeconds: {
      id: 'reconcile-walk-behind',
      threshold: behindSeconds,
      standing: true,
      impact: 'Open payments and claims are checked late, so that a lost webhook is found late.',
      firstStep: 'Check whether paytech answers slowly; if not, raise the setting reconcileWorkers.',
    },
    WatermarkLagSeconds: {
      id: 'reconcile-list-behind',
      threshold: behindSeconds,
      standing: true,
      impact: "paytech's list is compared late, so that a lost webhook is found late.",
      firstStep: 'Look in the log of reconcile why the list is not answered, or is not read to its end.',
    },
  } satisfies Entries;
}

/** What depends on how the shop works. */
function ofLimits({ orderTokens, captureWithinHours, approveWithinHours }: Settings) {
  return {
    OrderTokenInvalid:
      orderTokens === 'required'
        ? {
            id: 'order-tokens',
            threshold: 20,
            impact: "Customers cannot begin to pay, because the shop's order tokens are refused.",
            firstStep: 'Look in the log of create-payment for the reason: key, clock or claims.',
          }
        : { none: 'Without order tokens nothing counts it.' },
    AuthorizedForLong: {
      ...standing('authorized-for-long'),
      impact: `A customer's money has been held for over ${captureWithinHours} h; when the hold lapses it is lost.`,
      firstStep: 'Capture or void the payments that the log of reconcile names.',
    },
    ChargebackOpen: {
      ...standing('chargeback-open'),
      impact: 'A customer has charged a payment back; unanswered in time, the money is lost.',
      firstStep: 'Answer the bank through paytech for the payments that paytech-ops alarms lists.',
    },
    AwaitingApprovalForLong: {
      ...standing('awaiting-approval-for-long'),
      impact: `A payout has waited for approval for over ${approveWithinHours} h, and its recipient for the money.`,
      firstStep: 'Approve or reject the withdrawals that the log of reconcile names.',
    },
  } satisfies Entries;
}
