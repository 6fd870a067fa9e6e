/**
 * The settings of the service: what `cdk.json` holds under `context.paytech`, or another stack gives to
 * `PaytechPayments`. Everything else is decided in the code.
 */
import { z } from 'zod';
import { type FunctionName, type PlainSettings, SETTINGS_OF } from '../../shared/runtime/settings.ts';
import { reconcileSettings } from './reconcile-settings.ts';
import type { Settings, SettingsInput } from './settings-types.ts';
import { MAX_SUBSCRIBER_ACCOUNTS, subscriber } from './subscriber-settings.ts';

/** The functions of the service; each is a folder in `functions/` and a Lambda in the stack. */
export const functionNames = Object.keys(SETTINGS_OF) as FunctionName[];

const paytechHosts = {
  sandbox: 'https://engine-sandbox.pay.tech',
  production: 'https://engine.pay.tech',
} as const;

/** An origin as a browser sends it: scheme, host, port, nothing else. Plain http only on the own machine. */
const origin = z.string().refine(isOrigin, {
  error:
    'must be an exact origin such as https://shop.example: https (http only for localhost), no path, no *',
});

const paytechUrl = z.string().refine((text) => URL.canParse(text) && /^https?:\/\/[^/?#]+$/.test(text), {
  error: 'must be http(s)://host[:port] without a path or a slash at the end',
});

const hostName = z.string().regex(/^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}$/, {
  error: 'must be a name such as pay.shop.example',
});

/** Of the API. */
const domain = z.strictObject({
  name: hostName,
  certificateArn: z
    .string()
    .regex(
      /^arn:[a-z-]+:acm:[a-z0-9-]+:\d{12}:certificate\/[\w-]+$/,
      'must be the ARN of an ACM certificate',
    ),
  hostedZone: z
    .strictObject({ id: z.string().regex(/^Z[A-Z0-9]+$/, 'must be the id of a hosted zone'), name: hostName })
    .optional(),
});

const kmsKey = z
  .string()
  .regex(/^arn:[a-z-]+:kms:[a-z0-9-]+:\d{12}:key\/[\w-]+$/, 'must be the ARN of a KMS key, not of an alias');

const throttle = z.strictObject({ rate: z.int().min(1), burst: z.int().min(1) });

// At least 2, because the event source of a queue cannot be limited to fewer (see functions.ts).
const reserve = z.int().min(2).max(1000);

/**
 * The policy of a queue has at most 8,192 bytes; the service's own roles and the rest of it take up to 1,700:
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-policies.html
 */
const MAX_ROLES_TEXT = 6_000;

/** Those that make payments or act on them, which may be stopped. */
const STOPPABLE: readonly string[] = ['create-payment', 'execute-payment', 'operations'];

// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
/** The functions take up to 90 MB, and with less than this they start for seconds. */
const MIN_MEMORY = 256;

const logRetentionDays = z.literal([
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
]);

/** The name of one of the merchant's additionalParameters. */
const parameterName = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9_.-]{0,63}$/, 'must be a letter and up to 63 letters, digits, _ . or -');

