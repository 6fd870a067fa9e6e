export const RETRY_HINTS = ['retry', 'retry-with-other-method', 'do-not-retry'] as const;

/** What a customer may be told of a failed payment, and whether trying again can help. */
export interface CustomerMessage {
  message: string;
  /** `retry`: as it was; `retry-with-other-method`: another method or card; `do-not-retry`: not before asking. */
  retry: (typeof RETRY_HINTS)[number];
}

const GENERIC: CustomerMessage = {
  message: 'The payment was not completed. Please try again or use another payment method.',
  retry: 'retry-with-other-method',
};

/**
 * paytech's payment-level error codes, by the longest matching prefix. Anti-fraud detail (6.xx, 7.xx) must
 * never reach a customer, so those say no more than a generic refusal.
 * Source: paytech, "Error codes".
 */
const MESSAGES: [prefix: string, message: CustomerMessage][] = [
  ['1.04', { message: 'The payment was not completed in time. Please try again.', retry: 'retry' }],
  [
    '1.08',
    { message: 'This amount cannot be paid with this payment method.', retry: 'retry-with-other-method' },
  ],
  [
    '1.09',
    { message: 'This currency cannot be paid with this payment method.', retry: 'retry-with-other-method' },
  ],
  ['2.', { message: 'The payment was cancelled.', retry: 'retry' }],
  [
    '3.16',
    {
      message: 'This payment seems to have been made already. Please check before you pay again.',
      retry: 'do-not-retry',
    },
  ],
  [
    '3.27',
    { message: 'This amount cannot be paid with this payment method.', retry: 'retry-with-other-method' },
  ],
  [
    '3.28',
    { message: 'This amount cannot be paid with this payment method.', retry: 'retry-with-other-method' },
  ],
  [
    '4.01',
    {
      message: 'There are not enough funds. Please use another payment method.',
      retry: 'retry-with-other-method',
    },
  ],
  [
    '4.',
    {
      message: 'The bank declined the payment. Please contact your bank or use another payment method.',
      retry: 'retry-with-other-method',
    },
  ],
  ['5.', { message: 'The payment could not be authenticated. Please try again.', retry: 'retry' }],
  ['8.00', { message: 'The merchant did not accept the payment.', retry: 'do-not-retry' }],
];

/** The customer-safe message for one of paytech's error codes. */
export function customerMessage(errorCode: string): CustomerMessage {
  return MESSAGES.find(([prefix]) => errorCode.startsWith(prefix))?.[1] ?? GENERIC;
}

/** The code as a customer may see it: those of anti-fraud, and any unknown one, are withheld with their detail. */
export function customerErrorCode(errorCode: string): string | undefined {
  return /^[1-58]\.\d{2}$/.test(errorCode) ? errorCode : undefined;
}
