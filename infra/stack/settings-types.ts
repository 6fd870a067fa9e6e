// Made by `npm run settings`, from infra/stack/settings.ts.

/** Settings as they are written; those with a default may be left out. */
export interface SettingsInput {
  /** Chooses paytech's host, and is part of the stack's name. `npx cdk deploy -c stage=production` chooses it for one call. */
  stage: 'sandbox' | 'production';
  /** Of the shop, for a second one in the account: the stack is called `<name>-<stage>`, and events and order tokens name `urn:<name>:<stage>`. Another name makes another stack. Default: `"paytech-payments"`. */
  name?: string | undefined;
  /** Another host in paytech's place: of another brand of its platform, or in the sandbox of a simulator. In production https, and not that of the sandbox. */
  paytechUrl?: string | undefined;
  /** Storefronts whose browsers may call the API, and to which a customer may be sent back (`returnUrl`). Default: `[]`. */
  allowedOrigins?: string[] | undefined;
  /** A domain of yours as the name of the API: `certificateArn` is its certificate, in the same Region, and with `hostedZone`, its `id` and `name`, the stack makes the record; else make one that leads to the output `DomainTarget`. */
  domain?: Domain | undefined;
  /** Where browsers and paytech reach the API, if that is neither `domain` nor the API's own endpoint: a CDN in front, or a domain that another stack maps to it. */
  publicUrl?: string | undefined;
  /** Whether CloudFront is in front of the API. `required`: browsers call `POST` and `PATCH` through it only, and the customer's address is the one that it tells; goes with `publicUrl`. `accepted`: calls that come to the API directly are still taken, while you change over. See CloudFront and WAF. Default: `"off"`. */
  cloudFront?: 'off' | 'accepted' | 'required' | undefined;
  /** `off`: the API answers under `domain`, or one that another stack maps to it, and no longer at its own endpoint. Signed calls go to the domain then, too. Default: `"on"`. */
  defaultEndpoint?: 'on' | 'off' | undefined;
  /** `required`: a browser calls `POST /payments` with an order token, which the merchant's server signs and which holds the price. `off`: the body holds it, and `createPaymentAuth` says who may call. Default: `"required"`. */
  orderTokens?: 'required' | 'off' | undefined;
  /** Who may call `POST /payments` with order tokens off. `iam`: callers with AWS credentials. `none`: anyone, for demos; sandbox only. Default: `"iam"`. */
  createPaymentAuth?: 'iam' | 'none' | undefined;
  /** Whether there is `PATCH /payments/{id}`, which executes a deposit without the redirect. Default: `false`. */
  hostToHost?: boolean | undefined;
  /** Whether an order token, or an IAM-signed `POST /payments`, may leave out the amount, so that the customer chooses it at paytech: for wallets that are topped up, and donations. Default: `false`. */
  openAmounts?: boolean | undefined;
  /** Names of `additionalParameters` that are kept with the payment, together at most 1 KB, and are in its events and in what the back office sees. Others go to paytech and are not kept. Name none that holds customer data. Default: `[]`. */
  eventParameters?: string[] | undefined;
  /** Limits of `POST /payments`, and of `GET /payments/{id}`: requests per second, and how many at once beyond that. Default: `{"rate":200,"burst":400}`. */
  throttle?: Throttle | undefined;
  /** Of each of the two webhook routes, since paytech's deliveries come in bursts, and of `PATCH /payments/{id}`. Default: `{"rate":500,"burst":1000}`. */
  webhookThrottle?: Throttle | undefined;
  /** Of each route of the back office: whoever has its key by mistake or theft is slowed down. Default: `{"rate":50,"burst":100}`. */
  operationsThrottle?: Throttle | undefined;
  /** Downstream systems: each gets a queue of payment events, which the name becomes part of, and with `filter` only those that match. Another stack subscribes by itself. Default: `[{"name":"payment-events"}]`. */
  subscribers?: Subscriber[] | undefined;
  /** Other AWS accounts that may subscribe queues of their own. Default: `[]`. */
  subscriberAccounts?: string[] | undefined;
  /** A table that is there already, restored from a backup or kept by a stack that was removed, in the place of one of the stack: see the runbook. */
  existingTable?: string | undefined;
  /** How many write units a second the table, and its index, are to take at most, so that neither a mistake nor an attack costs much more: a target, which a burst may exceed for a moment. What is beyond is answered 5xx or waits in the queue. Left out: what the account allows. A payment takes six of the table and four of the index. A table of `existingTable` keeps what it has. */
  tableWriteLimit?: number | undefined;
  /** A KMS key of yours for the table, the secrets and the logs; else AWS's own. Its key policy must leave permissions to IAM and let CloudWatch Logs use it. */
  dataKeyArn?: string | undefined;
  /** A KMS key of yours for the topic of payment events; else AWS's own, `alias/aws/sns`. Its key policy must leave permissions to IAM, as the default one does. */
  topicKeyArn?: string | undefined;
  /** Webhooks per call of `apply-payment-event`; over 10 they are gathered for a second. Default: `10`. */
  webhookBatchSize?: number | undefined;
  /** How many calls of `apply-payment-event` work on webhooks at once at most, so that a backlog leaves room for customers. Default: `20`. */
  webhookConcurrency?: number | undefined;
  /** How often `reconcile` looks for changes whose webhook did not arrive. Default: `1`. */
  reconcileMinutes?: number | undefined;
  /** Into how many calls of it `reconcile` divides its work at most, where there is much; a `reservedConcurrency` of it must leave room for as many. Default: `4`. */
  reconcileWorkers?: number | undefined;
  /** How many payments each of them asks paytech about at once: see scale. Default: `16`. */
  reconcileConcurrency?: number | undefined;
  /** How many questions a second `reconcile` asks paytech at most; an answer 429 halves it for a while. Default: `250`. */
  reconcileQuestionsPerSecond?: number | undefined;
  /** In how many partitions the index of what is open is kept: more above 4,000 payments a second, or for more workers than 16. Made fewer again, the others are still looked into. Default: `16`. */
  openShards?: number | undefined;
  /** How long after a change at paytech its webhook may still come; after that, `reconcile` reports the change instead. Default: `120`. */
  webhookGraceSeconds?: number | undefined;
  /** How old a payment may be whose changes `reconcile` finds in paytech's list. Default: `400`. */
  sweepCreatedDays?: number | undefined;
  /** Whether what a webhook says of money (AUTHORIZED, COMPLETED) is compared with paytech's API some minutes later, so that a leaked signing key cannot complete a payment unnoticed. Default: `true`. */
  confirmWebhooks?: boolean | undefined;
  /** How many days a payment is kept once it is final, at least `sweepCreatedDays`; left out: for good. Its claim stays, so that its referenceId is never used for a second payment. What is kept says why. */
  paymentRetentionDays?: number | undefined;
  /** After how long an AUTHORIZED deposit alarms: card holds lapse after some days, mostly seven. Default: `72`. */
  captureWithinHours?: number | undefined;
  /** After how long a withdrawal in AWAITING_APPROVAL alarms. Default: `24`. */
  approveWithinHours?: number | undefined;
  /** IAM roles of people who use `paytech-ops`. If any is named, only they and the service may send to the webhook queue; otherwise whoever IAM allows. Default: `[]`. */
  operatorRoles?: string[] | undefined;
  /** Concurrency set aside for, and at most used by, a function. With 0 `create-payment`, `execute-payment` and `operations` are stopped: see the runbook. Default: `{}`. */
  reservedConcurrency?: Partial<Record<'create-payment' | 'receive-webhook' | 'apply-payment-event' | 'get-payment' | 'execute-payment' | 'operations' | 'reconcile', 0 | number>> | undefined;
  /** Memory of a function in MB, and in proportion its share of a processor; 1024 for each that is not named. Performance has what less saves and costs, and how to measure it. Default: `{}`. */
  memoryMegabytes?: Partial<Record<'create-payment' | 'receive-webhook' | 'apply-payment-event' | 'get-payment' | 'execute-payment' | 'operations' | 'reconcile', number>> | undefined;
  /** How long logs are kept, in days: one of the numbers that CloudWatch takes. Default: `30`. */
  logRetentionDays?: 1 | 3 | 5 | 7 | 14 | 30 | 60 | 90 | 120 | 150 | 180 | 365 | 400 | 545 | 731 | 1096 | 1827 | 2192 | 2557 | 2922 | 3288 | 3653 | undefined;
  /** Whether the runbook's queries over the logs are saved in the console of CloudWatch. Default: `false`. */
  savedQueries?: boolean | undefined;
  /** Who is mailed when an alarm goes off and when it ends. AWS asks each address once whether it wants that. Default: `[]`. */
  alarmEmails?: string[] | undefined;
  /** The SNS topic that alarms go to, in the stack's account; else the stack makes one. Its policy must let `cloudwatch.amazonaws.com` publish, and a key of it must do so too, which AWS's own, `alias/aws/sns`, does not. */
  alarmTopicArn?: string | undefined;
}