/** Each setting's description is its entry in docs/settings.md, which `npm run settings` writes, as it does the types. */
const schema: z.ZodType<Settings, SettingsInput> = z
  .strictObject({
    stage: z
      .enum(['sandbox', 'production'])
      .describe(
        "Chooses paytech's host, and is part of the stack's name. `npx cdk deploy -c stage=production` chooses it for one call.",
      ),
    name: z
      .string()
      .max(40)
      .regex(/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/, 'must be lower-case words joined by hyphens, such as shop-nl')
      .default('paytech-payments')
      .describe(
        'Of the shop, for a second one in the account: the stack is called `<name>-<stage>`, and events and order tokens name `urn:<name>:<stage>`. Another name makes another stack.',
      ),
    paytechUrl: paytechUrl
      .optional()
      .describe(
        "Another host in paytech's place: of another brand of its platform, or in the sandbox of a simulator. In production https, and not that of the sandbox.",
      ),
    allowedOrigins: z
      .array(origin)
      .default([])
      .describe(
        'Storefronts whose browsers may call the API, and to which a customer may be sent back (`returnUrl`).',
      ),
    domain: domain
      .optional()
      .describe(
        'A domain of yours as the name of the API: `certificateArn` is its certificate, in the same Region, and with `hostedZone`, its `id` and `name`, the stack makes the record; else make one that leads to the output `DomainTarget`.',
      ),
    publicUrl: origin
      .optional()
      .describe(
        "Where browsers and paytech reach the API, if that is neither `domain` nor the API's own endpoint: a CDN in front, or a domain that another stack maps to it.",
      ),
    cloudFront: z
      .enum(['off', 'accepted', 'required'])
      .default('off')
      .describe(
        "Whether CloudFront is in front of the API. `required`: browsers call `POST` and `PATCH` through it only, and the customer's address is the one that it tells; goes with `publicUrl`. `accepted`: calls that come to the API directly are still taken, while you change over. See [CloudFront and WAF](../SECURITY.md#cloudfront-and-waf-in-front).",
      ),
    defaultEndpoint: z
      .enum(['on', 'off'])
      .default('on')
      .describe(
        '`off`: the API answers under `domain`, or one that another stack maps to it, and no longer at its own endpoint. Signed calls go to the domain then, too.',
      ),
    orderTokens: z
      .enum(['required', 'off'])
      .default('required')
      .describe(
        "`required`: a browser calls `POST /payments` with an order token, which the merchant's server signs and which holds the price. `off`: the body holds it, and `createPaymentAuth` says who may call.",
      ),
    createPaymentAuth: z
      .enum(['iam', 'none'])
      .default('iam')
      .describe(
        'Who may call `POST /payments` with order tokens off. `iam`: callers with AWS credentials. `none`: anyone, for demos; sandbox only.',
      ),
    hostToHost: z
      .boolean()
      .default(false)
      .describe('Whether there is `PATCH /payments/{id}`, which executes a deposit without the redirect.'),
    openAmounts: z
      .boolean()
      .default(false)
      .describe(
        'Whether an order token, or an IAM-signed `POST /payments`, may leave out the amount, so that the customer chooses it at paytech: for wallets that are topped up, and donations.',
      ),
    eventParameters: z
      .array(parameterName)
      .max(20)
      .default([])
      .describe(
        'Names of `additionalParameters` that are kept with the payment, together at most 1 KB, and are in its events and in what the back office sees. Others go to paytech and are not kept. Name none that holds customer data.',
      ),
    throttle: throttle
      .default({ rate: 200, burst: 400 })
      .describe(
        'Limits of `POST /payments`, and of `GET /payments/{id}`: requests per second, and how many at once beyond that.',
      ),
    webhookThrottle: throttle
      .default({ rate: 500, burst: 1000 })
      .describe(
        "Of each of the two webhook routes, since paytech's deliveries come in bursts, and of `PATCH /payments/{id}`.",
      ),
    operationsThrottle: throttle
      .default({ rate: 50, burst: 100 })
      .describe('Of each route of the back office: whoever has its key by mistake or theft is slowed down.'),
    subscribers: z
      .array(subscriber)
      .min(1)
      .refine((list) => new Set(list.map(({ name }) => name)).size === list.length, 'names must differ')
      .default([{ name: 'payment-events' }])
      .describe(
        'Downstream systems: each gets a queue of payment events, which the name becomes part of, and with `filter` only those that match. Another stack [subscribes by itself](subscribers.md).',
      ),
    subscriberAccounts: z
      .array(z.string().regex(/^\d{12}$/, 'must be an account id of twelve digits'))
      .max(MAX_SUBSCRIBER_ACCOUNTS, 'are more than fit into a topic policy')
      .default([])
      .describe('Other AWS accounts that may subscribe queues of their own.'),
    existingTable: z
      .string()
      .regex(/^[\w.-]{3,255}$/, 'must be the name of a DynamoDB table')
      .optional()
      .describe(
        'A table that is there already, restored from a backup or kept by a stack that was removed, in the place of one of the stack: see [the runbook](runbook.md#restore).',
      ),
    tableWriteLimit: z
      .int()
      .min(100)
      .max(40_000)
      .optional()
      .describe(
        'How many write units a second the table, and its index, are to take at most, so that neither a mistake nor an attack costs much more: a [target](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/on-demand-capacity-mode-max-throughput.html), which a burst may exceed for a moment. What is beyond is answered 5xx or waits in the queue. Left out: what the account allows. A payment takes [six of the table and four of the index](scale.md). A table of `existingTable` keeps what it has.',
      ),
    dataKeyArn: kmsKey
      .optional()
      .describe(
        "A KMS key of yours for the table, the secrets and the logs; else AWS's own. Its key policy must leave permissions to IAM and [let CloudWatch Logs use it](../SECURITY.md#keys).",
      ),
    topicKeyArn: kmsKey
      .optional()
      .describe(
        "A KMS key of yours for the topic of payment events; else AWS's own, `alias/aws/sns`. Its key policy must leave permissions to IAM, as the default one does.",
      ),
    webhookBatchSize: z
      .int()
      .min(1)
      .max(100)
      .default(10)
      .describe('Webhooks per call of `apply-payment-event`; over 10 they are gathered for a second.'),
    webhookConcurrency: reserve
      .default(20)
      .describe(
        'How many calls of `apply-payment-event` work on webhooks at once at most, so that a backlog leaves room for customers.',
      ),
    ...reconcileSettings,
    confirmWebhooks: z
      .boolean()
      .default(true)
      .describe(
        "Whether what a webhook says of money (AUTHORIZED, COMPLETED) is compared with paytech's API some minutes later, so that a leaked signing key cannot complete a payment unnoticed.",
      ),
    paymentRetentionDays: z
      .int()
      .min(1)
      .max(3650)
      .optional()
      .describe(
        'How many days a payment is kept once it is final, at least `sweepCreatedDays`; left out: for good. Its claim stays, so that its referenceId is never used for a second payment. [What is kept](../SECURITY.md#kept) says why.',
      ),
    captureWithinHours: z
      .int()
      .min(1)
      .max(720)
      .default(72)
      .describe(
        'After how long an AUTHORIZED deposit alarms: card holds lapse after some days, mostly seven.',
      ),
    approveWithinHours: z
      .int()
      .min(1)
      .max(720)
      .default(24)
      .describe('After how long a withdrawal in AWAITING_APPROVAL alarms.'),
    operatorRoles: z
      .array(
        z
          .string()
          .regex(
            /^arn:[a-z-]+:iam::\d{12}:role\/[\w+=,.@/*-]+$/,
            'must be the ARN of an IAM role; * stands for any text',
          ),
      )
      .refine((roles) => JSON.stringify(roles).length <= MAX_ROLES_TEXT, {
        error: 'are more than fit into the policy of a queue',
      })
      .default([])
      .describe(
        'IAM roles of people who use `paytech-ops`. If any is named, only they and the service may send to the webhook queue; otherwise whoever IAM allows.',
      ),
    reservedConcurrency: z
      .partialRecord(z.enum(functionNames), z.union([z.literal(0), reserve], { error: 'must be 2 to 1000' }))
      .refine((given) => Object.entries(given).every(([name, at]) => at > 0 || STOPPABLE.includes(name)), {
        error: `may be 0 only for ${STOPPABLE.join(', ')}`,
      })
      .default({})
      .describe(
        'Concurrency set aside for, and at most used by, a function. With 0 `create-payment`, `execute-payment` and `operations` are stopped: see [the runbook](runbook.md#restore).',
      ),
    memoryMegabytes: z
      .partialRecord(z.enum(functionNames), z.int().min(MIN_MEMORY).max(10_240))
      .default({})
      .describe(
        'Memory of a function in MB, and in proportion its share of a processor; 1024 for each that is not named. [Performance](performance.md#memory) has what less saves and costs, and how to measure it.',
      ),
    logRetentionDays: logRetentionDays
      .default(30)
      .describe('How long logs are kept, in days: one of the numbers that CloudWatch takes.'),
    savedQueries: z
      .boolean()
      .default(false)
      .describe("Whether the runbook's queries over the logs are saved in the console of CloudWatch."),
    alarmEmails: z
      .array(z.email())
      .default([])
      .describe(
        'Who is mailed when an alarm goes off and when it ends. AWS asks each address once whether it wants that.',
      ),
    alarmTopicArn: z
      .string()
      .regex(/^arn:[a-z-]+:sns:[a-z0-9-]+:\d{12}:[\w-]+$/, 'must be the ARN of an SNS topic')
      .optional()
      .describe(
        "The SNS topic that alarms go to, in the stack's account; else the stack makes one. Its policy must let `cloudwatch.amazonaws.com` publish, and a key of it must do so too, which [AWS's own](https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html#compatibility-with-aws-services), `alias/aws/sns`, does not.",
      ),
  })
  .refine(({ stage, paytechUrl = '' }) => stage !== 'production' || mayBeProduction(paytechUrl), {
    path: ['paytechUrl'],
    error: 'must be https in production, and not the host of the sandbox',
  })
  .refine(({ domain, publicUrl, defaultEndpoint }) => defaultEndpoint === 'on' || (domain ?? publicUrl), {
    path: ['defaultEndpoint'],
    error: 'may be "off" only with a domain, or the publicUrl of one: nobody could reach the API',
  })
  .refine(({ cloudFront, publicUrl }) => cloudFront !== 'required' || publicUrl, {
    path: ['cloudFront'],
    error:
      'may be "required" only with publicUrl, the address of the distribution: browsers are refused at any other',
  })
  .refine(({ stage, createPaymentAuth }) => stage !== 'production' || createPaymentAuth === 'iam', {
    path: ['createPaymentAuth'],
    error: 'may be "none" in the sandbox only: whoever can reach the API could name its own price',
  })
  .refine((given) => (given.paymentRetentionDays ?? Infinity) >= given.sweepCreatedDays, {
    path: ['paymentRetentionDays'],
    error: 'must be at least sweepCreatedDays: reconcile would record anew what was deleted',
  })
  .transform((settings) => ({
    ...settings,
    /** Where paytech is called: `https://host`, no slash at the end. */
    paytechUrl: settings.paytechUrl ?? paytechHosts[settings.stage],
  }));

/** The settings as JSON Schema, for docs/settings.md. */
export function settingsJsonSchema() {
  return z.toJSONSchema(schema, { io: 'input' });
}

/** The CloudEvents `source` of a deployment. */
export function eventSourceOf({ name, stage }: Pick<Settings, 'name' | 'stage'>): string {
  return `urn:${name}:${stage}`;
}

/** What the functions get, each as much as is its own ({@link SETTINGS_OF}). */
export function plainSettings(settings: Settings, webhookUrl: string): PlainSettings {
  return {
    ...settings,
    paymentRetentionDays: settings.paymentRetentionDays ?? null,
    eventSource: eventSourceOf(settings),
    webhookUrl,
  };
}

/** What paytech-ops gets, by an output of the stack. */
export const OPS_SETTINGS = [
  'paytechUrl',
  'eventSource',
  'openShards',
  'webhookGraceSeconds',
  'sweepCreatedDays',
  'captureWithinHours',
  'approveWithinHours',
] as const satisfies readonly (keyof PlainSettings)[];
export type OpsSettings = Pick<PlainSettings, (typeof OPS_SETTINGS)[number]>;

/** Thrown with one line per wrong setting, each naming its path in `cdk.json`. */
export class SettingsError extends Error {
  override name = 'SettingsError';
}

/**
 * Checks settings and fills in the defaults. Settings that were checked already come out the same.
 * @throws SettingsError
 */
export function parseSettings(given: unknown): Settings {
  const result = schema.safeParse(given);
  if (result.success) return result.data;
  const lines = result.error.issues.map(
    ({ path, message }) => `  ${['paytech', ...path].join('.')}: ${message}`,
  );
  throw new SettingsError(`These settings (cdk.json, context) are wrong:\n${lines.join('\n')}`);
}

function mayBeProduction(paytechUrl: string): boolean {
  return paytechUrl === '' || (paytechUrl.startsWith('https://') && paytechUrl !== paytechHosts.sandbox);
}

function isOrigin(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { origin, protocol, hostname } = new URL(text);
  const isLocal = hostname === 'localhost' || hostname === '127.0.0.1';
  return (
    text === origin && !text.includes('*') && (protocol === 'https:' || (protocol === 'http:' && isLocal))
  );
}
