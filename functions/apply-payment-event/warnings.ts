import type { PaymentRecord } from '../../shared/payment/payment.ts';
import type { Logger } from '../../shared/runtime/logger.ts';

export function warnIfCorrected(
  logger: Pick<Logger, 'warn'>,
  { id, history }: PaymentRecord,
  version: number,
): void {
  const [before, entry] = [history[version - 2], history[version - 1]];
  if (!entry?.corrected) return;
  const change = { from: before?.facts.state, to: entry.facts.state };
  logger.warn('payment corrected', { metric: 'PaymentCorrected', paymentId: id, ...change });
}

export function warnOfQuarantine(
  logger: Pick<Logger, 'warn'>,
  { id, state }: PaymentRecord,
  claimed: string,
): void {
  logger.warn('event quarantined', { metric: 'EventQuarantined', paymentId: id, state, claimed });
}
