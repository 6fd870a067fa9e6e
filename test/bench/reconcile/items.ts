import { decimal } from '../../../shared/payment/money.ts';
import type { EventSource, PaymentFacts } from '../../../shared/payment/payment.ts';
import type { Sharded } from '../../../shared/payment/schedule.ts';
import { isFinal, type PaymentState } from '../../../shared/payment/state.ts';
import { storedEntry, storedKey } from '../../../shared/store/event-keys.ts';
import { keyOf, SCHEMA } from '../../../shared/store/payment-item.ts';
import { recordPayment } from '../../../shared/store/payments.ts';
import { type Item, openShard, type Table } from '../../../shared/store/table.ts';
import { idOf, type Population, paymentWith } from './population.ts';

/*
 * The items of the table. Millions of payments are in the form in which they were created or ended; of those only a
 * few numbers are kept, and the item is made when it is read. Whatever is in another form is kept as it is.
 */

export const MONEY = { amount: decimal('11.12'), currency: 'EUR' };
/** What paytech tells beside a payment's state and money. */
export const TOLD = { paymentMethod: 'BASIC_CARD', account: '****1112', cardBrand: 'VISA', country: 'DE' };

const PREFIX = keyOf('');

const FORMS = { open: 0, webhook: 1, reconcile: 2, kept: 3 };
/** Of a final item the source of what ended it. */
const SOURCES: readonly EventSource[] = ['create', 'webhook', 'reconcile'];

export class Items {
  private readonly population: Population;
  private readonly sharded: Sharded;
  private readonly form: Uint8Array;
  private readonly unconfirmed: Uint8Array;
  /** When the next look is due, or 0; when what ended it was written. */
  private readonly dueAt: Float64Array;
  private readonly appliedAt: Float64Array;
  private readonly kept = new Map<string, Item>();

  constructor(population: Population, sharded: Sharded = {}) {
    this.population = population;
    this.sharded = sharded;
    this.form = new Uint8Array(population.size);
    this.unconfirmed = new Uint8Array(population.size);
    this.dueAt = new Float64Array(population.size);
    this.appliedAt = new Float64Array(population.size);
  }

  /** How many items are kept as they are. */
  get keptItems(): number {
    return this.kept.size;
  }

  get(pk: string): Item | undefined {
    const payment = this.paymentOf(pk);
    if (payment === undefined || this.form[payment] === FORMS.kept) return this.kept.get(pk);
    return this.made(payment);
  }

  set(pk: string, item: Item): void {
    const payment = this.paymentOf(pk);
    if (payment === undefined || !this.isReduced(payment, item)) {
      this.kept.set(pk, item);
      if (payment !== undefined) this.form[payment] = FORMS.kept;
    } else this.kept.delete(pk);
  }

  /** Writes a payment as it is once it was created here, to be looked at `dueAt`. */
  create(payment: number, dueAt: number): void {
    this.form[payment] = FORMS.open;
    this.dueAt[payment] = dueAt;
  }

  /** Writes a payment as its webhook has ended it, and as nobody needs to look at any more. */
  end(payment: number, at: number): void {
    this.form[payment] = FORMS.webhook;
    this.appliedAt[payment] = at;
    this.dueAt[payment] = 0;
  }

  private paymentOf(pk: string): number | undefined {
    const payment = pk.startsWith(PREFIX) ? paymentWith(pk.slice(PREFIX.length)) : Number.NaN;
    return payment < this.form.length ? payment : undefined;
  }

  /** Keeps of an item only what differs from others; false where it is in another form. */
  private isReduced(payment: number, item: Item): boolean {
    const state = item.state as PaymentState;
    const hasEntry = item.dueAt !== undefined && item.openShard !== undefined;
    const isUnconfirmed = item.unconfirmed === true;
    if (item.version === 1 && state === 'CHECKOUT') {
      if (!hasEntry || Object.keys(item).length !== OPEN_ATTRIBUTES) return false;
      this.form[payment] = FORMS.open;
    } else if (item.version === 2 && isFinal(state)) {
      const own = (hasEntry ? 2 : 0) + (isUnconfirmed ? 1 : 0) + (state === 'COMPLETED' ? 1 : 0);
      if (Object.keys(item).length !== ENDED_ATTRIBUTES + own) return false;
      const { at, source } = (item.history as { at: string; source: EventSource }[])[1]!;
      const form = SOURCES.indexOf(source);
      if (form < 1) return false;
      this.form[payment] = form;
      this.appliedAt[payment] = Date.parse(at);
    } else return false;
    this.unconfirmed[payment] = isUnconfirmed ? 1 : 0;
    this.dueAt[payment] = hasEntry ? (item.dueAt as number) : 0;
    return true;
  }

