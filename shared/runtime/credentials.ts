import { env } from './config.ts';

/** The credentials of a function, which Lambda puts into its environment. */
export async function lambdaCredentials() {
  return {
    accessKeyId: env('AWS_ACCESS_KEY_ID'),
    secretAccessKey: env('AWS_SECRET_ACCESS_KEY'),
    ...(process.env.AWS_SESSION_TOKEN && { sessionToken: process.env.AWS_SESSION_TOKEN }),
  };
}

/**
 * Stands in the bundles for that of `@aws-sdk/credential-provider-node` (infra/stack/bundle.ts), which can also read
 * files, sign in and ask servers: nothing that a Lambda has, and a tenth of what a cold start reads.
 */
export const defaultProvider = () => lambdaCredentials;
