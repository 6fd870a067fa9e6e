/*
 * How long an answer of paytech is waited for, in milliseconds, by who waits. A call that may move money has
 * CALL_LIMIT_MS of shared/payment/claim.ts; reconcile has limits of its own.
 */

/** A question before or behind a call that takes all its time, within one request of a caller. */
export const SHORT_ASK_LIMIT_MS = 2_500;

/** A question of the queue's consumer, or of a person who waits for nothing else. */
export const ASK_LIMIT_MS = 5_000;

/** What a person asks to see: lists, balances, audit trails. */
export const READ_LIMIT_MS = 10_000;
