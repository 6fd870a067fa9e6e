/** `trigger <kind>`: makes something happen at the simulator, and waits for what the service makes of it. */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { isPublished, publicationOf } from '../../shared/payment/cloud-event.ts';
import type { PaymentRecord } from '../../shared/payment/payment.ts';
import { MINUTE_MS, SECOND_MS } from '../../shared/runtime/time.ts';
import { readPayment } from '../../shared/store/payments.ts';
import { openBackOffice } from '../local/back-office.ts';
import type { Environment } from './environment.ts';
import { Failure } from './failure.ts';
import { progress, type Result, table } from './output.ts';
import { placeOrder } from './place-order.ts';
import { control } from './simulator.ts';

const PRICE = { amount: '11.12', currency: 'EUR' };
/** The sandbox pays out no more than 10,000. */
const TOO_MUCH = { amount: '10000.01', currency: 'EUR' };
/** Without 3-D Secure, which nobody is there to confirm. */
const CARD = { cardNumber: '4000 0000 0000 0408' };
const DECLINED_CARD = { cardNumber: '4000 0000 0000 0416' };

const LOOK_EVERY_MS = 100;
const USUALLY_WITHIN_MS = 5 * SECOND_MS;
/** A webhook that is lost is found by reconcile, which runs every minute. */
const LIMIT_MS = 3 * MINUTE_MS;

interface Kind {
  /** What happens. */
  is: string;
  /** The records of the payments that it made. */
  make(local: Environment): Promise<PaymentRecord[]>;
}

/** By the names that they are triggered by. */
export const KINDS = {
  'payment.completed': {
    is: 'a deposit is paid by card',
    make: async (local) => [await paid(local)],
  },
  'payment.authorized': {
    is: 'a deposit is reserved, and waits to be captured',
    make: async (local) => [await driven(local, CARD, 'AUTHORIZED', { preAuth: true })],
  },
  'payment.declined': {
    is: 'the card of a deposit is declined',
    make: async (local) => [await driven(local, DECLINED_CARD, 'DECLINED')],
  },
  'payment.cancelled': {
    is: 'the customer gives up',
    make: async (local) => [await driven(local, { state: 'CANCELLED' }, 'CANCELLED')],
  },
  'payment.corrected': {
    is: 'a deposit is paid, and then paytech takes that back',
    make: async (local) => [await takenBack(local)],
  },
  'refund.completed': {
    is: 'a deposit is paid, and paid back',
    make: async (local) => refunded(local),
  },
  'withdrawal.completed': {
    is: 'a payout arrives',
    make: async (local) => [await paidOut(local, PRICE, 'COMPLETED')],
  },
  'withdrawal.declined': {
    is: 'a payout is more than the provider pays',
    make: async (local) => [await paidOut(local, TOO_MUCH, 'DECLINED')],
  },
  chargeback: {
    is: 'a deposit is paid, and charged back',
    make: async (local) => [await chargedBack(local)],
  },
  'chargeback.completed': {
    is: 'a chargeback ends: the money is gone',
    make: async (local) => [await chargebackEnded(local, 'COMPLETED')],
  },
  'chargeback.cancelled': {
    is: 'a chargeback ends: the money stays',
    make: async (local) => [await chargebackEnded(local, 'CANCELLED')],
  },
} satisfies Record<string, Kind>;

export type KindName = keyof typeof KINDS;

export async function trigger(local: Environment, kind: KindName): Promise<Result> {
  const records = await KINDS[kind].make(local);
  const payments = records.map(({ id, referenceId = '', paymentType, state }) => ({
    id,
    referenceId,
    paymentType,
    state,
  }));
  const events = records.flatMap((record) => eventsOf(record, local.eventSource));
  const rows = payments.map(({ id, referenceId, paymentType, state }) => [
    paymentType,
    id,
    referenceId,
    state,
  ]);
  return {
    document: { kind, payments, events },
    text: `${table([['PAYMENT', 'ID', 'REFERENCE', 'STATE'], ...rows])}\n\n${table([
      ['EVENT', 'ID'],
      ...events.map(({ id, type }) => [type, id]),
    ])}`,
  };
}

