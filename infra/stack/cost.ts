/**
 * What a million payments cost on AWS, part by part: how often each part is used by one payment, times its price. The
 * table is in docs/scale.md; tests hold the uses against what is counted.
 */

/** Requests and units that one payment takes which is created, looked at twice, paid within seconds and announced. */
export const USES = {
  /** Its creation, two looks and one webhook. */
  apiRequests: 4,
  /** create-payment, get-payment twice, receive-webhook, and apply-payment-event with a batch of one. */
  invocations: 5,
  /** Waited for paytech, in create-payment and in one of the looks: 0.3 s each, an assumption. */
  paytechSeconds: 0.6,
  /** Waited for AWS: twelve requests of 5 ms. */
  awsSeconds: 0.06,
  /** Of one whole processor, in all five invocations; measured by `npm run bench -- cost`, rounded up. */
  processorSeconds: 0.03,
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
  /** Lambda's own two lines and ours, in each invocation, and API Gateway's of each request. */
  logKilobytes: 4.5,
} as const;

/**
 * Common lives of a redirect payment, without looks but where one is named: write units, of the table and its index, until
 * it is confirmed, and how large claim and record are then, in bytes.
 */
export const LIVES = {
  'paid at once': { writeUnits: 9, bytes: [385, 734] },
  'paid after a look that finds it PENDING': { writeUnits: 12, bytes: [385, 897] },
  'paid, by a redirectUrl of 400 characters': { writeUnits: 9, bytes: [385, 734] },
  'held, then captured elsewhere': { writeUnits: 15, bytes: [385, 1059] },
  declined: { writeUnits: 6, bytes: [385, 787] },
  abandoned: { writeUnits: 6, bytes: [385, 789] },
} as const satisfies Record<string, { writeUnits: number; bytes: readonly [number, number] }>;
export type Life = keyof typeof LIVES;

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
  /** A month; the table's and that of its continuous backups (PITR). */
  storedGigabyte: 0.25,
  backedUpGigabyte: 0.2,
} as const;

const PAYMENTS = 1_000_000;
const KILOBYTES_PER_GIGABYTE = 1e6;
const BYTES_PER_GIGABYTE = 1e9;
const MONTHS = 12;
/** What DynamoDB adds to each. Source: DynamoDB's developer guide, "Estimating item sizes". */
const BYTES_PER_ITEM = 100;

/**
 * A function of so many MB has a whole processor, one with less its share of it. Source: AWS Lambda, "Configure Lambda
 * function memory".
 */
const MEGABYTES_PER_PROCESSOR = 1_769;

/** What the five invocations of a payment are charged for, with functions of so many MB. */
export function gigabyteSeconds(megabytes: number): number {
  const { paytechSeconds, awsSeconds, processorSeconds } = USES;
  const share = Math.min(1, megabytes / MEGABYTES_PER_PROCESSOR);
  return (paytechSeconds + awsSeconds + processorSeconds / share) * (megabytes / 1_024);
}

interface Cost {
  part: string;
  uses: string;
  dollars: number;
}

/** Dollars per million payments with functions of so many MB, the dearest first. */
export function costs(megabytes = 1_024): Cost[] {
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
    uses: `${Number(uses.toFixed(2))} ${unit}`,
    dollars: PAYMENTS * uses * price,
  });
  const bytes = LIVES['paid at once'].bytes.reduce((sum, each) => sum + each + BYTES_PER_ITEM, 0);
  const stored = (name: string, price: number) =>
    part(name, bytes, `bytes, ${MONTHS} months`, (price * MONTHS) / BYTES_PER_GIGABYTE);
  return [
    part('API Gateway', USES.apiRequests, 'requests', PRICES.apiRequest),
    part('Lambda, time', gigabyteSeconds(megabytes), 'GB-seconds', PRICES.gigabyteSecond),
    part('Lambda, requests', USES.invocations, 'invocations', PRICES.invocation),
    part('DynamoDB, writes', writes, 'write units', PRICES.writeUnit),
    part('DynamoDB, reads', reads, 'read units', PRICES.readUnit),
    stored('DynamoDB, storage', PRICES.storedGigabyte),
    stored('DynamoDB, backups', PRICES.backedUpGigabyte),
    part('SQS', USES.queueRequests, 'requests', PRICES.queueRequest),
    part('SNS', USES.publications, 'publication', PRICES.publication),
    part('CloudWatch Logs', USES.logKilobytes, 'KB', PRICES.logGigabyte / KILOBYTES_PER_GIGABYTE),
  ].sort((a, b) => b.dollars - a.dollars);
}

/** Dollars per million payments in all. */
export function totalCost(megabytes?: number): number {
  return costs(megabytes).reduce((sum, { dollars }) => sum + dollars, 0);
}

/** The rows of the table in docs/scale.md. */
export function costRows(): string[] {
  return [
    ...costs().map(({ part, uses, dollars }) => `| ${part} | ${uses} | ${dollars.toFixed(2)} |`),
    `| together | | ${totalCost().toFixed(2)} |`,
    `| the same with functions of 512 MB | | ${totalCost(512).toFixed(2)} |`,
  ];
}

/** The rows of the table of lives there. */
export function lifeRows(): string[] {
  return Object.entries(LIVES).map(
    ([life, { writeUnits, bytes }]) => `| ${life} | ${writeUnits} | ${bytes.join(', ')} |`,
  );
}
