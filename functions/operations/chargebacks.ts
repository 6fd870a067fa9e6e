import * as z from 'zod/mini';
import type { ChargeBackRequest, ChargeBackResult } from '../../shared/calls/charge-back.ts';
import { unknownPayment } from '../../shared/http/action-problem.ts';
import { type HttpEvent, optionalJsonBody, type Reply } from '../../shared/http/api.ts';
import { gatewayProblem } from '../../shared/http/call-reply.ts';
import { chargebackView } from '../../shared/http/payment-view.ts';
import { Problem } from '../../shared/http/problem.ts';
import { absentOr, object, text, validated } from '../../shared/http/validate.ts';
import { chargebackUrl } from '../../shared/http/webhook-paths.ts';
import { optional } from '../../shared/payment/payment.ts';
import { PAYMENT_ID } from '../../shared/paytech/wire.ts';
import type { Call } from './router.ts';

/*
 * `POST /operations/payments/{id}/chargeback`: registers the chargeback of a deposit, once, or closes one by hand. What
 * happens when is in shared/calls/charge-back.ts.
 */

export interface ChargebackRouteDependencies {
  chargeBack: (request: ChargeBackRequest) => Promise<ChargeBackResult>;
  /** Where paytech sends this stack's webhooks. */
  webhookUrl: string;
}

/** Without a state it is open. The description is kept in the record, and names no customer. */
export const chargebackBody = object({
  description: absentOr(text(512)),
  state: z.optional(
    z.enum(['CANCELLED', 'DECLINED', 'COMPLETED'], { error: 'must be CANCELLED, DECLINED or COMPLETED' }),
  ),
});

export function chargebackRoute({ chargeBack, webhookUrl }: ChargebackRouteDependencies) {
  return async (event: HttpEvent, call: Call): Promise<Reply> => {
    const { description, state } = validated(chargebackBody, optionalJsonBody(event) ?? {});
    const paymentId = event.pathParameters?.id ?? '';
    if (!PAYMENT_ID.test(paymentId)) throw unknownPayment();
    const result = await chargeBack({
      paymentId,
      ...optional('description', description),
      ...optional('state', state),
      webhookUrl: chargebackUrl(webhookUrl),
      ...call,
      requestId: event.requestContext.requestId,
    });
    if (result.is !== 'done') throw chargebackProblem(result);
    return { status: 200, body: chargebackView(result.record, result.chargeback) };
  };
}

function chargebackProblem(result: Exclude<ChargeBackResult, { is: 'done' }>): Problem {
  switch (result.is) {
    case 'not-found':
      return unknownPayment();
    case 'wrong-state': {
      const { paymentType, state } = result.record;
      return new Problem(
        'payment.state_conflict',
        `Nothing was done: the payment is a ${paymentType}, ${state}. Only a COMPLETED deposit can be charged back.`,
      );
    }
    case 'closed':
      return new Problem('payment.state_conflict', `The chargeback is closed already, as ${result.state}.`);
    case 'conflict':
      return new Problem(
        'operation.conflict',
        'Another operation on the payment is open. Ask for the payment.',
      );
    case 'unknown':
      return new Problem(
        'operation.outcome_unknown',
        'It is not sent again. Send the same request to see whether it was registered, or resolve it.',
        { retryAfter: result.seconds },
      );
    case 'rejected':
    case 'unavailable':
      return gatewayProblem(result);
    default:
      return result satisfies never;
  }
}
