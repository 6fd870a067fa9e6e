/**
 * What a million payments cost on AWS, part by part: how often each part is used by one payment, times its price. The
 * table is in docs/scale.md; a test holds the uses against what is counted.
 */

/** Requests and units that one payment takes which is created, looked at twice, paid within seconds and announced. */
export const USES = {
  /** Its creation, two looks and one webhook. */
  apiRequests: 4,
  /** create-payment, get-payment twice, receive-webhook, and apply-payment-event with a batch of one. */
  invocations: 5,
  /** At 1 GB: a call to paytech of 0.3 s in create-payment and in one of the looks; an assumption, to be measured. */
  gigabyteSeconds: 0.8,
  /** Units of the table and writes of its index, counted; an item of over 1 KB takes a second unit for a write. */
  create: { read: 0, write: 3, index: 1 },
  lookThatAsks: { read: 1, write: 1, index: 0 },
  look: { read: 1, write: 0, index: 0 },
  /** One that does not say of which order it is, so that record and claim are read before. */
  webhook: { read: 2, write: 1, index: 2 },
  /** Compared with paytech's list three times, in batches, and confirmed the first time (`confirmWebhooks`). */
  reconciled: { read: 1.5, write: 1, index: 1 },
  /** Send, receive and delete of the webhook; receive and delete of one subscriber's event. SNS delivers for free. */
  queueRequests: 5,
  publications: 1,
  /** Lambda's own three lines and ours, in each invocation. */
  logKilobytes: 7.5,
} as const;

/**
 * US dollars, us-east-1, November 2026, without free tiers and discounts, to be checked with AWS: aws.amazon.com/pricing/
 * and there lambda, api-gateway, dynamodb, sqs, sns and cloudwatch.
 */
export const PRICES = {
  apiRequest: 1.0 / 1e6,
  invocation: 0.2 / 1e6,
  gigabyteSecond: 0.0000133334,
  writeUnit: 0.625 / 1e6,
  readUnit: 0.125 / 1e6,
  queueRequest: 0.4 / 1e6,
  publication: 0.5 / 1e6,
  logGigabyte: 0.5,
} as const;

const PAYMENTS = 1_000_000;
const KILOBYTES_PER_GIGABYTE = 1e6;

/** Dollars per million payments, the dearest first. */
export function costs(): { part: string; uses: string; dollars: number }[] {
  const steps: { read: number; write: number; index: number }[] = [
    USES.create,
    USES.lookThatAsks,
    USES.look,
    USES.webhook,
    USES.reconciled,
  ];
  const writes = steps.reduce((sum, { write, index }) => sum + write + index, 0);
  const reads = steps.reduce((sum, { read }) => sum + read, 0);
  const part = (name: string, uses: number, unit: string, price: number) => ({
    part: name,
    uses: `${uses} ${unit}`,
    dollars: PAYMENTS * uses * price,
  });
  return [
    part('API Gateway', USES.apiRequests, 'requests', PRICES.apiRequest),
    part('Lambda, time', USES.gigabyteSeconds, 'GB-seconds', PRICES.gigabyteSecond),
    part('Lambda, requests', USES.invocations, 'invocations', PRICES.invocation),
    part('DynamoDB, writes', writes, 'write units', PRICES.writeUnit),
    part('DynamoDB, reads', reads, 'read units', PRICES.readUnit),
    part('SQS', USES.queueRequests, 'requests', PRICES.queueRequest),
    part('SNS', USES.publications, 'publication', PRICES.publication),
    part('CloudWatch Logs', USES.logKilobytes, 'KB', PRICES.logGigabyte / KILOBYTES_PER_GIGABYTE),
  ].sort((a, b) => b.dollars - a.dollars);
}

/** The rows of the table in docs/scale.md. */
export function costRows(): string[] {
  const all = costs();
  const total = all.reduce((sum, { dollars }) => sum + dollars, 0);
  return [
    ...all.map(({ part, uses, dollars }) => `| ${part} | ${uses} | ${dollars.toFixed(2)} |`),
    `| together | | ${total.toFixed(2)} |`,
  ];
}