/** `trigger` alone: what there is. */
export function listKinds(): Result {
  const kinds = Object.entries(KINDS).map(([kind, { is }]) => ({ kind, is }));
  return {
    document: { kinds },
    text: table([['KIND', 'WHAT HAPPENS'], ...kinds.map(({ kind, is }) => [kind, is])]),
  };
}

function eventsOf(record: PaymentRecord, source: string) {
  return record.history
    .map((_, index) => index + 1)
    .filter((version) => isPublished(record, version))
    .map((version) => publicationOf(record, version, source))
    .map(({ id, attributes: { type } }) => ({ id, type }));
}

/** An order, and what becomes of it at paytech. */
async function driven(
  local: Environment,
  how: object,
  state: string,
  payment: object = {},
): Promise<PaymentRecord> {
  const order = { referenceId: newReference(), ...PRICE, payment };
  const { status, body } = await placeOrder(local, order);
  const id = body.id;
  if (id === undefined)
    throw new Failure(`POST /payments answers HTTP ${status} ${body.code ?? ''}: ${body.detail ?? ''}`);
  await control(local, 'POST', `/payments/${id}/pay`, how);
  return recorded(local, id, state, (record) => record.state === state);
}

const paid = (local: Environment) => driven(local, CARD, 'COMPLETED');

async function takenBack(local: Environment): Promise<PaymentRecord> {
  const { id } = await paid(local);
  await control(local, 'POST', `/payments/${id}/pay`, { state: 'DECLINED' });
  return recorded(local, id, 'DECLINED', ({ state }) => state === 'DECLINED');
}

async function refunded(local: Environment): Promise<PaymentRecord[]> {
  const deposit = await paid(local);
  const refund = { refundId: newReference(), paymentId: deposit.id };
  const { id } = await operations(local)<{ id: string }>('POST', '/refunds', refund);
  return [deposit, await recorded(local, id, 'COMPLETED', ({ state }) => state === 'COMPLETED')];
}

async function paidOut(local: Environment, price: object, end: string): Promise<PaymentRecord> {
  const payout = { referenceId: newReference(), ...price, customer: { referenceId: 'trigger' } };
  const { id } = await operations(local)<{ id: string }>('POST', '/withdrawals', payout);
  return recorded(local, id, end, ({ state }) => state === end);
}

async function chargedBack(local: Environment): Promise<PaymentRecord> {
  const { id } = await paid(local);
  await operations(local)('POST', `/payments/${id}/chargeback`, {});
  return recorded(local, id, 'charged back', ({ chargeback }) => chargeback?.state === 'OPEN');
}

async function chargebackEnded(local: Environment, state: string): Promise<PaymentRecord> {
  const { id } = await chargedBack(local);
  await control(local, 'POST', `/payments/${id}/chargeback`, { state });
  return recorded(local, id, `chargeback ${state}`, ({ chargeback }) => chargeback?.state === state);
}

const newReference = () => `trigger-${randomUUID().slice(0, 8)}`;
const operations = ({ apiUrl }: Environment) => openBackOffice(apiUrl);

/** Only the record is looked at: asking the API would have it ask paytech, before the webhook has come. */
async function recorded(
  { table: payments }: Environment,
  id: string,
  what: string,
  isThere: (record: PaymentRecord) => boolean,
): Promise<PaymentRecord> {
  const startedAt = Date.now();
  let isTold = false;
  while (Date.now() - startedAt < LIMIT_MS) {
    const record = await readPayment(payments, id);
    if (record && isThere(record)) return record;
    if (!isTold && Date.now() - startedAt > USUALLY_WITHIN_MS) {
      progress(`Payment ${id} is ${what} at paytech, and the service has not heard of it: ${WHY}`);
      isTold = true;
    }
    await delay(LOOK_EVERY_MS);
  }
  throw new Failure(
    `Payment ${id} is ${what} at paytech, and is not recorded so: see "paytech-ops show ${id}".`,
  );
}

const WHY =
  'its webhook is late or lost (see "paytech-ops faults"). reconcile runs every minute, and finds it then.';
