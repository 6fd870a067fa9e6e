/** The queue between receive-webhook and apply-payment-event, and the batches in which it is read. */
import { Duration } from 'aws-cdk-lib';
import { AnyPrincipal, Effect, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import type { PaymentFunctions } from './functions.ts';
import { QueueWithDlq } from './queue.ts';

/** The time limit of apply-payment-event for one batch. */
export const applyTimeout = Duration.seconds(30);

/**
 * Makes `webhooks` and `webhooks-dlq`. A message stays invisible for six runs of its consumer and the
 * batching window, as AWS advises, so that throttling does not use up its receives:
 * https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
 */
export function webhookQueue(scope: Construct, batchSize: number) {
  // Lambda asks for a window of at least a second when a batch is over 10.
  const batchingWindow = Duration.seconds(batchSize > 10 ? 1 : 0);
  const visibilityTimeout = Duration.seconds(6 * applyTimeout.toSeconds()).plus(batchingWindow);
  const queue = new QueueWithDlq(scope, 'webhooks', {
    visibilityTimeout,
    // Leaves a message that is set aside at least a week in the dead-letter queue.
    retentionPeriod: Duration.days(7),
  });
  return { queue, deadLetterQueue: queue.deadLetters, batchSize, batchingWindow };
}

/**
 * Whoever may send to the queue is believed as paytech. By default IAM decides, where one wide policy is enough; with
 * `operatorRoles` nobody sends but the functions and those roles, whatever their policies say. `aws:PrincipalArn` is
 * the role's ARN, also of a session; of AWS's own services it is absent, which denies them too.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principalarn
 */
export function onlyTheseSend(
  queue: Queue,
  functions: PaymentFunctions,
  operatorRoles: readonly string[],
): void {
  if (operatorRoles.length === 0) return;
  const own = Object.values(functions).map(({ role }) => role!.roleArn);
  queue.addToResourcePolicy(
    new PolicyStatement({
      sid: 'OnlyTheServiceAndOperatorsSend',
      effect: Effect.DENY,
      principals: [new AnyPrincipal()],
      actions: ['sqs:SendMessage'],
      resources: [queue.queueArn],
      conditions: { ArnNotLike: { 'aws:PrincipalArn': [...own, ...operatorRoles] } },
    }),
  );
}
