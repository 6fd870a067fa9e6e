import { rehearsed } from './deployed-target.ts';
import { isDeployed } from './target.ts';

/**
 * Another DynamoDB than the embedded one, for one test file at a time: that of a rehearsal, or the one at DYNAMODB_URL
 * (npm run test:dynamodb). Undefined: each test file starts an embedded one.
 */
export const givenDynamoDb = isDeployed ? rehearsed().endpoint : process.env.DYNAMODB_URL;
