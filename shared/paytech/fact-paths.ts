import type { FactName } from '../payment/facts.ts';

/** A member of paytech's payment object, or a member of one. */
export type Path = readonly [member: string, inner?: string];

/** Where paytech's payment object has each fact. Source: paytech, "Payment object". */
export const PATHS: Record<FactName, Path> = {
  paymentMethod: ['paymentMethod'],
  account: ['paymentMethodDetails', 'customerAccountNumber'],
  cardBrand: ['paymentMethodDetails', 'cardBrand'],
  cardToken: ['paymentMethodDetails', 'cardToken'],
  country: ['paymentMethodDetails', 'cardIssuingCountryCode'],
  externalId: ['externalId'],
  externalResultCode: ['externalResultCode'],
  externalFeeAmount: ['externalFeeAmount'],
  externalFeeCurrency: ['externalFeeCurrency'],
  externalRefs: ['externalRefs'],
  errorCode: ['errorCode'],
  gatewayMessage: ['errorMessage'],
};
