import { once } from 'node:events';
import http, { type IncomingMessage } from 'node:http';
import https from 'node:https';
import { MINUTE_MS } from '../../shared/runtime/time.ts';
import { readPayment } from '../../shared/store/payments.ts';
import { judgeAlarms } from './check-alarms.ts';
import { judgeFunctions } from './check-functions.ts';
import { apiKey, signingKeys } from './check-keys.ts';
import { listFilter } from './check-paytech.ts';
import { decisions, reconcile, webhooks } from './check-reconcile.ts';
import { judgeTable } from './check-table.ts';
import { deadLetterQueues, WEBHOOKS_DLQ } from './dead-letter-queues.ts';
import type { Environment } from './environment.ts';
import { messageOf } from './failure.ts';
import type { Finding } from './finding.ts';
import { type Result, table } from './output.ts';
import { depthOf } from './queues.ts';
import { smokePayment } from './smoke-payment.ts';
import { version } from './version.ts';

const LIMIT_MS = 10_000;

/** Signed requests are refused at five minutes; tokens that last an hour suffer earlier. */
const MAX_SKEW_MS = MINUTE_MS;

/** More than a burst leaves for longer than a moment. */
const MANY_WEBHOOKS = 1_000;

/** The receiver takes less than this, so that it answers before it looks at the signature, whose failures alarm. */
const TOO_LARGE_BYTES = 256 * 1024 + 1;

export interface Examining {
  /** Makes a payment in the sandbox, too. */
  pay?: boolean;
  /** What is worth a look fails it, too. */
  strict?: boolean;
}

/** `doctor`: whether everything that the service needs is there and answers. */
export async function doctor(
  environment: Environment,
  { pay = false, strict = false }: Examining = {},
): Promise<Result> {
  const checks: Record<string, () => Promise<Finding>> = {
    versions: async () => versions(),
    'API key': () => apiKey(environment),
    'signing keys': () => signingKeys(environment),
    paytech: () => paytech(environment),
    clock: () => clock(environment),
    API: () => api(environment),
    'webhook URL': () => receiver(environment.webhookUrl, "must be the one in paytech's back office"),
    ...(environment.paymentWebhookUrl && {
      'webhook URL of payments': () =>
        receiver(environment.paymentWebhookUrl!, 'is told to paytech with each payment'),
    }),
    webhooks: () => webhooks(environment),
    'list of paytech': () => listFilter(environment),
    table: () => paymentsTable(environment),
    ...(environment.tableState && { protection: async () => judgeTable(await environment.tableState!()) }),
    ...(environment.functionsState && {
      functions: async () => judgeFunctions(await environment.functionsState!()),
    }),
    'webhook queue': () => webhookQueue(environment),
    'dead letters': () => deadLetters(environment),
    ...(environment.alarmTopic && { alarms: async () => judgeAlarms(await environment.alarmTopic!()) }),
    reconcile: () => reconcile(environment),
    decisions: () => decisions(environment),
  };
  const findings = await Promise.all(
    Object.entries(checks).map(async ([check, look]) => ({ check, ...(await look().catch(failed)) })),
  );
  if (pay)
    for (const [check, finding] of Object.entries(await smokePayment(environment)))
      findings.push({ check, ...finding });
  const rows = findings.map(({ check, is, detail }) => [is.toUpperCase(), check, detail]);
  return {
    document: { environment: environment.name, checks: findings },
    text: `${environment.name}\n${table(rows)}`,
    failed: findings.some(({ is }) => is === 'fail' || (strict && is === 'warn')),
  };
}

function failed(error: unknown): Finding {
  return { is: 'fail', detail: messageOf(error) };
}

function versions(): Finding {
  return { is: 'ok', detail: `paytech-payments ${version()}, Node ${process.versions.node}` };
}

async function paytech({ paytechUrl }: Environment): Promise<Finding> {
  const startedAt = Date.now();
  await ask(paytechUrl, 'GET');
  return { is: 'ok', detail: `${paytechUrl} answers, in ${Date.now() - startedAt} ms` };
}

async function clock({ paytechUrl }: Environment): Promise<Finding> {
  const { headers } = await ask(paytechUrl, 'GET');
  const theirs = Date.parse(headers.date ?? '');
  if (Number.isNaN(theirs)) return { is: 'warn', detail: 'paytech does not say what time it is' };
  const skewMs = Math.abs(Date.now() - theirs);
  const detail = `${Math.round(skewMs / 1_000)} s from paytech's`;
  return skewMs <= MAX_SKEW_MS
    ? { is: 'ok', detail }
    : {
        is: 'warn',
        detail: `${detail}: set the clock of this machine. The service has a clock of its own; what is signed here, order tokens too, is refused`,
      };
}

async function api({ apiUrl }: Environment): Promise<Finding> {
  const { status } = await ask(`${apiUrl}/payments/doctor`, 'GET');
  const isOurs = status === 404;
  return {
    is: isOurs ? 'ok' : 'fail',
    detail: isOurs
      ? `${apiUrl} answers`
      : `${apiUrl} answers HTTP ${status} to a question for a payment that there is not, not 404`,
  };
}

async function receiver(url: string, what: string): Promise<Finding> {
  const { status } = await ask(url, 'POST', Buffer.alloc(TOO_LARGE_BYTES, 'x'));
  const isOurs = status === 413;
  return {
    is: isOurs ? 'ok' : 'fail',
    detail: isOurs
      ? `${url} is the receiver, and ${what}`
      : `${url} answers HTTP ${status} to an oversized webhook, not 413`,
  };
}

async function paymentsTable({ table }: Environment): Promise<Finding> {
  await readPayment(table, 'doctor');
  return { is: 'ok', detail: 'can be read' };
}

async function webhookQueue(environment: Environment): Promise<Finding> {
  const depth = await depthOf(environment, environment.webhookQueueUrl);
  return depth < MANY_WEBHOOKS
    ? { is: 'ok', detail: `${depth} on their way` }
    : {
        is: 'warn',
        detail: `${depth} wait, and their payments are not recorded yet: if they do not get fewer, look for the first error in the log of apply-payment-event`,
      };
}

async function deadLetters(environment: Environment): Promise<Finding> {
  const queues = [
    ...deadLetterQueues(environment),
    ...[...environment.subscribers.keys()].flatMap((name) => deadLetterQueues(environment, name)),
  ];
  const depths = await Promise.all(
    queues.map(async ({ name, url }) => ({ name, depth: await depthOf(environment, url) })),
  );
  const filled = depths.filter(({ depth }) => depth > 0);
  if (filled.length === 0) return { is: 'ok', detail: 'none' };
  const each = filled.map(({ name, depth }) => {
    const missing = name === WEBHOOKS_DLQ ? 'not recorded here' : 'not received by the subscriber';
    return `${depth} in ${name}, ${missing}`;
  });
  return {
    is: 'warn',
    detail: `${each.join('; ')}. They are deleted after 14 days: see "paytech-ops dlq ls --queue ${filled[0]!.name}"`,
  };
}

/** The edge in front of paytech refuses agents that it does not know. */
async function ask(url: string, method: string, body?: Buffer) {
  const { request } = url.startsWith('https:') ? https : http;
  const asked = request(url, {
    method,
    headers: { 'user-agent': 'paytech-payments/1 (paytech-ops)', 'content-type': 'application/json' },
    agent: false,
    signal: AbortSignal.timeout(LIMIT_MS),
  });
  asked.end(body);
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  // A body that is still on its way is not waited for.
  asked.on('error', () => {}).destroy();
  return { status: answer.statusCode ?? 0, headers: answer.headers };
}
