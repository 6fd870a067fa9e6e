/**
 * The gateway's truth: every payment, kept in memory, and what may happen to it. Knows nothing of HTTP; whoever
 * asks for what cannot be gets a {@link Refusal}.
 */
import { randomUUID } from 'node:crypto';
import { type Decimal, decimal } from '../../../shared/payment/money.ts';
import type { PaymentState } from '../../../shared/payment/state.ts';
import { invalidField, Refusal } from './refusal.ts';
import type { ChargebackRequest, CreateRequest, ListQuery } from './requests.ts';
import {
  cardOutcome,
  findTestCard,
  type Outcome,
  payoutOutcome,
  type TestCard,
  TIMED_OUT,
} from './sandbox.ts';

export interface Payment {
  readonly id: string;
  readonly created: Date;
  /** When a deposit that the customer has not paid is cancelled. */
  readonly expires: Date;
  /** What the shop asked for. */
  readonly request: CreateRequest;
  /** A withdrawal or refund that does not settle by itself. */
  readonly held: boolean;
  /** Audit steps, oldest first. */
  readonly operations: Operation[];
  updated: Date;
  state: PaymentState;
  /** What the provider got, which may differ from what was asked. */
  amount: Decimal;
  currency: string;
  errorCode?: string | undefined;
  errorMessage?: string | undefined;
  card?: TestCard | undefined;
  externalRefs?: Record<string, string> | undefined;
  chargeback?: (ChargebackRequest & { id: string }) | undefined;
}

export interface Operation {
  id: string;
  operation: string;
  at: Date;
  paymentState: PaymentState;
}

/** A move to a state. Amount and currency stay as they are unless given; an error is the move's own or none. */
export interface Move extends Outcome {
  amount?: Decimal | undefined;
  currency?: string | undefined;
  card?: TestCard;
  externalRefs?: Record<string, string>;
}

export interface PaymentsOptions {
  /** By id; what is in it already settles as what is made here. */
  payments: Map<string, Payment>;
  now(): Date;
  /** Resolves when a payout that was made now may settle. */
  settling(): Promise<void>;
  /** How long a checkout is open. */
  checkoutMs: number;
  /** Resolves when the checkout of a deposit that was made now closes. */
  closing(): Promise<void>;
  /** Hears of every move. */
  moved(payment: Payment): void;
}

const DAY_MS = 24 * 60 * 60 * 1000;
const CARD_METHOD = 'BASIC_CARD';
const METHOD_NAMES: Record<string, string> = { BANKTRANSFER: 'bank transfer' };
/** An example of the IBAN registry; nobody's. */
const BANK_ACCOUNT = { accountName: 'Simulated shop', iban: 'GB33 BUKB 2020 1555 5555 55', bic: 'BUKBGB22' };

export class Payments {
  readonly #payments: Map<string, Payment>;
  readonly #options: PaymentsOptions;