/** Requests per second, and how many at once beyond that. */
export interface Throttle {
  rate: number;
  burst: number;
}

/** A domain of the API; its certificate is in the same Region. */
export interface Domain {
  name: string;
  certificateArn: string;
  hostedZone?: {
    id: string;
    name: string;
  } | undefined;
}

/** A downstream system: a queue of payment events of its own. */
export interface Subscriber {
  name: string;
  filter?: EventFilter | undefined;
}

/** Which events a subscriber gets; an attribute that is left out may have any value. */
export interface EventFilter {
  type?: ('paytech.payment.checkout' | 'paytech.payment.pending' | 'paytech.payment.awaiting_approval' | 'paytech.payment.authorized' | 'paytech.payment.completed' | 'paytech.payment.declined' | 'paytech.payment.cancelled' | 'paytech.payment.corrected' | 'paytech.payment.chargeback' | {
    'anything-but': ('paytech.payment.checkout' | 'paytech.payment.pending' | 'paytech.payment.awaiting_approval' | 'paytech.payment.authorized' | 'paytech.payment.completed' | 'paytech.payment.declined' | 'paytech.payment.cancelled' | 'paytech.payment.corrected' | 'paytech.payment.chargeback')[];
  } | {
    exists: boolean;
  })[] | undefined;
  state?: ('CHECKOUT' | 'PENDING' | 'AWAITING_APPROVAL' | 'AUTHORIZED' | 'COMPLETED' | 'DECLINED' | 'CANCELLED' | {
    'anything-but': ('CHECKOUT' | 'PENDING' | 'AWAITING_APPROVAL' | 'AUTHORIZED' | 'COMPLETED' | 'DECLINED' | 'CANCELLED')[];
  } | {
    exists: boolean;
  })[] | undefined;
  paymentType?: ('DEPOSIT' | 'WITHDRAWAL' | 'REFUND' | {
    'anything-but': ('DEPOSIT' | 'WITHDRAWAL' | 'REFUND')[];
  } | {
    exists: boolean;
  })[] | undefined;
  origin?: ('service' | 'external' | {
    'anything-but': ('service' | 'external')[];
  } | {
    exists: boolean;
  })[] | undefined;
  paidAsRequested?: ('true' | 'false' | {
    'anything-but': ('true' | 'false')[];
  } | {
    exists: boolean;
  })[] | undefined;
}

/** Settings as the stack uses them: with the defaults. */
export type Settings = SettingsInput & {
  [Name in 'paytechUrl' | 'name' | 'allowedOrigins' | 'cloudFront' | 'defaultEndpoint' | 'orderTokens' | 'createPaymentAuth' | 'hostToHost' | 'openAmounts' | 'eventParameters' | 'throttle' | 'webhookThrottle' | 'operationsThrottle' | 'subscribers' | 'subscriberAccounts' | 'webhookBatchSize' | 'webhookConcurrency' | 'reconcileMinutes' | 'reconcileWorkers' | 'reconcileConcurrency' | 'reconcileQuestionsPerSecond' | 'openShards' | 'webhookGraceSeconds' | 'sweepCreatedDays' | 'confirmWebhooks' | 'captureWithinHours' | 'approveWithinHours' | 'operatorRoles' | 'reservedConcurrency' | 'memoryMegabytes' | 'logRetentionDays' | 'savedQueries' | 'alarmEmails']: NonNullable<SettingsInput[Name]>;
};
