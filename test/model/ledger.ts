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
  | { by: 'elsewhere'; under?: Subject };

/** One call of ours that creates. */
interface Sent {
  subject: Subject;
  reference: string;
  ends: CreateEnding;
  /** It charges by a token. */
  byToken: boolean;
}

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

  const isFor = (made: Made | undefined, { kind, id }: Subject) =>
    made?.by !== undefined && made.by !== 'elsewhere' && made.for.kind === kind && made.for.id === id;

  const ours = (subject: Subject): MadePayment[] =>
    [...payments.values()].filter(({ id }) => {
      const each = made.get(id);
      return each?.by === 'us' && isFor(each, subject);
    });

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
    const lost = before.filter(({ byToken, ends, reference }) => {
      const isFound = paymentsUnder(reference).some(({ id }) => recorded.has(id) || isRecorded(id));
      return byToken && SAYS_NOTHING.has(ends) && !isFound;
    });
    if (lost.length > (letGo.get(`${subject.kind}#${subject.id}`) ?? 0))
      violations.push(
        `order ${subject.id} was charged again after a charge by token that was ${lost.at(-1)?.ends}`,
      );
    for (const { reference } of before.filter(({ byToken, ends }) => byToken && ends === 'limited-made')) {
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
      byToken = false,
    ): Subject {
      const id = parseGatewayReference(reference)?.referenceId ?? reference;
      const subject = { kind, id };
      if (kind !== 'deposit') judgeRepeat(subject, arrived);
      else judgeAfterToken(subject, arrived);
      sent.push({ subject, reference, ends, byToken });
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
    /** Every payment that counts for an order or payout, or may: of elsewhere it depends on its money. */
    siblings(subject: Subject): MadePayment[] {
      return [...payments.values()].filter(({ id }) => {
        const each = made.get(id);
        if (each?.by !== 'elsewhere') return isFor(each, subject);
        return each.under?.kind === subject.kind && each.under.id === subject.id;
      });
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
