import { parseGatewayReference } from '../../shared/payment/reference.ts';
import type { MadePayment } from '../support/answered-payment.ts';
import type { CreateEnding } from './schedule.ts';

/** The merchant's id under which something is asked for: an order, a withdrawal, a refund. */
export interface Subject {
  kind: 'deposit' | 'withdrawal' | 'refund';
  id: string;
}

/** Why paytech has a payment. */
export type Made =
  | { by: 'us'; for: Subject; ends: CreateEnding }
  | { by: 'cascade'; for: Subject }
  /** Charged by paytech itself, by the token of `parentId`. */
  | { by: 'cycle'; parentId: string }
  | { by: 'elsewhere'; under?: Subject };

/** One call of ours that creates. */
interface Sent {
  subject: Subject;
  reference: string;
  ends: CreateEnding;
  token: TokenUse;
}

/** By what it charges: a saved card, which is still an order's, or the token of an earlier payment. */
export type TokenUse = 'none' | 'card' | 'recurring';

interface LookUp {
  reference: string;
  shown: ReadonlySet<string>;
  /** What paytech had then. */
  made: ReadonlySet<string>;
}

/** One request of ours, and what could be known when it arrived. */
export interface Arrived {
  recorded: ReadonlySet<string>;
  lookUps: LookUp[];
}

/** Whether paytech made something of a call that ended so, as far as the caller can know. */
const MADE_NOTHING: ReadonlySet<CreateEnding> = new Set(['refused', 'limited']);
const SAYS_NOTHING: ReadonlySet<CreateEnding> = new Set(['lost', 'late', 'unknown']);

/**
 * What somebody who sees paytech and us at once would write down: who made each payment, what we sent, what we were
 * shown when we looked, and what a person has said.
 */
