/** The one made-up AWS account in which everything on this machine lives. */
export const REGION = 'us-east-1';
export const ACCOUNT = '000000000000';
export const CREDENTIALS = { accessKeyId: 'local', secretAccessKey: 'local' };

/** What an AWS SDK client needs to talk to an embedded part, whatever the machine's own configuration says. */
export const clientFor = (endpoint: string) => ({
  endpoint,
  region: REGION,
  credentials: CREDENTIALS,
  useFipsEndpoint: false,
  useDualstackEndpoint: false,
});

/** What the secrets of the stack hold here. */
export const LOCAL_KEYS = {
  apiKey: 'local-api-key',
  signingKey: 'local-signing-key',
  orderTokenKey: 'local-order-key-local-order-key-32',
  fingerprintKey: 'local-fingerprint-key-local-fingerprint-key',
  originKey: 'local-origin-key-local-origin-key',
} as const;

/** What is unique to a stack on AWS, and part of the path of its payments' webhooks. */
export const LOCAL_STACK = 'local-stack';

/** The simulator's webhooks are here at once or not at all. */
export const LOCAL_GRACE_SECONDS = 5;
