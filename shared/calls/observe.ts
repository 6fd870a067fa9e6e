import type { EventQueue, QueuedEvent } from '../messaging/event-queue.ts';
import { isDiscrepancy, willApply } from '../payment/observation.ts';
import { optional, type PaymentRecord } from '../payment/payment.ts';
import { meansMoney } from '../payment/state.ts';
import { type GatewayPayment, writePayment } from '../paytech/wire.ts';
import { keepQueued } from '../store/queued.ts';
import type { Table } from '../store/table.ts';
import { isNamed } from './siblings.ts';

export interface ObserveDependencies {
  table: Table;
  queue: EventQueue;
  /** Epoch milliseconds. */
  now: () => number;
}

/** Puts a payment on the queue that paytech was found to have: it is recorded, or its record learns whose it is. */
export async function queueFound(
  { queue, now }: Pick<ObserveDependencies, 'queue' | 'now'>,
  payment: GatewayPayment,
  requestId?: string,
  claim?: QueuedEvent['claim'],
): Promise<void> {
  await queue.send({
    bytes: writePayment(payment),
    source: 'reconcile',
    receivedAt: new Date(now()).toISOString(),
    ...optional('requestId', requestId),
    ...optional('claim', claim),
  });
}

/**
 * Carries what paytech said of a payment to its record: onto the queue if it differs, and only then into the
 * bookkeeping from which callers are shown it meanwhile. Returns the record with it. Throws when it may not have
 * reached the queue; then it must not be shown.
 *
 * What paytech answered about this payment may correct the record at the version that it was read against; what its
 * list says (`earlier`) may be old, and corrects nothing.
 */
export async function queueObservation(
  { table, queue, now }: ObserveDependencies,
  record: PaymentRecord,
  payment: GatewayPayment,
  how: Pick<QueuedEvent, 'source' | 'caller' | 'requestId'>,
  voice: 'answer' | 'earlier' = 'answer',
): Promise<PaymentRecord> {
  if (payment.id !== record.id)
    throw new Error(`asked about payment ${record.id}, got payment ${payment.id}`);
  const saidAt = now();
  if (!isDiscrepancy(record, payment, voice, saidAt)) return record;
  const at = new Date(saidAt).toISOString();
  const readVersion = voice === 'answer' ? { readVersion: record.version } : {};
  await queue.send({ bytes: writePayment(payment), receivedAt: at, ...readVersion, ...how });
  if (!willApply(record, payment, voice, saidAt)) return record;

  const { facts } = payment;
  // Nobody is shown money that the order's next call would not see; the queue writes the payment into its claim.
  const isNew = record.paymentType === 'DEPOSIT' && meansMoney(facts.state) && !meansMoney(record.state);
  if (isNew && record.referenceId !== undefined && !(await isNamed(table, record))) return record;
  const current = await keepQueued(table, record, { at, version: record.version, facts });
  // What the record has become meanwhile may still be behind what was said.
  return willApply(current, payment, voice, saidAt)
    ? { ...current, heard: { at, version: current.version, facts } }
    : current;
}
