/** The hosted checkout: where `redirectUrl` leads the customer, and back to the shop's `returnUrl`. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { readCard } from './card-form.ts';
import { checkoutPage, notFoundPage, outcomePage, threeDSecurePage } from './checkout-page.ts';
import { isPayable, type Payment, type Payments } from './payments.ts';
import { Refusal } from './refusal.ts';
import {
  CANCELLED_BY_CUSTOMER,
  DECLINED_BY_ISSUER,
  FAILED_3D_SECURE,
  findTestCard,
  type Outcome,
  TIMED_OUT,
} from './sandbox.ts';

type ById = { Params: { id: string } };

/** The endings that the page offers beside paying. */
const ACTIONS: Partial<Record<string, Outcome>> = {
  cancel: CANCELLED_BY_CUSTOMER,
  decline: DECLINED_BY_ISSUER,
  expire: TIMED_OUT,
};

export function checkoutRoutes(app: FastifyInstance, payments: Payments, now: () => Date): void {
  app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, readForm);

  app.setErrorHandler((error, _request, reply) => {
    if (error instanceof Refusal && error.reason === 'unknown') return html(reply, 404, notFoundPage());
    throw error;
  });

  app.get<ById>('/:id', async ({ params }, reply) => {
    const payment = depositOf(payments, params.id);
    return html(reply, 200, isPayable(payment) ? checkoutPage(payment) : outcome(payment));
  });

  app.post<ById>('/:id', async ({ params, body, headers }, reply) => {
    const payment = depositOf(payments, params.id);
    if (!isPayable(payment)) return html(reply, 409, outcome(payment));

    const form = body instanceof URLSearchParams ? body : new URLSearchParams();
    const field = (name: string) => form.get(name) ?? '';
    const ending = ACTIONS[field('action')];
    if (ending) {
      payments.drive(payment.id, ending);
    } else {
      const chosen = findTestCard(field('testCard'));
      const typed = { cardNumber: field('cardNumber'), expiry: field('expiry'), cvv: field('cvv') };
      const { card, problems } = chosen ? { card: chosen } : readCard(typed, now());
      if (problems) return html(reply, 400, checkoutPage(payment, problems));
      const challenge = form.get('challenge');
      if (card.threeDSecure && challenge === null) return html(reply, 200, threeDSecurePage(payment, card));
      if (card.threeDSecure && challenge !== 'passed') payments.drive(payment.id, FAILED_3D_SECURE);
      else payments.payByCard(payment.id, card.number);
    }

    // A shop that frames the checkout closes the frame itself; the page that tells it so is this one.
    const framed = headers['sec-fetch-dest'] === 'iframe';
    return reply.redirect((!framed && returnUrlOf(payment)) || `/checkout/${payment.id}`, 303);
  });
}

async function readForm(_request: FastifyRequest, text: string): Promise<URLSearchParams> {
  return new URLSearchParams(text);
}

function depositOf(payments: Payments, id: string): Payment {
  const payment = payments.get(id);
  if (payment.request.paymentType !== 'DEPOSIT') throw new Refusal('unknown', 'No checkout');
  return payment;
}

function outcome(payment: Payment): string {
  return outcomePage(payment, returnUrlOf(payment));
}

/** The shop's returnUrl with its placeholders filled in. */
function returnUrlOf({ id, state, request }: Payment): string | undefined {
  const values: Record<string, string> = {
    id,
    referenceId: request.referenceId ?? '',
    state,
    type: request.paymentType,
  };
  const filled = request.returnUrl?.replaceAll(/\{(id|referenceId|state|type)\}/g, (_match, name: string) =>
    encodeURIComponent(values[name] ?? ''),
  );
  // A Location header takes ASCII only.
  return filled?.replaceAll(/[^\x21-\x7e]/gu, encodeURIComponent);
}

function html(reply: FastifyReply, status: number, page: string): FastifyReply {
  return reply.code(status).type('text/html; charset=utf-8').header('cache-control', 'no-store').send(page);
}
