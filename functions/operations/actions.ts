import * as z from 'zod/mini';
import type { ActRequest, ActResult } from '../../shared/calls/act.ts';
import { actionProblem } from '../../shared/http/action-problem.ts';
import { type HttpEvent, optionalJsonBody, type Reply } from '../../shared/http/api.ts';
import { positiveAmount } from '../../shared/http/payment-fields.ts';
import { actedView } from '../../shared/http/payment-view.ts';
import { Problem } from '../../shared/http/problem.ts';
import { absentOr, object, text, validated } from '../../shared/http/validate.ts';
import { optional } from '../../shared/payment/payment.ts';
import type { GatewayAction } from '../../shared/paytech/client.ts';
import { PAYMENT_ID } from '../../shared/paytech/wire.ts';
import type { Call } from './router.ts';

/*
 * `POST /operations/payments/{id}/capture|void|approve|reject`: once per payment, the same request again is
 * answered alike.
 */

export interface ActionRouteDependencies {
  act: (request: ActRequest) => Promise<ActResult>;
}

/** All that is authorized, or `amount` of it in major units. */
export const captureBody = object({ amount: z.optional(positiveAmount) });
export const rejectBody = object({ rejectReason: absentOr(text(256)) });
export const emptyBody = object({});

/** The route of each action. */
export function actionRoute({ act }: ActionRouteDependencies) {
  return async (event: HttpEvent, action: GatewayAction, call: Call): Promise<Reply> => {
    const content = readContent(action, optionalJsonBody(event));
    const paymentId = event.pathParameters?.id ?? '';
    if (!PAYMENT_ID.test(paymentId)) throw actionProblem({ is: 'not-found' });
    const result = await act({
      kind: action,
      paymentId,
      ...content,
      ...call,
      requestId: event.requestContext.requestId,
    });
    if (result.is === 'done') return { status: 200, body: actedView(result.record) };
    if (result.is === 'unknown') {
      throw new Problem(
        'operation.outcome_unknown',
        'It is not sent again. Send the same request to see whether it took effect, or resolve it.',
        { retryAfter: result.seconds },
      );
    }
    throw actionProblem(result);
  };
}

/** What is asked of the payment, and what paytech is sent. */
function readContent(action: GatewayAction, json: unknown): Pick<ActRequest, 'amount' | 'body'> {
  switch (action) {
    case 'capture': {
      const { amount } = validated(captureBody, json);
      return amount ? { amount, body: { amount } } : {};
    }
    case 'reject': {
      const { rejectReason } = validated(rejectBody, json);
      return optional('body', rejectReason === undefined ? undefined : { rejectReason });
    }
    case 'void':
    case 'approve':
      validated(emptyBody, json);
      return {};
    default:
      return action satisfies never;
  }
}
