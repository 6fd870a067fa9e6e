/** Payments, their steps and the balances as paytech writes them: in answers and webhooks alike. */
import { type Decimal, decimal } from '../../../shared/payment/money.ts';
import { sameMoney } from '../../../shared/payment/state.ts';
import type { Operation, Payment } from './payments.ts';
import type { TestCard } from './sandbox.ts';

/** Fields that are undefined are absent from the JSON. No card number ever leaves: only the masked one. */
export function paymentObject(payment: Payment, checkoutUrl: string) {
  const { request } = payment;
  const converted = !sameMoney(payment, request);
  const completed = payment.state === 'COMPLETED';
  return {
    id: payment.id,
    referenceId: request.referenceId,
    created: utc(payment.created),
    paymentType: request.paymentType,
    state: payment.state,
    internalState: payment.state,
    description: request.description,
    parentPaymentId: request.parentPaymentId,
    paymentMethod: payment.card ? 'BASIC_CARD' : request.paymentMethod,
    paymentMethodDetails: payment.card && cardDetails(payment.card),
    amount: payment.amount,
    currency: payment.currency,
    customerAmount: converted ? request.amount : undefined,
    customerCurrency: converted ? request.currency : undefined,
    redirectUrl: request.paymentType === 'DEPOSIT' ? checkoutUrl : undefined,
    errorCode: payment.errorCode,
    errorMessage: payment.errorMessage,
    externalId: completed ? `ext-${payment.id.slice(0, 12)}` : undefined,
    externalResultCode: completed ? '00' : undefined,
    customer: request.customer,
    billingAddress: request.billingAddress,
    startRecurring: request.startRecurring,
    preAuth: request.preAuth,
    recurringToken: request.recurringToken,
    shopName: 'Simulated shop',
    terminalName: 'Simulated terminal',
    additionalParameters: request.additionalParameters,
    externalRefs: payment.externalRefs,
  };
}

export function operationObject({ id, operation, at, paymentState }: Operation) {
  return {
    id,
    operation,
    started: utc(at),
    completed: utc(at),
    paymentState,
    outgoingMessages: [],
    incomingMessages: [],
  };
}

export function chargebackObject(payment: Payment, now: Date) {
  const { id, description, created, state } = payment.chargeback ?? {};
  return { id, paymentId: payment.id, description, created: created ?? utc(now), state: state ?? 'OPEN' };
}

/** What the shop's withdrawal account holds in each currency before the first withdrawal. */
const WITHDRAWAL_FLOAT = decimal('1000000');

export interface CurrencyBalance {
  currency: string;
  /** Completed deposits less completed refunds. */
  received: Decimal;
  /** The float less completed withdrawals. */
  withdrawable: Decimal;
}

/** One per currency of the payments there are. */
export function balancesOf(payments: readonly Payment[]): CurrencyBalance[] {
  const balances = new Map<string, CurrencyBalance>();
  for (const { currency, amount, request, state } of payments) {
    const balance = balances.get(currency) ?? {
      currency,
      received: decimal('0'),
      withdrawable: WITHDRAWAL_FLOAT,
    };
    balances.set(currency, balance);
    if (state !== 'COMPLETED') continue;
    if (request.paymentType === 'DEPOSIT') balance.received = balance.received.plus(amount);
    if (request.paymentType === 'REFUND') balance.received = balance.received.minus(amount);
    if (request.paymentType === 'WITHDRAWAL') balance.withdrawable = balance.withdrawable.minus(amount);
  }
  return [...balances.values()];
}

/** `YYYY-MM-DDTHH:MM:SS` without a zone: paytech means UTC. */
function utc(time: Date): string {
  return time.toISOString().slice(0, 19);
}

function cardDetails({ number, brand }: TestCard) {
  const digits = number.replaceAll(' ', '');
  return {
    customerAccountNumber: `${digits.slice(0, 6)}******${digits.slice(-4)}`,
    cardholderName: 'TEST CUSTOMER',
    cardExpiryMonth: '12',
    cardExpiryYear: '2030',
    cardBrand: brand,
    cardBank: 'Simulated bank',
    cardIssuingCountryCode: 'GB',
    cardIssuingOrganization: 'Simulated bank',
  };
}
