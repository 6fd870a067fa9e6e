/** A payment as paytech writes it when it leaves out nothing: in answers and webhooks alike, and as the list has it. */
import { decimal } from '../../../shared/payment/money.ts';
import { sameMoney } from '../../../shared/payment/state.ts';
import { isUnattended } from './charges.ts';
import type { CreateRequest } from './create-request.ts';
import type { Payment } from './payment.ts';
import { cardTokenOf } from './saved-cards.ts';

export type PaymentObject = ReturnType<typeof paymentObject>;

const FEE = decimal('0.25');

/** What answers and webhooks do not say of a customer. */
const UNTOLD: readonly string[] = [
  'accountNumber',
  'depositsAmount',
  'withdrawalsAmount',
  'depositsCnt',
  'withdrawalsCnt',
];

/** Fields that are undefined are absent from the JSON. No card number ever leaves: only the masked one. */
export function paymentObject(payment: Payment, checkoutUrl: string) {
  const { request, amount } = payment;
  const asked = request.amount && { amount: request.amount, currency: request.currency };
  const converted = asked && amount && !sameMoney({ amount, currency: payment.currency }, asked);
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
    paymentMethodDetails: payment.card && cardDetails(payment),
    amount,
    currency: payment.currency,
    customerAmount: converted ? asked.amount : undefined,
    customerCurrency: converted ? asked.currency : undefined,
    redirectUrl: request.paymentType === 'DEPOSIT' && !isUnattended(payment) ? checkoutUrl : undefined,
    errorCode: payment.errorCode,
    errorMessage: payment.errorMessage,
    externalId: completed ? `ext-${payment.id.slice(0, 12)}` : undefined,
    externalResultCode: payment.externalResultCode ?? (completed ? '00' : undefined),
    customer: request.customer && without(request.customer, UNTOLD),
    billingAddress: request.billingAddress,
    startRecurring: request.startRecurring,
    preAuth: request.preAuth,
    recurringToken: payment.recurringToken ?? request.recurringToken,
    shopName: 'Simulated shop',
    terminalName: 'Simulated terminal',
    externalFeeAmount: completed ? FEE : undefined,
    externalFeeCurrency: completed ? payment.currency : undefined,
    additionalParameters: request.additionalParameters,
    externalRefs: payment.externalRefs,
  };
}

/** The list is leaner, and shows the customer's account in clear. */
export function listItem(payment: Payment, object: PaymentObject): Partial<PaymentObject> {
  const { externalId: _, externalRefs: __, additionalParameters: ___, redirectUrl: ____, ...item } = object;
  const accountNumber = payment.request.customer?.accountNumber;
  return accountNumber === undefined ? item : { ...item, customer: { ...item.customer, accountNumber } };
}

/** `YYYY-MM-DDTHH:MM:SS` without a zone: paytech means UTC. */
export function utc(time: Date): string {
  return time.toISOString().slice(0, 19);
}

function cardDetails(payment: Payment) {
  const { number, brand } = payment.card!;
  const digits = number.replaceAll(' ', '');
  return {
    customerAccountNumber: `${digits.slice(0, 6)}******${digits.slice(-4)}`,
    cardToken: cardTokenOf(payment),
    ...CARD_HOLDER,
    cardBrand: brand,
    cardBank: 'Simulated bank',
    cardIssuingCountryCode: 'GB',
    cardIssuingOrganization: 'Simulated bank',
  };
}

/** Of every test card. */
export const CARD_HOLDER = {
  cardholderName: 'TEST CUSTOMER',
  cardExpiryMonth: '12',
  cardExpiryYear: '2030',
};

function without(
  customer: NonNullable<CreateRequest['customer']>,
  names: readonly string[],
): NonNullable<CreateRequest['customer']> {
  return Object.fromEntries(Object.entries(customer).filter(([name]) => !names.includes(name)));
}
