import { randomUUID } from 'node:crypto';
import { decimal } from '../../shared/payment/money.ts';
import { optional } from '../../shared/payment/payment.ts';
import { isFinal, meansMoney, type PaymentState, statesBefore } from '../../shared/payment/state.ts';
import type { MadePayment } from '../support/answered-payment.ts';
import { WITHDRAWN } from './back-office.ts';
import type { Subject } from './ledger.ts';
import type { Activity } from './schedule.ts';
import { pick, type State, signed, truthOf } from './simulation-state.ts';

/** What happens at paytech, and who else has a hand in it: customers, providers, other systems of the merchant. */
export function createPaytech(state: State, withdrawalId: (index: number) => string) {
  const {
    count,
    gateway,
    ledger,
    orders,
    transit,
    shown,
    truths,
    corrected,
    inFlight,
    forGood,
    noteTruth,
    send,
    noteMade,
    payments,
  } = state;

  const less = ({ facts }: MadePayment) => facts.amount!.div(2).round(18);

  /** A customer pays a deposit or leaves it; a provider carries out a payout or does not. */
  function customer({ payment: index, state, pays, webhook }: Extract<Activity, { do: 'customer' }>): void {
    const payment = pick(payments(), index);
    if (!payment || !mayBecome(payment, state)) return;
    const { paymentType, facts } = payment;
    const needsCustomer = paymentType === 'DEPOSIT' && state !== 'DECLINED' && state !== 'CANCELLED';
    if (needsCustomer && !shown.has(payment.id)) return;
    count(`truth ${state}`);
    if (facts.state === 'AUTHORIZED' && state === 'DECLINED') count('truth AUTHORIZED then DECLINED');
    if (facts.state === 'PENDING' && state === 'AWAITING_APPROVAL')
      count('truth PENDING then AWAITING_APPROVAL');
    if (state === 'COMPLETED') notePaidLate(payment);
    const paysLess = pays === 'less' && state === 'COMPLETED' && paymentType === 'DEPOSIT';
    const amount = paysLess ? { amount: less(payment) } : {};
    if (paysLess) nameWhatWasAsked(payment);
    noteTruth(gateway.set(payment.id, { state, ...amount }));
    send(payment, webhook);
  }

  /** By paytech's contract, which is wider than what we act on. */
  function mayBecome({ id, paymentType = 'DEPOSIT', facts }: MadePayment, state: PaymentState): boolean {
    if (statesBefore(paymentType, state).includes(facts.state)) return true;
    if (paymentType === 'DEPOSIT') return facts.state === 'AUTHORIZED' && state === 'DECLINED';
    const waits = paymentType === 'WITHDRAWAL' && facts.state === 'PENDING' && state === 'AWAITING_APPROVAL';
    // Once, so that what is approved is told apart from what is approved twice.
    return waits && !(truths.get(id)?.has(truthOf({ ...facts, state })) ?? false);
  }

  /** Money comes in for an order of which another request is under way. */
  function notePaidLate({ id }: MadePayment): void {
    const subject = ledger.mayBeFor(id);
    if (subject?.kind === 'deposit' && (inFlight.get(subject.id) ?? 0) > 0)
      count('pair late money + retry in flight');
  }

  /** paytech names what was asked for only where the provider got something else, and then not always. */
  function nameWhatWasAsked(payment: MadePayment): void {
    payment.customerAmount ??= payment.asked!.amount!;
    payment.customerCurrency ??= payment.asked!.currency;
  }

  function elsewhere({ makes, of, money, amount, webhook }: Extract<Activity, { do: 'elsewhere' }>): void {
    const order = orders[of % orders.length]!;
    const other = { amount: decimal(amount), currency: 'EUR' };
    let body: Parameters<typeof gateway.make>[0];
    let under: Subject | undefined;
    switch (makes) {
      case 'deposit':
        body = { paymentType: 'DEPOSIT', referenceId: `elsewhere-${randomUUID()}`, ...other };
        break;
      case 'deposit-of-order': {
        under = { kind: 'deposit', id: order.referenceId };
        const asked = money === 'same' ? { ...other, amount: decimal(order.amount) } : other;
        body = { paymentType: 'DEPOSIT', referenceId: order.referenceId, ...asked };
        break;
      }
      case 'withdrawal': {
        under = { kind: 'withdrawal', id: withdrawalId(of) };
        const asked = money === 'same' ? { ...other, amount: WITHDRAWN } : other;
        body = { paymentType: 'WITHDRAWAL', referenceId: under.id, ...asked };
        break;
      }
      case 'refund': {
        const paid = payments().filter(
          ({ paymentType, facts }) => paymentType === 'DEPOSIT' && facts.state === 'COMPLETED',
        );
        const parent = pick(paid, of);
        if (!parent) return;
        const { currency } = parent.facts;
        body = {
          paymentType: 'REFUND',
          parentPaymentId: parent.id,
          amount: less(parent).div(2).round(18),
          currency: currency!,
        };
        break;
      }
      default:
        throw new Error(`nothing is made: ${makes satisfies never}`);
    }
    count(`made elsewhere ${makes}`);
    if (under) count(`made elsewhere under our reference, ${money} money`);
    if (under && ledger.siblings(under).some(({ id }) => ledger.isLost(id)))
      count('pair elsewhere + lost create');
    gateway.bodies.push(body as (typeof gateway.bodies)[number]);
    const payment = gateway.make(body);
    noteMade(payment, { by: 'elsewhere', ...optional('under', under) });
    shown.add(payment.id);
    send(payment, webhook);
  }

  function cascade({
    payment: index,
    repeatsReference,
    declines,
    webhook,
  }: Extract<Activity, { do: 'cascade' }>): void {
    const ours = payments().filter(({ id, paymentType, facts }) => {
      const isOpen = facts.state === 'CHECKOUT' || facts.state === 'PENDING' || facts.state === 'DECLINED';
      return paymentType === 'DEPOSIT' && isOpen && !ledger.isElsewhere(id);
    });
    const first = pick(ours, index);
    const made = first && ledger.made.get(first.id);
    if (!first || !made || made.by === 'elsewhere') return;
    count(`cascade ${repeatsReference ? 'with' : 'without'} the reference`);
    const subject = ledger.subjectOf(first.id);
    if (subject && ledger.ours(subject).some(({ id }) => ledger.isLost(id)))
      count('pair cascade + lost create');
    if (declines && first.facts.state !== 'DECLINED') {
      noteTruth(gateway.set(first.id, { state: 'DECLINED', errorCode: '3.01' }));
      send(first, webhook);
    }
    const another = gateway.cascade(first.id, { repeatsReference });
    noteMade(another, made.by === 'cycle' ? made : { by: 'cascade', for: made.for });
    const was = [...(truths.get(first.id) ?? [])];
    if (was.some((truth) => /^(COMPLETED|AUTHORIZED) /.test(truth)))
      ledger.noteLateCascade(another.id, first.id);
    if (shown.has(first.id)) shown.add(another.id);
    send(another, webhook);
  }

  /** A subscription goes on from a payment that was asked for with startRecurring, once that has been paid. */
  function cycle({ payment: index, ...how }: Extract<Activity, { do: 'cycle' }>): void {
    const { repeatsReference, amount, webhook } = how;
    const isPayable = (each: MadePayment) => shown.has(each.id) && mayBecome(each, 'COMPLETED');
    const starting = payments().filter(
      (each) => each.recurringToken !== undefined && (meansMoney(each.facts.state) || isPayable(each)),
    );
    const first = pick(starting, index);
    if (!first) return;
    if (!meansMoney(first.facts.state)) {
      noteTruth(gateway.set(first.id, { state: 'COMPLETED' }));
      send(first, webhook);
    }
    count(`cycle ${repeatsReference ? 'with' : 'without'} the reference`);
    if (ledger.isLost(first.id)) count('pair cycle + lost create');
    const { referenceId, recurringToken } = first;
    const cycle = gateway.make({
      paymentType: 'DEPOSIT',
      parentPaymentId: first.id,
      ...optional('referenceId', repeatsReference ? referenceId : undefined),
      ...optional('recurringToken', recurringToken),
      amount: decimal(amount),
      currency: 'EUR',
    });
    noteMade(cycle, { by: 'cycle', parentId: first.id });
    send(cycle, webhook);
  }

  function moveMoney({ payment: index, currency, webhook }: Extract<Activity, { do: 'move-money' }>): void {
    const open = payments().filter(
      ({ paymentType, facts }) =>
        paymentType === 'DEPOSIT' && (facts.state === 'CHECKOUT' || facts.state === 'PENDING'),
    );
    const payment = pick(open, index);
    if (!payment) return;
    count('money moves');
    nameWhatWasAsked(payment);
    const moved = {
      amount: payment.facts.amount!.times(3).div(2).round(18),
      ...(currency ? { currency: 'USD' } : {}),
    };
    noteTruth(gateway.set(payment.id, moved));
    send(payment, webhook);
  }

  function strangeState({ payment: index, webhook }: Extract<Activity, { do: 'strange-state' }>): void {
    const payment = pick(
      payments().filter(({ facts }) => !isFinal(facts.state)),
      index,
    );
    if (!payment) return;
    count('state that nobody knows');
    gateway.set(payment.id, {}, 'AWAITING_WEBHOOK');
    send(payment, webhook);
  }

  function gatewayCorrects({ payment: index, webhook }: Extract<Activity, { do: 'gateway-corrects' }>): void {
    const isPayable = ({ id, paymentType }: MadePayment) => paymentType !== 'DEPOSIT' || shown.has(id);
    const final = payments().filter((each) => {
      const { id, facts } = each;
      // Nobody can pay a deposit whose redirectUrl nobody has seen.
      const mayTurn = facts.state === 'COMPLETED' || isPayable(each);
      return isFinal(facts.state) && !corrected.has(id) && mayTurn;
    });
    const payment = pick(final, index);
    if (!payment) return;
    count('gateway corrected itself');
    corrected.add(payment.id);
    const state = payment.facts.state === 'COMPLETED' ? 'DECLINED' : 'COMPLETED';
    noteTruth(gateway.set(payment.id, { state }));
    send(payment, webhook);
  }

  /** A webhook that was signed with the right key and is not true. */
  function lie({ payment: index, state, pays }: Extract<Activity, { do: 'contradict' }>): void {
    const payment = pick(payments(), index);
    if (!payment) return;
    count('contradicting webhook');
    const amount = pays === 'less' ? less(payment) : payment.facts.amount!;
    const facts = { ...payment.facts, state, amount, externalId: 'lie' };
    const { strangeState: _, ...rest } = payment;
    if (forGood.fault === 'webhooks-lost') return;
    transit.push(signed(gateway.webhook({ ...rest, facts })));
  }

  return { customer, elsewhere, cascade, cycle, moveMoney, strangeState, gatewayCorrects, lie };
}