  private made(payment: number): Item {
    const created = new Date(this.population.createdAt(payment)).toISOString();
    const item = createdItem(payment, created);
    const form = this.form[payment]!;
    if (form !== FORMS.open) {
      const state = this.population.isPaid(payment) ? 'COMPLETED' : 'CANCELLED';
      const at = new Date(this.appliedAt[payment]!).toISOString();
      // Any that is always the same: what comes again is noticed by its state as well.
      const key = idOf(payment).repeat(2);
      Object.assign(item, endedAttributes(item, { state, at, source: SOURCES[form]!, key }));
      if (this.unconfirmed[payment]) item.unconfirmed = true;
    }
    const dueAt = this.dueAt[payment]!;
    if (dueAt !== 0) Object.assign(item, { dueAt, openShard: openShard(item.pk, this.sharded) });
    return item;
  }
}

/** What the service itself writes of a payment that was created. */
export async function recordedItem(payment: number, created: string): Promise<Item> {
  let recorded: Item = {};
  const table: Pick<Table, 'put'> = {
    put: async (item) => {
      recorded = item;
      return { written: true, item };
    },
  };
  const identity = identityOf(payment, created);
  const facts = { state: 'CHECKOUT' as const, ...MONEY };
  await recordPayment(table as Table, identity, { at: created, source: 'create', facts });
  return recorded;
}

/** How long after its creation a payment is due for its first look, in milliseconds. */
export async function firstLookAfter(): Promise<number> {
  const created = '2026-11-01T00:00:00.000Z';
  const { dueAt } = await recordedItem(0, created);
  return (dueAt as number) - Date.parse(created);
}

function identityOf(payment: number, created: string) {
  const id = idOf(payment);
  return {
    id,
    paymentType: 'DEPOSIT' as const,
    referenceId: `order-${payment}`,
    requestedAmount: MONEY.amount,
    requestedCurrency: MONEY.currency,
    created,
    origin: 'service' as const,
    attempt: 1,
    redirectUrl: `https://checkout.pay.tech/payments/${id}`,
  };
}

export function createdItem(payment: number, created: string): Item & { pk: string } {
  return {
    pk: keyOf(idOf(payment)),
    schema: SCHEMA,
    ...identityOf(payment, created),
    state: 'CHECKOUT',
    ...MONEY,
    version: 1,
    history: [{ at: created, source: 'create', facts: { state: 'CHECKOUT', ...MONEY } }],
  };
}

function endedAttributes(
  item: Item,
  entry: { state: PaymentState; at: string; source: EventSource; key: string },
): Item {
  const { state, at, source, key } = entry;
  const facts: PaymentFacts = { state, ...MONEY, ...TOLD };
  const signature = source === 'webhook' ? { signature: SIGNATURE } : {};
  return {
    state,
    version: 2,
    history: [...(item.history as object[]), storedEntry({ at, source, key, ...signature, facts })],
    eventKeys: new Set([storedKey(key)]),
    ...(state === 'COMPLETED' ? { refundable: MONEY.amount } : {}),
  };
}

export const SIGNATURE = { key: 'aabbccdd', encoding: 'hex' };

const EXAMPLE = createdItem(0, '');
const OPEN_ATTRIBUTES = Object.keys(EXAMPLE).length + 2;
const ENDED_ATTRIBUTES = Object.keys({
  ...EXAMPLE,
  ...endedAttributes(EXAMPLE, { state: 'CANCELLED', at: '', source: 'webhook', key: '' }),
}).length;
