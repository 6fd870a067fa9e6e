/** The one made-up AWS account in which everything on this machine lives. */
export const REGION = 'us-east-1';
export const ACCOUNT = '000000000000';
export const CREDENTIALS = { accessKeyId: 'local', secretAccessKey: 'local' };

/** What an AWS SDK client needs to talk to an embedded part. */
export const clientFor = (endpoint: string) => ({ endpoint, region: REGION, credentials: CREDENTIALS });
