import type { HttpEvent, Reply } from '../../shared/http/api.ts';
import { Problem } from '../../shared/http/problem.ts';
import { publicView } from '../../shared/http/public-view.ts';
import type { PaymentRecord } from '../../shared/payment/payment.ts';
import { PAYMENT_ID } from '../../shared/paytech/wire.ts';

export interface GetPaymentDependencies {
  readPayment: (id: string) => Promise<PaymentRecord | undefined>;
  /** The record with what paytech says now, where a refresh is due. */
  refresh: (record: PaymentRecord, requestId: string) => Promise<PaymentRecord>;
}

/**
 * The public view of a deposit. Knowing its id is the permission to see it, so everything else that has an id
 * (refunds, withdrawals) does not exist here.
 */
export function getPayment({ readPayment, refresh }: GetPaymentDependencies) {
  return async (event: HttpEvent): Promise<Reply> => {
    const id = event.pathParameters?.id ?? '';
    const record = PAYMENT_ID.test(id) ? await readPayment(id) : undefined;
    if (record?.paymentType !== 'DEPOSIT') {
      throw new Problem('payment.not_found', 'Ask with the id that POST /payments answered.');
    }
    return { status: 200, body: publicView(await refresh(record, event.requestContext.requestId)) };
  };
}
