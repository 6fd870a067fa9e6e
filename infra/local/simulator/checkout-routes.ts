/** The hosted checkout: where `redirectUrl` leads the customer, and back to the shop's `returnUrl`. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type Decimal, decimal } from '../../../shared/payment/money.ts';
import { readCard } from './card-form.ts';
import { asksHolder } from './charges.ts';
import { amountPage, checkoutPage, notFoundPage, outcomePage, threeDSecurePage } from './checkout-page.ts';
import { chooseAmount, payByCard } from './customer.ts';
import { isPayable, type Payment } from './payment.ts';
import type { Payments } from './payments.ts';
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
    return html(reply, 200, isPayable(payment) ? openPage(payment) : outcome(payment));
  });

  app.post<ById>('/:id', async ({ params, body, headers }, reply) => {
    const payment = depositOf(payments, params.id);
    if (!isPayable(payment)) return html(reply, 409, outcome(payment));

    const form = body instanceof URLSearchParams ? body : new URLSearchParams();
    const field = (name: string) => form.get(name) ?? '';
    const ending = ACTIONS[field('action')];
    if (ending) {
      payments.move(payment, 'CHECKOUT', ending);
    } else if (!payment.amount) {
      const amount = readAmount(field('amount'));
      if (!amount) return html(reply, 400, amountPage(payment, 'An amount such as 10.00.'));
      chooseAmount(payments, payment.id, amount);
      return reply.redirect(`/checkout/${payment.id}`, 303);
    } else {
      const chosen = findTestCard(field('testCard'));
      const typed = { cardNumber: field('cardNumber'), expiry: field('expiry'), cvv: field('cvv') };
      const { card, problems } = chosen ? { card: chosen } : readCard(typed, now());
      if (problems) return html(reply, 400, checkoutPage(payment, problems));
      const savedByCustomer = form.get('remember') === 'yes';
      const challenge = form.get('challenge');
      if (card.threeDSecure && challenge === null) {
        return html(reply, 200, threeDSecurePage(payment, card, savedByCustomer));
      }
      if (card.threeDSecure && challenge !== 'passed') payments.move(payment, 'CHECKOUT', FAILED_3D_SECURE);
      else payByCard(payments, payment.id, { cardNumber: card.number, savedByCustomer });
    }

    // A shop that frames the checkout closes the frame itself; the page that notifies it is this one.
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

/** What the customer has to do next. */
function openPage(payment: Payment): string {
  if (!payment.amount) return amountPage(payment);
  return payment.card && asksHolder(payment)
    ? threeDSecurePage(payment, payment.card)
    : checkoutPage(payment);
}

const MAX_AMOUNT = decimal('1000000000');

function readAmount(text: string): Decimal | undefined {
  const isNumber = /^\d{1,10}(\.\d{1,18})?$/.test(text.trim());
  const amount = isNumber ? decimal(text.trim()) : undefined;
  return amount?.gt(0) && amount.lte(MAX_AMOUNT) ? amount : undefined;
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
