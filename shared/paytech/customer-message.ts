export const RETRY_HINTS = ['retry', 'retry-with-other-method', 'do-not-retry'] as const;

/** What a customer may see of a failed payment, and whether trying again can help. */
export interface CustomerMessage {
  message: string;
  /**
   * `retry`: the same again, with what `message` names put right; `retry-with-other-method`: another method or card;
   * `do-not-retry`: not before asking.
   */
  retry: (typeof RETRY_HINTS)[number];
}

/** What failed for a reason that is unknown, or not to be shown. */
const GENERIC: CustomerMessage = {
  message: 'The payment was not completed. Please try again or use another payment method.',
  retry: 'retry-with-other-method',
};

const again = (message: string): CustomerMessage => ({ message, retry: 'retry' });
const otherwise = (message: string): CustomerMessage => ({ message, retry: 'retry-with-other-method' });
const notAgain = (message: string): CustomerMessage => ({ message, retry: 'do-not-retry' });

const WRONG_AMOUNT = otherwise('This amount cannot be paid with this payment method.');
const WRONG_CARD_NUMBER = again('The card or account number is not valid. Please check it and try again.');
const WRONG_EMAIL = again('The e-mail address is not valid. Please check it and try again.');
const WRONG_DOCUMENT = again(
  'The identity document was not accepted. Please check its type and number and try again.',
);
const NOT_TAKEN_NOW = otherwise(
  'The payment could not be processed at the moment. Please try again later or use another payment method.',
);
const BANK_DECLINED = otherwise(
  'The bank declined the payment. Please contact your bank or use another payment method.',
);

/**
 * By paytech's payment-level error codes. For what is not listed the group's message is shown, and anti-fraud (6.xx,
 * 7.xx) has none: its detail must never reach a customer, so that those say no more than a generic refusal.
 * Source: paytech, "Error codes", which has a name for each code and nothing on what to do.
 */
const MESSAGES: Readonly<Record<string, CustomerMessage>> = {
  '1.02': NOT_TAKEN_NOW,
  '1.03': NOT_TAKEN_NOW,
  '1.04': again('The payment was not completed in time. Please try again.'),
  '1.08': WRONG_AMOUNT,
  '1.09': otherwise('This currency cannot be paid with this payment method.'),
  '3.03': NOT_TAKEN_NOW,
  '3.04': NOT_TAKEN_NOW,
  '3.12': WRONG_DOCUMENT,
  '3.14': notAgain('This payment is not possible because of an age requirement.'),
  '3.16': notAgain('This payment seems to have been made already. Please check before you pay again.'),
  '3.18': again('The payment was cancelled.'),
  '3.21': again('The phone number is not valid. Please check it and try again.'),
  '3.23': otherwise('This bank is not supported. Please use another bank or payment method.'),
  '3.25': WRONG_DOCUMENT,
  '3.26': WRONG_DOCUMENT,
  '3.27': WRONG_AMOUNT,
  '3.28': WRONG_AMOUNT,
  '3.30': WRONG_EMAIL,
  '3.31': NOT_TAKEN_NOW,
  '4.01': otherwise('There are not enough funds. Please use another payment method.'),
  '4.03': WRONG_CARD_NUMBER,
  '4.04': again('The expiry date of the card is not valid. Please check it and try again.'),
  '4.07': again('The security code of the card is not valid. Please check it and try again.'),
  '4.11': again('The billing address does not match the card. Please check it and try again.'),
  '4.12': WRONG_EMAIL,
  '4.13': WRONG_CARD_NUMBER,
  '4.15': again('The bank asks to try the payment again.'),
  '8.00': notAgain('The merchant did not accept the payment.'),
};

/** By the first digit: who or what declined. */
const GROUPS: Readonly<Record<string, CustomerMessage>> = {
  '2': again('The payment was cancelled.'),
  '4': BANK_DECLINED,
  '5': again('The payment could not be authenticated. Please try again.'),
};

const CODE = /^([1-8])\.\d{2}$/;

/** The customer-safe message for one of paytech's error codes, or for a payment that failed without one. */
export function customerMessage(errorCode: string | undefined): CustomerMessage {
  const group = CODE.exec(errorCode ?? '')?.[1];
  if (errorCode === undefined || group === undefined) return GENERIC;
  return MESSAGES[errorCode] ?? GROUPS[group] ?? GENERIC;
}

/** The code as a customer may see it: those of anti-fraud, and any unknown one, are withheld with their detail. */
export function customerErrorCode(errorCode: string): string | undefined {
  return /^[1-58]\.\d{2}$/.test(errorCode) ? errorCode : undefined;
}