  constructor(options: PaymentsOptions) {
    this.#payments = options.payments;
    this.#options = options;
    for (const payment of this.#payments.values()) this.#settleSoon(payment);
  }

  /** Not idempotent: each call makes another payment, whatever its referenceId. */
  create(request: CreateRequest): Payment {
    const parent = request.paymentType === 'REFUND' ? this.#refundableParent(request) : undefined;
    const now = this.#options.now();
    const payment: Payment = {
      id: newId(),
      created: now,
      expires: new Date(now.getTime() + this.#options.checkoutMs),
      updated: now,
      request,
      held: [request, parent?.request].some((each) => each?.additionalParameters?.settle === 'manual'),
      state: initialState(request),
      amount: request.amount,
      currency: request.currency,
      operations: [],
    };
    this.#payments.set(payment.id, payment);
    this.#note(payment, 'CREATE');
    this.#settleSoon(payment);
    this.#expireLater(payment);
    return payment;
  }

  get(id: string): Payment {
    const payment = this.#payments.get(id);
    if (!payment) throw new Refusal('unknown', 'Payment not found');
    return payment;
  }

  /** Newest first. */
  all(): Payment[] {
    return [...this.#payments.values()].reverse();
  }

  /** Newest first; without `created.gte` only those of the last 24 hours. */
  list(query: ListQuery): { payments: Payment[]; hasMore: boolean } {
    const createdFrom = query['created.gte'] ?? new Date(this.#options.now().getTime() - DAY_MS);
    const { 'created.lt': createdTo, 'updated.gte': updatedFrom, 'updated.lt': updatedTo } = query;
    const referenceId = query['referenceId.eq'];
    const matches = this.all().filter(
      ({ created, updated, request }) =>
        created >= createdFrom &&
        (!createdTo || created < createdTo) &&
        (!updatedFrom || updated >= updatedFrom) &&
        (!updatedTo || updated < updatedTo) &&
        (referenceId === undefined || request.referenceId === referenceId),
    );
    const end = query.offset + query.limit;
    return { payments: matches.slice(query.offset, end), hasMore: matches.length > end };
  }

  /** Host-to-host: by the card that the deposit was made with, or else by instructions for the customer. */
  execute(id: string): Payment {
    const payment = this.#inState(id, 'CHECKOUT', 'DEPOSIT');
    const { card, paymentMethod } = payment.request;
    if (card) return this.#payWith(payment, card.cardNumber);
    if (paymentMethod === CARD_METHOD) throw invalidField('card', 'is required to execute a card payment');
    return this.#move(payment, 'EXECUTE', {
      state: 'PENDING',
      externalRefs: {
        ...(paymentMethod === 'BANKTRANSFER' && BANK_ACCOUNT),
        reference: `SIM-${payment.id.slice(0, 8).toUpperCase()}`,
        instructions: `Pay by ${METHOD_NAMES[paymentMethod ?? ''] ?? paymentMethod ?? 'bank transfer'} and quote the reference.`,
      },
    });
  }

  capture(id: string, amount: Decimal | undefined): Payment {
    const payment = this.#inState(id, 'AUTHORIZED');
    if (amount?.gt(payment.amount)) throw invalidField('amount', 'must be at most the authorized amount');
    if (amount?.lte(0)) throw invalidField('amount', 'must be more than 0');
    return this.#move(payment, 'CAPTURE', { state: 'COMPLETED', amount });
  }

  void(id: string): Payment {
    return this.#move(this.#inState(id, 'AUTHORIZED'), 'VOID', { state: 'CANCELLED' });
  }

  approve(id: string): Payment {
    const payment = this.#inState(id, 'AWAITING_APPROVAL', 'WITHDRAWAL');
    this.#move(payment, 'APPROVE', { state: 'PENDING' });
    this.#settleSoon(payment);
    return payment;
  }

  reject(id: string, rejectReason = 'Rejected by merchant'): Payment {
    return this.#move(this.#inState(id, 'AWAITING_APPROVAL', 'WITHDRAWAL'), 'REJECT', {
      state: 'CANCELLED',
      errorCode: '8.00',
      errorMessage: rejectReason,
    });
  }

  chargeback(id: string, request: ChargebackRequest): Payment {
    const payment = this.#inState(id, 'COMPLETED', 'DEPOSIT');
    if (payment.chargeback) throw new Refusal('wrong-state', 'Payment has a chargeback already');
    payment.chargeback = { id: newId(), ...request };
    this.#note(payment, 'CHARGEBACK');
    return payment;
  }

  /** As the customer, with a test card. Only a deposit that is still open can be paid. */
  payByCard(id: string, cardNumber: string): Payment {
    const payment = this.get(id);
    if (!isPayable(payment)) {
      throw new Refusal('wrong-state', `A ${payment.request.paymentType} in ${payment.state} cannot be paid`);
    }
    return this.#payWith(payment, cardNumber);
  }

