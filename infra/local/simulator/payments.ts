/**
 * The gateway's truth: every payment, kept in memory, and what becomes of it by itself. Knows nothing of HTTP; whoever
 * asks for what cannot be gets a {@link Refusal}.
 */
import type { Decimal } from '../../../shared/payment/money.ts';
import { asksHolder, readCharge } from './charges.ts';
import type { CreateRequest } from './create-request.ts';
import { nextMove } from './next-move.ts';
import { newId, type Payment } from './payment.ts';
import { refundableParent } from './refunding.ts';
import { Refusal } from './refusal.ts';
import { type Outcome, type TestCard, TIMED_OUT, tokenNotFound } from './sandbox.ts';

/** A move to a state. Amount and currency stay as they are unless given; an error is the move's own or none. */
export interface Move extends Outcome {
  amount?: Decimal | undefined;
  currency?: string | undefined;
  card?: TestCard;
  savedByCustomer?: boolean | undefined;
  externalRefs?: Record<string, string>;
}

export interface PaymentsOptions {
  /** By id; what is in it already settles as what is made here. */
  payments: Map<string, Payment>;
  now(): Date;
  /** Resolves when what is PENDING now may go on. */
  settling(): Promise<void>;
  /** How long a checkout is open. */
  checkoutMs: number;
  /** Resolves when the checkout of a deposit that was made now closes. */
  closing(): Promise<void>;
  /** Is called with every move. */
  moved(payment: Payment): void;
}

export class Payments {
  readonly #payments: Map<string, Payment>;
  readonly #options: PaymentsOptions;
  /** Audit steps of all payments. */
  #steps = 0;

  constructor(options: PaymentsOptions) {
    this.#payments = options.payments;
    this.#options = options;
    for (const payment of this.#payments.values()) {
      this.#steps += payment.operations.length;
      this.goOn(payment);
    }
  }

  /** Not idempotent: each call makes another payment, whatever its referenceId. */
  create(request: CreateRequest): Payment {
    const all = this.all();
    const parent = request.paymentType === 'REFUND' ? refundableParent(request, all) : undefined;
    const charge = readCharge(request, all);
    const payment = this.#add(request, charge || request.paymentType !== 'DEPOSIT' ? 'PENDING' : 'CHECKOUT', {
      held: [request, parent?.request].some((each) => each?.additionalParameters?.settle === 'manual'),
      card: charge?.found ? charge.card : undefined,
      ...(request.startRecurring && { recurringToken: newId() }),
    });
    if (charge && !charge.found && request.paymentType === 'DEPOSIT') {
      return this.move(payment, 'CREATE_PAYMENT', tokenNotFound(request));
    }
    this.goOn(payment);
    this.#expireLater(payment);
    return payment;
  }

  /** Another attempt at a payment, by another provider; it settles as it is driven. */
  cascade(id: string, repeatsReference: boolean): Payment {
    const { request, operations } = this.get(id);
    if (request.paymentType === 'REFUND') throw new Refusal('wrong-state', 'A refund has a parent already');
    // However often a provider declines, the parent is the first attempt.
    const isCascade = operations[0]?.operation === 'CASCADING';
    const { referenceId: _, ...rest } = request;
    const attempt = {
      ...(repeatsReference ? request : rest),
      parentPaymentId: isCascade ? request.parentPaymentId : id,
    };
    const payment = this.#add(attempt, 'PENDING', { held: true }, 'CASCADING');
    this.note(this.get(id), 'CASCADING');
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

  /** To any state from any state: whoever may not do what leads there has been refused before. */
  move(payment: Payment, operation: string, move: Move): Payment {
    payment.state = move.state;
    payment.amount = move.amount ?? payment.amount;
    payment.currency = move.currency ?? payment.currency;
    payment.errorCode = move.errorCode;
    payment.errorMessage = move.errorMessage;
    payment.externalResultCode = move.externalResultCode;
    payment.card = move.card ?? payment.card;
    payment.savedByCustomer = move.savedByCustomer ?? payment.savedByCustomer;
    payment.externalRefs = move.externalRefs ?? payment.externalRefs;
    payment.updated = this.#options.now();
    this.note(payment, operation);
    this.#options.moved(payment);
    return payment;
  }

  note({ operations, state }: Payment, operation: string): void {
    this.#steps += 1;
    operations.push({ id: this.#steps, operation, at: this.#options.now(), paymentState: state });
  }

  /** Lets happen what happens without anybody's doing, unless somebody does something first. */
  async goOn(payment: Payment): Promise<void> {
    if (!nextMove(payment)) return;
    const steps = payment.operations.length;
    await this.#options.settling();
    const move = payment.operations.length === steps && nextMove(payment);
    if (move) this.move(payment, 'CREATE_PAYMENT', move);
  }

  #add(
    request: CreateRequest,
    state: string,
    more: Pick<Payment, 'held'> & Partial<Payment>,
    step = 'CREATE_PAYMENT',
  ) {
    const now = this.#options.now();
    const payment: Payment = {
      id: newId(),
      created: now,
      expires: new Date(now.getTime() + this.#options.checkoutMs),
      updated: now,
      request,
      state,
      amount: request.amount,
      currency: request.currency,
      operations: [],
      ...more,
    };
    this.#payments.set(payment.id, payment);
    this.note(payment, step);
    return payment;
  }

  async #expireLater(payment: Payment): Promise<void> {
    const isOpen = () => payment.state === 'CHECKOUT' || (payment.state === 'PENDING' && asksHolder(payment));
    if (!isOpen()) return;
    await this.#options.closing();
    if (isOpen()) this.move(payment, 'CHECKOUT', TIMED_OUT);
  }
}
