import type { ActRequest, ActResult } from '../../shared/calls/act.ts';
import { actionProblem, unknownPayment } from '../../shared/http/action-problem.ts';
import { type HttpEvent, optionalJsonBody, type Reply } from '../../shared/http/api.ts';
import { Problem } from '../../shared/http/problem.ts';
import { executedView } from '../../shared/http/public-view.ts';
import { PAYMENT_ID } from '../../shared/paytech/wire.ts';
import { readExecuteRequest } from './request.ts';

export interface ExecutePaymentDependencies {
  act: (request: ActRequest) => Promise<ActResult>;
}

/**
 * Executes a deposit without redirect (host-to-host): by the method that it was made with, from the address that
 * the request comes from. Knowing its id is the permission, as for reading it.
 */
export function executePayment({ act }: ExecutePaymentDependencies) {
  /** `deadline`: when this process will be stopped, in epoch milliseconds. */
  return async (event: HttpEvent, owner: string, deadline: number): Promise<Reply> => {
    const browser = readExecuteRequest(optionalJsonBody(event));
    const paymentId = event.pathParameters?.id ?? '';
    if (!PAYMENT_ID.test(paymentId)) throw unknownPayment();
    const { requestId, http } = event.requestContext;
    const result = await act({
      kind: 'execute',
      paymentId,
      body: { ...browser, customerIp: http.sourceIp },
      owner,
      requestId,
      deadline,
    });
    if (result.is === 'done') {
      return { status: 200, body: executedView(result.record, result.instructions) };
    }
    if (result.is === 'unknown') {
      throw new Problem(
        'payment.outcome_unknown',
        'It is not executed again before paytech has shown twice that it was not. Send the same request again a little later, or ask for the payment.',
        { retryAfter: result.seconds },
      );
    }
    // Other payment types do not exist here, as in get-payment.
    const isForeign = result.is === 'wrong-state' && result.record.paymentType !== 'DEPOSIT';
    throw isForeign ? unknownPayment() : actionProblem(result, 'execute');
  };
}
