/** The routes that a storefront's browser calls. */
import { bodyWithToken, wholeBody } from '../../../functions/create-payment/request.ts';
import { executeBody } from '../../../functions/execute-payment/request.ts';
import * as answers from './answers.ts';
import type { RouteGroup } from './route.ts';

export const storefront: RouteGroup = {
  description: "What a storefront's browser calls.",
  schemas: {
    OrderWithToken: bodyWithToken,
    OrderWithoutToken: wholeBody,
    Browser: executeBody,
    CreatedPayment: answers.createdPayment,
    Payment: answers.payment,
  },
  unions: { NewPayment: ['OrderWithToken', 'OrderWithoutToken'] },
  routes: [
    {
      method: 'post',
      path: '/payments',
      operationId: 'createPayment',
      summary: 'Creates a deposit and answers where the customer pays',
      description: [
        'Sending the same request again is always safe: the referenceId is the idempotency key.',
        "With order tokens, the default of a deployed stack, anyone may call and the price comes from a JWT that the merchant's server signed (HS256; at most 16 KB; exp at most 24 h ahead; aud, if present, naming the stack's source; claims referenceId, amount as a decimal string, currency, and in payment what a browser must not choose). Without, the call is IAM-signed and the body carries everything.",
        'The amount may be left out only where the stack has openAmounts: then the customer chooses it at paytech.',
        "card, googlePay, applePay and webhookUrl are refused by name. customer.ip is where a browser's call comes from, and refused there; an IAM-signed caller may give the customer's, without which none is sent.",
      ].join('\n\n'),
      access: 'open-or-iam',
      body: 'NewPayment',
      answers: {
        201: { description: 'The payment has been created.', schema: 'CreatedPayment' },
        200: { description: 'It exists already; this is how it stands now.', schema: 'CreatedPayment' },
      },
      problems: [
        'request.invalid',
        'order.token_required',
        'order.token_invalid',
        'cloudfront.required',
        'order.token_conflict',
        'payment.reference_conflict',
        'payment.under_way',
        'payment.in_progress',
        'claim.flagged',
        'gateway.rejected',
        'payment.outcome_unknown',
        'gateway.unavailable',
      ],
    },
    {
      method: 'get',
      path: '/payments/{id}',
      operationId: 'getPayment',
      summary: 'Answers how a deposit stands',
      description: [
        'Whoever knows the id may ask. Only a payment that is final and COMPLETED is paid; the customer coming back from the checkout proves nothing.',
        'Each failed payment has an errorMessage that is fit for the customer. retry says what may help: retry (the same again), retry-with-other-method (another method or card), do-not-retry (not before asking the merchant).',
      ].join('\n\n'),
      access: 'open',
      answers: { 200: { description: 'The payment.', schema: 'Payment' } },
      problems: ['payment.not_found'],
    },
    {
      method: 'patch',
      path: '/payments/{id}',
      operationId: 'executePayment',
      summary: 'Executes a deposit without the redirect (host-to-host)',
      description: [
        'Only where the stack has the setting hostToHost. The body is what the browser says of itself; the address of the customer is where the request comes from. externalRefs of the answer is what to show the customer, redirectUrl where to send them (3-D Secure).',
        'It is executed once: the same request again is answered alike. Where its outcome is unknown, it is sent again only once paytech has shown the deposit untouched twice, the later time at least two minutes after the call; until then ask for the payment, or send the customer to its redirectUrl.',
      ].join('\n\n'),
      access: 'open',
      body: 'Browser',
      bodyIsOptional: true,
      answers: { 200: { description: 'paytech has executed it.', schema: 'Payment' } },
      problems: [
        'request.invalid',
        'cloudfront.required',
        'payment.not_found',
        'payment.state_conflict',
        'operation.conflict',
        'operation.in_progress',
        'gateway.rejected',
        'payment.outcome_unknown',
        'gateway.unavailable',
      ],
    },
  ],
};
