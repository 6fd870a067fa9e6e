/** The CloudWatch namespace of all metrics of the service. */
export const METRICS_NAMESPACE = 'PaytechPayments';

/** What the functions count. Each has its alarm, or says why it has none, in infra/stack/logged-alarms.ts. */
export type MetricName =
  | 'AttemptReleased'
  | 'AuthorizedForLong'
  | 'AwaitingApprovalForLong'
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
  | 'Reconciled'
  | 'ReferenceShared'
  | 'RefreshFailed'
  | 'RefundWithoutParent'
  | 'RefundedTooMuch'
  | 'SecretStale'
  | 'SiblingsNotListed'
  | 'SlicePutAside'
  | 'UnknownState'
  | 'UnknownToUs'
  | 'WebhookNotConfirmed'
  | 'WebhookSignatureInvalid';

/**
 * What makes a metric of a log line: one more `name` in the stack that the line's `stack` names, in the embedded
 * metric format. CloudWatch reads it from the log, so that a metric can neither slow a request down nor be lost by
 * itself. The stack is the only dimension: stacks in one account must not count for each other, the log line has
 * the function, and each value of an id would be a metric of its own, and paid for.
 * Source: Amazon CloudWatch, "Specification: Embedded metric format".
 */
export function embeddedMetric(name: MetricName, timestamp: Date) {
  return {
    _aws: {
      Timestamp: timestamp.getTime(),
      CloudWatchMetrics: [
        { Namespace: METRICS_NAMESPACE, Dimensions: [['stack']], Metrics: [{ Name: name, Unit: 'Count' }] },
      ],
    },
    [name]: 1,
  };
}
