/** The rules of paytech's sandbox: which cards and amounts succeed. A pure table and two functions. */

import { type Decimal, decimal } from '../../../shared/payment/money.ts';
import type { CreateRequest } from './create-request.ts';

export interface TestCard {
  number: string;
  brand: 'VISA' | 'MASTERCARD';
  threeDSecure: boolean;
  accepted: boolean;
}

export const TEST_CARDS: readonly TestCard[] = [
  { number: '4000 0000 0000 0002', brand: 'VISA', threeDSecure: true, accepted: true },
  { number: '4242 4242 4242 4242', brand: 'VISA', threeDSecure: true, accepted: false },
  { number: '4000 0000 0000 0408', brand: 'VISA', threeDSecure: false, accepted: true },
  { number: '4000 0000 0000 0416', brand: 'VISA', threeDSecure: false, accepted: false },
  { number: '5555 0000 0000 0008', brand: 'MASTERCARD', threeDSecure: true, accepted: true },
  { number: '5555 0000 0000 0438', brand: 'MASTERCARD', threeDSecure: true, accepted: false },
  { number: '5555 0000 0000 0107', brand: 'MASTERCARD', threeDSecure: false, accepted: true },
  { number: '5555 0000 0000 0115', brand: 'MASTERCARD', threeDSecure: false, accepted: false },
];

export interface Outcome {
  state: string;
  errorCode?: string | undefined;
  errorMessage?: string | undefined;
  /** What the provider said, or the merchant who rejected it. */
  externalResultCode?: string | undefined;
}

export const DECLINED_BY_ISSUER: Outcome = {
  state: 'DECLINED',
  errorCode: '4.02',
  errorMessage: 'Do not honor',
};
export const FAILED_3D_SECURE: Outcome = {
  state: 'DECLINED',
  errorCode: '5.00',
  errorMessage: '3-D Secure authentication failed',
};
export const CANCELLED_BY_CUSTOMER: Outcome = {
  state: 'CANCELLED',
  errorCode: '2.00',
  errorMessage: 'Cancelled by customer',
};
/** Source: paytech: abandoned checkouts end CANCELLED with 1.04. */
export const TIMED_OUT: Outcome = {
  state: 'CANCELLED',
  errorCode: '1.04',
  errorMessage: 'Payment timed out',
};
/** Whether paytech repeats the token is undocumented. */
export function tokenNotFound({
  recurringToken,
  card,
}: Pick<CreateRequest, 'recurringToken' | 'card'>): Outcome {
  const token = recurringToken ?? card?.cardToken ?? '';
  return { state: 'DECLINED', errorCode: '1.06', errorMessage: `Token ${token} not found` };
}
export const REJECTED_BY_MERCHANT: Outcome = {
  state: 'CANCELLED',
  errorCode: '8.00',
  errorMessage: 'Rejected by merchant',
};
const BEYOND_LIMIT: Outcome = {
  state: 'DECLINED',
  errorCode: '3.28',
  errorMessage: 'Amount exceeds the limit of the provider',
};

const DEPOSITS_BELOW = decimal('10000000');
const PAYOUTS_UP_TO = decimal('10000');

/** The test card with this number, written with or without spaces. */
export function findTestCard(number: string): TestCard | undefined {
  const digits = number.replaceAll(' ', '');
  return TEST_CARDS.find((card) => card.number.replaceAll(' ', '') === digits);
}

/**
 * What becomes of a deposit that is paid by this card, its 3-D Secure step passed. A recurring charge has none where
 * its first payment was driven without.
 */
export function cardOutcome(card: TestCard | undefined, amount: Decimal, preAuth: boolean): Outcome {
  if (card && !card.accepted) return DECLINED_BY_ISSUER;
  if (amount.gte(DEPOSITS_BELOW)) return BEYOND_LIMIT;
  return { state: preAuth ? 'AUTHORIZED' : 'COMPLETED' };
}

/** What becomes of a withdrawal or refund. */
export function payoutOutcome(amount: Decimal): Outcome {
  return amount.lte(PAYOUTS_UP_TO) ? { state: 'COMPLETED' } : BEYOND_LIMIT;
}
