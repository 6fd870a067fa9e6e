/** What starts reconcile, again and again. */
import { Duration } from 'aws-cdk-lib';
import { Rule, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import type { Construct } from 'constructs';
import type { PaymentFunction } from './payment-function.ts';

/**
 * The time limit of a run, below the interval, so that a run is over before the next one begins. That spares the
 * concurrency that would have to be reserved for it, which a small account does not have.
 */
export function reconcileTimeout(everyMinutes: number): Duration {
  return Duration.seconds(Math.min(everyMinutes * 60 - 5, 300));
}

export function reconcileSchedule(scope: Construct, reconcile: PaymentFunction, everyMinutes: number): void {
  // The next run is the retry: it finds everything as due as it was.
  const target = new LambdaFunction(reconcile, { retryAttempts: 0, maxEventAge: Duration.minutes(1) });
  reconcile.configureAsyncInvoke({ retryAttempts: 0, maxEventAge: Duration.minutes(1) });
  new Rule(scope, 'reconcile-schedule', {
    description: 'Finds changes whose webhook did not arrive',
    schedule: Schedule.rate(Duration.minutes(everyMinutes)),
    targets: [target],
  });
}