export function openLedger(payments: ReadonlyMap<string, MadePayment>, isRecorded: (id: string) => boolean) {
  const made = new Map<string, Made>();
  const sent: Sent[] = [];
  /** Every look-up that was answered, by the reference asked for. */
  const lookUps: LookUp[] = [];
  /** Payments that a person was shown and said were not what was asked for. */
  const denied = new Set<string>();
  /** How often a person let go of a claim, by its id. */
  const letGo = new Map<string, number>();
  const violations: string[] = [];
  /** Payments of which a registration of a chargeback may have been carried out. */
  const disputed = new Set<string>();
  /** What may be taken for a cascade as well as for a cycle: it depends on when we hear of it and of its parent. */
  const ambiguous = new Set<string>();

  const subjectOf = (each: Made | undefined): Subject | undefined =>
    each?.by === 'us' || each?.by === 'cascade' ? each.for : undefined;
  const isFor = (each: Made | undefined, { kind, id }: Subject) => {
    const subject = subjectOf(each);
    return subject?.kind === kind && subject.id === id;
  };

  const ours = (subject: Subject): MadePayment[] =>
    [...payments.values()].filter(({ id }) => {
      const each = made.get(id);
      return each?.by === 'us' && isFor(each, subject);
    });

  /** It, or the attempt that it was tried in place of, was asked for with startRecurring. */
  function startsCycles(id: string): boolean {
    const subject = subjectOf(made.get(id));
    const family = [payments.get(id), ...(subject ? ours(subject) : [])];
    return family.some((each) => each?.recurringToken !== undefined);
  }

  /**
   * What moves money without a redirectUrl goes out once, unless a person has let go of it, or paytech said that it
   * made nothing and a look-up since has not shown the payment.
   */
  function judgeRepeat(subject: Subject, { recorded, lookUps }: Arrived): void {
    const before = sent.filter(({ subject: { kind, id } }) => kind === subject.kind && id === subject.id);
    const open = before.filter(
      ({ ends }) => ends === 'well' || ends === 'declined' || SAYS_NOTHING.has(ends),
    );
    if (open.length > (letGo.get(`${subject.kind}#${subject.id}`) ?? 0))
      violations.push(
        `${subject.kind} ${subject.id} was sent again by the machine after ${open.at(-1)?.ends}`,
      );
    for (const { id, referenceId } of ours(subject)) {
      if (denied.has(id)) continue;
      const looks = lookUps.filter((look) => look.reference === referenceId && look.made.has(id));
      const wasShown = recorded.has(id) || looks.some(({ shown }) => shown.has(id));
      if (wasShown) violations.push(`${subject.kind} ${subject.id} was sent again although ${id} was shown`);
      else if (looks.length === 0)
        violations.push(`${subject.kind} ${subject.id} was sent again without a look for ${id}`);
    }
  }

  /**
   * A deposit that charges by a token and of which nobody heard the end keeps its order until it is found, or a person
   * has let go of it.
   */
  function judgeAfterToken(subject: Subject, { recorded, lookUps }: Arrived): void {
    const before = sent.filter(({ subject: { kind, id } }) => kind === subject.kind && id === subject.id);
    const paymentsUnder = (reference: string) =>
      ours(subject).filter(({ id, referenceId }) => referenceId === reference && !denied.has(id));
    const lost = before.filter(({ token, ends, reference }) => {
      const isFound = paymentsUnder(reference).some(({ id }) => recorded.has(id) || isRecorded(id));
      return token === 'card' && SAYS_NOTHING.has(ends) && !isFound;
    });
    if (lost.length > (letGo.get(`${subject.kind}#${subject.id}`) ?? 0))
      violations.push(
        `order ${subject.id} was charged again after a charge by token that was ${lost.at(-1)?.ends}`,
      );
    const limited = before.filter(({ token, ends }) => token === 'card' && ends === 'limited-made');
    for (const { reference } of limited) {
      for (const { id } of paymentsUnder(reference)) {
        const looks = lookUps.filter((look) => look.reference === reference && look.made.has(id));
        const wasShown = looks.some(({ shown }) => shown.has(id));
        if (recorded.has(id) || isRecorded(id)) continue;
        if (wasShown || looks.length === 0)
          violations.push(
            `order ${subject.id} was charged again ${wasShown ? 'although' : 'without a look for'} ${id}`,
          );
      }
    }
  }

  return {
    made,
    sent,
    denied,
    violations,
    ours,
    sentFor: ({ kind, id }: Subject) =>
      sent.filter(
        ({ subject, ends }) => subject.kind === kind && subject.id === id && !MADE_NOTHING.has(ends),
      ),
    arrive: (): Arrived => ({
      recorded: new Set([...payments.keys()].filter(isRecorded)),
      lookUps: [...lookUps],
    }),
    /** A call of ours is about to reach paytech. */
    sending(
      arrived: Arrived,
      kind: Subject['kind'],
      reference: string,
      ends: CreateEnding,
      token: TokenUse,
    ): Subject {
      const id = parseGatewayReference(reference)?.referenceId ?? reference;
      const subject = { kind, id };
      if (kind !== 'deposit' || token === 'recurring') judgeRepeat(subject, arrived);
      else judgeAfterToken(subject, arrived);
      sent.push({ subject, reference, ends, token });
      return subject;
    },
    lookedUp(arrived: Arrived | undefined, reference: string, shown: readonly string[]): void {
      const lookUp = { reference, shown: new Set(shown), made: new Set(payments.keys()) };
      lookUps.push(lookUp);
      arrived?.lookUps.push(lookUp);
    },
    letGo({ kind, id }: Subject): void {
      letGo.set(`${kind}#${id}`, (letGo.get(`${kind}#${id}`) ?? 0) + 1);
    },
    /** A registration of a chargeback is about to reach paytech, which may carry it out. */
    disputing(id: string): void {
      if (disputed.has(id)) violations.push(`the chargeback of ${id} was registered again by the machine`);
      disputed.add(id);
    },
    letGoOfDispute: (id: string) => disputed.delete(id),
    /** Every payment that counts for an order or payout, or may: of elsewhere it depends on its money. */
    siblings(subject: Subject): MadePayment[] {
      return [...payments.values()].filter(({ id }) => {
        const each = made.get(id);
        if (ambiguous.has(id)) return false;
        if (each?.by !== 'elsewhere') return isFor(each, subject);
        return each.under?.kind === subject.kind && each.under.id === subject.id;
      });
    },
    subjectOf: (id: string) => subjectOf(made.get(id)),
    /** For what a payment may have been made, as far as anybody can tell: an ambiguous cycle also for what it goes on from. */
    mayBeFor(id: string): Subject | undefined {
      const each = made.get(id);
      if (each?.by === 'elsewhere') return each.under;
      if (each?.by === 'cycle') return ambiguous.has(id) ? subjectOf(made.get(each.parentId)) : undefined;
      return subjectOf(each);
    },
    /** Those that are certainly cycles, of a payment that has held money from before they were made until now. */
    cycles: (): { id: string; parentId: string }[] =>
      [...made].flatMap(([id, each]) =>
        each.by === 'cycle' && !ambiguous.has(id) ? [{ id, parentId: each.parentId }] : [],
      ),
    /** Once a payment that starts cycles is paid, its cascades look like them; while it is not, they like cascades. */
    noteParent(parentId: string, isPaid: boolean): void {
      const mayStart = startsCycles(parentId);
      for (const [id, each] of made) {
        if (each.by === 'cycle' && each.parentId === parentId && !isPaid) ambiguous.add(id);
        const isCascade = each.by === 'cascade' && payments.get(id)?.parentPaymentId === parentId;
        if (isCascade && mayStart && isPaid) ambiguous.add(id);
      }
    },
    /** A cycle, or what it was cascaded to, of what does not hold money any more, or of what is ambiguous itself. */
    noteCycle(id: string, isParentPaid: boolean): void {
      if (!isParentPaid || ambiguous.has(payments.get(id)?.parentPaymentId ?? '')) ambiguous.add(id);
    },
    /** A cascade of what held money once. */
    noteLateCascade(id: string, parentId: string): void {
      if (startsCycles(parentId)) ambiguous.add(id);
    },
    isElsewhere: (id: string) => made.get(id)?.by === 'elsewhere',
    /** Whether the answer to the call that made it never came, or said that nothing was made. */
    isLost(id: string): boolean {
      const each = made.get(id);
      return each?.by === 'us' && each.ends !== 'well' && each.ends !== 'declined';
    },
  };
}

export type Ledger = ReturnType<typeof openLedger>;