  /** As the provider, to any state from any state: also to what no gateway should ever do. */
  drive(id: string, move: Move): Payment {
    return this.#move(this.get(id), 'PROVIDER', move);
  }

  #payWith(payment: Payment, cardNumber: string): Payment {
    const card = findTestCard(cardNumber);
    if (!card) throw invalidField('cardNumber', 'must be one of the test cards');
    const outcome = cardOutcome(card, payment.amount, payment.request.preAuth === true);
    return this.#move(payment, 'PAY', { ...outcome, card });
  }

  #move(payment: Payment, operation: string, move: Move): Payment {
    payment.state = move.state;
    payment.amount = move.amount ?? payment.amount;
    payment.currency = move.currency ?? payment.currency;
    payment.errorCode = move.errorCode;
    payment.errorMessage = move.errorMessage;
    payment.card = move.card ?? payment.card;
    payment.externalRefs = move.externalRefs ?? payment.externalRefs;
    payment.updated = this.#options.now();
    this.#note(payment, operation);
    this.#options.moved(payment);
    return payment;
  }

  #note({ operations, state }: Payment, operation: string): void {
    operations.push({ id: newId(), operation, at: this.#options.now(), paymentState: state });
  }

  async #settleSoon(payment: Payment): Promise<void> {
    if (payment.held || payment.state !== 'PENDING') return;
    const steps = payment.operations.length;
    await this.#options.settling();
    const untouched = payment.operations.length === steps;
    if (untouched) this.#move(payment, 'SETTLE', payoutOutcome(payment.amount));
  }

  async #expireLater(payment: Payment): Promise<void> {
    if (payment.state !== 'CHECKOUT') return;
    await this.#options.closing();
    if (payment.state === 'CHECKOUT') this.#move(payment, 'EXPIRE', TIMED_OUT);
  }

  #inState(id: string, state: PaymentState, type = this.get(id).request.paymentType): Payment {
    const payment = this.get(id);
    if (payment.state === state && payment.request.paymentType === type) return payment;
    throw new Refusal(
      'wrong-state',
      `Illegal state: a ${type} in ${state} is needed, this is a ${payment.request.paymentType} in ${payment.state}`,
    );
  }

  #refundableParent(request: CreateRequest): Payment {
    const parent = this.#payments.get(request.parentPaymentId ?? '');
    if (parent?.request.paymentType !== 'DEPOSIT' || parent.state !== 'COMPLETED') {
      throw invalidField('parentPaymentId', 'must be a COMPLETED deposit');
    }
    if (request.currency !== parent.currency) throw invalidField('currency', 'must be that of the deposit');
    const refunds = this.all().filter(
      ({ request: { parentPaymentId, paymentType }, state }) =>
        paymentType === 'REFUND' && parentPaymentId === parent.id && !isUndone(state),
    );
    const refunded = refunds.reduce((sum, { amount }) => sum.plus(amount), decimal('0'));
    if (request.amount.gt(parent.amount.minus(refunded))) {
      throw invalidField('amount', 'must be at most what is left of the deposit');
    }
    return parent;
  }
}

/** Whether a customer can still pay: an open deposit. */
export function isPayable({ request, state }: Payment): boolean {
  return request.paymentType === 'DEPOSIT' && (state === 'CHECKOUT' || state === 'PENDING');
}

function isUndone(state: PaymentState): boolean {
  return state === 'DECLINED' || state === 'CANCELLED';
}

function initialState({ paymentType, additionalParameters }: CreateRequest): PaymentState {
  if (paymentType === 'DEPOSIT') return 'CHECKOUT';
  const needsApproval = paymentType === 'WITHDRAWAL' && additionalParameters?.approval === 'required';
  return needsApproval ? 'AWAITING_APPROVAL' : 'PENDING';
}

/** 32 characters of [a-zA-Z0-9], as paytech's ids. */
function newId(): string {
  return randomUUID().replaceAll('-', '');
}
