import { randomBytes } from 'node:crypto';
import type { Decimal } from '../../shared/payment/money.ts';
import type { PaymentState, PaymentType } from '../../shared/payment/state.ts';
import type { Answer, CreatePaymentBody, GatewayClient, ListQuery } from '../../shared/paytech/client.ts';
import type { GatewayPayment } from '../../shared/paytech/wire.ts';

/** How the next call ends; `lost` makes the payment and loses the answer, `unknown` makes nothing. */
export type Ending =
  | { on: 'create'; ends: 'lost' | 'unknown' | 'refused' | 401 | 403 | 404 | 429 }
  | { on: 'get' | 'list'; ends: 'unknown' | 429 };

/**
 * paytech in memory, behind the client's own interface: what it has made, how often it was called, and the
 * next endings, one per call. For schedules that would take minutes against real time limits.
 */
export function memoryGateway() {
  const payments = new Map<string, GatewayPayment & { createdAt: number }>();
  const calls = { create: 0, get: 0, list: 0 };
  const endings: Ending[] = [];
  const bodies: CreatePaymentBody[] = [];

  function nextEnding(on: Ending['on']): Ending['ends'] | undefined {
    const index = endings.findIndex((ending) => ending.on === on);
    return index < 0 ? undefined : endings.splice(index, 1)[0]?.ends;
  }

  function make(body: CreatePaymentBody): GatewayPayment {
    const id = randomBytes(16).toString('hex');
    const payment = {
      id,
      paymentType: body.paymentType as PaymentType,
      referenceId: body.referenceId,
      created: new Date(0).toISOString(),
      redirectUrl: `https://checkout.example/${id}`,
      createdAt: 0,
      facts: {
        state: (body.paymentType === 'DEPOSIT' ? 'CHECKOUT' : 'PENDING') as PaymentState,
        amount: body.amount as Decimal,
        currency: body.currency,
      },
    };
    payments.set(id, payment);
    return payment;
  }

  const client: Pick<GatewayClient, 'create' | 'get' | 'list'> = {
    async create(body): Promise<Answer<GatewayPayment>> {
      calls.create++;
      bodies.push(body);
      const ends = nextEnding('create');
      if (ends === 'unknown') return { kind: 'unknown', reason: 'reset' };
      if (ends === 'refused') return { kind: 'refused', message: 'invalid', errors: [] };
      if (typeof ends === 'number') return { kind: 'not-accepted', status: ends };
      const payment = make(body);
      return ends === 'lost' ? { kind: 'unknown', reason: 'timeout' } : { kind: 'answered', result: payment };
    },
    async get(id): Promise<Answer<GatewayPayment>> {
      calls.get++;
      const ends = nextEnding('get');
      if (typeof ends === 'number') return { kind: 'not-accepted', status: ends };
      if (ends) return { kind: 'unknown', reason: 'reset' };
      const payment = payments.get(id);
      return payment
        ? { kind: 'answered', result: structuredCloneOf(payment) }
        : { kind: 'not-accepted', status: 404 };
    },
    async list({ referenceId }: ListQuery) {
      calls.list++;
      const ends = nextEnding('list');
      if (typeof ends === 'number') return { kind: 'not-accepted', status: ends };
      if (ends) return { kind: 'unknown', reason: 'reset' };
      const found = [...payments.values()].filter(
        (payment) => referenceId === undefined || payment.referenceId === referenceId,
      );
      return { kind: 'answered', result: { payments: found.map(structuredCloneOf), hasMore: false } };
    },
  };

  return {
    ...client,
    payments,
    calls,
    endings,
    bodies,
    make,
    /** Drives a payment as a customer or provider would, whatever was before. */
    set(id: string, facts: Partial<GatewayPayment['facts']>): GatewayPayment {
      const payment = payments.get(id);
      if (!payment) throw new Error(`no payment ${id}`);
      payment.facts = { ...payment.facts, ...facts };
      return payment;
    },
  };
}

export type MemoryGateway = ReturnType<typeof memoryGateway>;

/** Answers must not change under the reader's hands; decimals are immutable and may be shared. */
function structuredCloneOf(payment: GatewayPayment): GatewayPayment {
  return { ...payment, facts: { ...payment.facts } };
}
