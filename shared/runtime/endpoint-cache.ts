/**
 * Stands in the bundles for that of `@aws-sdk/endpoint-cache` (infra/stack/bundle.ts). The client of DynamoDB makes one
 * and uses it for the discovery of endpoints alone, which is off: nothing turns it on in a function.
 */
export class EndpointCache {}
