import { queueFound } from '../../shared/calls/observe.ts';
import { isConfirmedBy } from '../../shared/payment/observation.ts';
import { mayLearnFrom, type PaymentRecord } from '../../shared/payment/payment.ts';
import type { GatewayPayment } from '../../shared/paytech/wire.ts';
import { forEachOf } from '../../shared/runtime/concurrency.ts';
import { readPayments } from '../../shared/store/compared-payments.ts';
import { keepConfirmed } from '../../shared/store/confirmation.ts';
import { keyOf } from '../../shared/store/payment-item.ts';
import { readPayment } from '../../shared/store/payments.ts';
import { discrepancyOf, named, type TellingContext, tellDiscrepancy } from './discrepancy.ts';
import type { WebhookWatch } from './webhooks-missing.ts';

const CONCURRENT = 16;

export interface CompareContext extends TellingContext {
  webhooks: Pick<WebhookWatch, 'saw'>;
}

/** Compares a page of paytech's list with the table, and tells what differs. Answers how many could not be compared. */
export function comparePage(context: CompareContext) {
  const { table, now, logger, counts, webhooks } = context;
  const tell = tellDiscrepancy(context);

  return async (payments: readonly GatewayPayment[]): Promise<number> => {
    if (payments.length === 0) return 0;
    let failed = 0;
    const fail = (count: number, about: object) => {
      failed += count;
      counts.failed++;
      logger.error('not compared', { metric: 'ReconcileFailed', ...about });
    };
    let records: Map<string, PaymentRecord>;
    try {
      records = await readPayments(
        table,
        payments.map(({ id }) => id),
      );
    } catch (error) {
      fail(payments.length, named(error));
      return failed;
    }
    await forEachOf(payments, CONCURRENT, async (payment) => {
      try {
        if (!(await compare(payment, records.get(payment.id)))) failed++;
      } catch (error) {
        fail(1, { paymentId: payment.id, ...named(error) });
      }
    });
    return failed;
  };

  /** `seen` may be of a moment ago: what differs by it is read again. False when it could not be told. */
  async function compare(payment: GatewayPayment, seen: PaymentRecord | undefined): Promise<boolean> {
    counts.checked.add(keyOf(payment.id));
    if (seen) webhooks.saw(seen);
    if (seen && isAsListed(payment, seen)) {
      if (confirms(payment, seen)) await keepConfirmed(table, seen, payment);
      return true;
    }
    const record = await readPayment(table, payment.id);
    if (record && confirms(payment, record)) await keepConfirmed(table, record, payment);
    const discrepancy = discrepancyOf(payment, record, 'earlier', now());
    if (discrepancy) return tell(discrepancy);
    // It says nothing else of its state, but whose it is.
    if (record && mayLearnFrom(record, payment)) await queueFound(context, payment, context.requestId);
    return true;
  }

  function isAsListed(payment: GatewayPayment, record: PaymentRecord): boolean {
    return discrepancyOf(payment, record, 'earlier', now()) === undefined && !mayLearnFrom(record, payment);
  }
}

/** The list may be old: it confirms money only where it names it. */
function confirms(payment: GatewayPayment, record: PaymentRecord): boolean {
  const isTold = payment.facts.amount !== undefined;
  return record.unconfirmed === true && isTold && isConfirmedBy(record, payment);
}
