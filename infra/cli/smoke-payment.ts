/** `doctor --pay`: one payment in the sandbox from the order to the webhook. A person pays it. */
import { setTimeout as delay } from 'node:timers/promises';
import type { HistoryEntry, PaymentRecord } from '../../shared/payment/payment.ts';
import { isFinal } from '../../shared/payment/state.ts';
import { MINUTE_MS, SECOND_MS } from '../../shared/runtime/time.ts';
import { readPayment } from '../../shared/store/payments.ts';
import type { Environment } from './environment.ts';
import { Failure } from './failure.ts';
import type { Finding } from './finding.ts';
import { progress } from './output.ts';
import { call, placeOrder } from './place-order.ts';

const PAY_WITHIN_MS = 10 * MINUTE_MS;
const LOOK_EVERY_MS = SECOND_MS;
const TEST_CARD = '4000 0000 0000 0408';
const ORDER = { amount: '1.00', currency: 'EUR' };

/** Each step as a check; after the first that fails there are no others. */
export async function smokePayment(environment: Environment): Promise<Record<string, Finding>> {
  if (!environment.eventSource.endsWith(':sandbox'))
    throw new Failure('--pay is for the sandbox: in production it would be a real payment.', 2);
  const created = await create(environment);
  if ('is' in created) return { 'payment created': created };
  progress(`Pay it within ten minutes, with the test card ${TEST_CARD}: ${created.redirectUrl}`);
  const found: Record<string, Finding> = {
    'payment created': { is: 'ok', detail: `${created.id}, in ${created.tookMs} ms` },
  };
  const record = await untilFinal(environment, created.id);
  if (!record) {
    const detail = 'nobody paid it, or no webhook has come: see "paytech-ops explain"';
    return { ...found, 'payment paid': { is: 'fail', detail: `${created.id}: ${detail}` } };
  }
  return {
    ...found,
    'payment paid': { is: record.state === 'COMPLETED' ? 'ok' : 'fail', detail: `it is ${record.state}` },
    'its webhook': judgeWebhook(
      record.history.find(({ facts }) => facts.state === record.state)!,
      environment,
    ),
    'its state': await shown(environment, record),
  };
}

interface Created {
  id: string;
  redirectUrl: string;
  tookMs: number;
}

async function create(environment: Environment): Promise<Created | Finding> {
  const referenceId = `doctor-${new Date().toISOString().replaceAll(/\W/g, '')}`;
  const startedAt = Date.now();
  const { status, body } = await placeOrder(environment, { referenceId, ...ORDER });
  if (status === 403)
    return { is: 'warn', detail: 'not tried: here only callers with AWS credentials create payments' };
  if (status !== 201)
    return { is: 'fail', detail: `HTTP ${status} ${body.code ?? ''}: ${body.detail ?? ''}` };
  return { id: body.id!, redirectUrl: body.redirectUrl ?? '', tookMs: Date.now() - startedAt };
}

/** Only the record is looked at: asking the API would have it ask paytech, before the webhook has come. */
async function untilFinal({ table }: Environment, id: string): Promise<PaymentRecord | undefined> {
  for (const end = Date.now() + PAY_WITHIN_MS; Date.now() < end; await delay(LOOK_EVERY_MS)) {
    const record = await readPayment(table, id);
    if (record && isFinal(record.state)) return record;
  }
  return undefined;
}

function judgeWebhook({ source, signature }: HistoryEntry, { webhookUrl }: Environment): Finding {
  if (source === 'webhook')
    return { is: 'ok', detail: `it came, signed with key ${signature?.key} (${signature?.encoding})` };
  return {
    is: 'fail',
    detail: `none came in time; ${source} found the end: compare ${webhookUrl} and the signing key with paytech's back office`,
  };
}

async function shown({ apiUrl }: Environment, { id, state }: PaymentRecord): Promise<Finding> {
  const { status, body } = await call(`${apiUrl}/payments/${id}`);
  const isShown = status === 200 && body.state === state;
  return { is: isShown ? 'ok' : 'fail', detail: `the API answers HTTP ${status}, ${body.state}` };
}
