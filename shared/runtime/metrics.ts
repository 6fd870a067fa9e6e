import type { StandingAlarm } from '../payment/standing.ts';

/** The CloudWatch namespace of all metrics of the service. */
export const METRICS_NAMESPACE = 'PaytechPayments';

/** What the functions count. Each has its alarm, or says why it has none, in infra/stack/logged-alarms.ts. */
export type MetricName =
  | 'ApiKeyRefused'
  | 'AttemptReleased'
  | 'AuthorizedForLong'
  | 'AwaitingApprovalForLong'
  | 'ChargebackOpen'
  | 'ClaimFlagged'
  | 'ClaimResolved'
  | 'EventQuarantined'
  | 'GatewayNotAccepted'
  | 'GatewayNotReached'
  | 'ListEntryUnreadable'
  | 'ListFilterIgnored'
  | 'MessageParked'
  | 'MissedByWebhook'
  | 'OrderPaidTwice'
  | 'OrderTokenInvalid'
  | 'OutcomeAdopted'
  | 'OutcomeUnknown'
  | 'OutcomeUnknownForLong'
  | 'PaidOutTwice'
  | 'PaymentCorrected'
  | 'PublishFailed'
  | 'ReconcileFailed'
  | 'ReconcileGaveUp'
  | 'ReconcileWorked'
  | 'Reconciled'
  | 'ReferenceShared'
  | 'RefreshFailed'
  | 'RefundWithoutParent'
  | 'RefundedTooMuch'
  | 'SecretStale'
  | 'SiblingsNotListed'
  | 'SlicePutAside'
  | 'UnknownState'
  | 'UnknownStateForLong'
  | 'UnknownToUs'
  | 'WalkLagSeconds'
  | 'WatermarkLagSeconds'
  | 'WebhookNotConfirmed'
  | 'WebhookSignatureInvalid'
  | 'WebhookStuck'
  | 'WebhooksMissing';

/**
 * The metric of each alarm that stands until it is decided. It is 1 where something is found, and in each run of
 * reconcile the number of what is open, also when that is zero.
 */
export const STANDING_METRIC: Record<StandingAlarm, MetricName> = {
  'claim-flagged': 'ClaimFlagged',
  'order-paid-twice': 'OrderPaidTwice',
  'paid-out-twice': 'PaidOutTwice',
  'outcome-unknown-for-long': 'OutcomeUnknownForLong',
  'webhook-not-confirmed': 'WebhookNotConfirmed',
  'event-quarantined': 'EventQuarantined',
  'payment-corrected': 'PaymentCorrected',
  'unknown-state-for-long': 'UnknownStateForLong',
  'refunded-too-much': 'RefundedTooMuch',
  'refund-without-parent': 'RefundWithoutParent',
  'authorized-for-long': 'AuthorizedForLong',
  'awaiting-approval-for-long': 'AwaitingApprovalForLong',
  'chargeback-open': 'ChargebackOpen',
};

/** Values of several metrics. */
export type Counts = { [Name in MetricName]?: number };

/**
 * What makes metrics of a log line: their values in the stack that the line's `stack` names, in the embedded metric
 * format. CloudWatch reads it from the log, so that a metric can neither slow a request down nor be lost by itself. The
 * stack is the only dimension: stacks in one account must not count for each other, the log line has the function, and
 * each value of an id would be a metric of its own, and paid for.
 * Source: Amazon CloudWatch, "Specification: Embedded metric format".
 */
export function embeddedMetrics(counts: Counts, timestamp: Date) {
  const metrics = Object.keys(counts).map((name) => ({
    Name: name,
    Unit: name.endsWith('Seconds') ? 'Seconds' : 'Count',
  }));
  return {
    _aws: {
      Timestamp: timestamp.getTime(),
      CloudWatchMetrics: [{ Namespace: METRICS_NAMESPACE, Dimensions: [['stack']], Metrics: metrics }],
    },
    ...counts,
  };
}
