import type { DynamoDBClientConfig } from '@aws-sdk/client-dynamodb';

/*
 * How long AWS is waited for. A call that nobody answers ends in time for the function to do something about it,
 * and not with the function's own time limit: the shortest is 10 s (infra/stack/functions.ts).
 */

/** For one attempt at a call of AWS, in milliseconds. AWS itself answers within some tens. */
export const ATTEMPT_LIMIT_MS = 2_000;

export const MAX_ATTEMPTS = 3;

/**
 * Without `info` and `error`, which the SDK would give a copy of each call's whole input and output: by default to a
 * logger that drops it.
 */
const warningsOnly = {
  trace: () => {},
  debug: () => {},
  warn: (...content: unknown[]) => console.warn(...content),
};

/**
 * What every SDK client of a deployed function is made with: all attempts of a call are over after some 6 seconds.
 * By itself the SDK waits without end for an answer, and takes `requestTimeout` for a reason to log a warning.
 * Source: AWS SDK for JavaScript v3, NodeHttpHandlerOptions.
 */
export const withinLimits = {
  maxAttempts: MAX_ATTEMPTS,
  retryMode: 'standard',
  logger: warningsOnly as NonNullable<DynamoDBClientConfig['logger']>,
  requestHandler: {
    connectionTimeout: 1_000,
    // Until the answer begins.
    requestTimeout: ATTEMPT_LIMIT_MS,
    throwOnRequestTimeout: true,
    // Between two parts of it.
    socketTimeout: ATTEMPT_LIMIT_MS,
  },
} as const;
