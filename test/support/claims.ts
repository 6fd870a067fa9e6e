import { type Claim, type ClaimedRequest, LEASE_MS } from '../../shared/payment/claim.ts';
import { decimal } from '../../shared/payment/money.ts';

/** A claim whose call was sent then. */
export const SENT_AT = Date.UTC(2026, 2, 1, 10);

export const LEASE_ENDS = SENT_AT + LEASE_MS;

export const request: ClaimedRequest = {
  amount: decimal('11.12'),
  currency: 'EUR',
  paymentMethod: 'BASIC_CARD',
  preAuth: false,
};

export const claim = (overrides: Partial<Claim> = {}): Claim => ({
  kind: 'deposit',
  referenceId: 'order-1',
  attempt: 3,
  stage: 'sent',
  owner: 'another request',
  leaseUntil: LEASE_ENDS,
  sentAt: SENT_AT,
  request,
  earlierPaymentIds: [],
  revision: 7,
  ...overrides,
});
