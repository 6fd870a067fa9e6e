import { randomUUID } from 'node:crypto';
import { resolveClaim } from '../../shared/calls/resolve.ts';
import type { Ledger, Subject } from './ledger.ts';
import { type Conductor, runProcess } from './process.ts';
import type { Activity } from './schedule.ts';

type ResolveActivity = Extract<Activity, { do: 'resolve' }>;
type Resolve = ReturnType<typeof resolveClaim>;
type Outside = <O extends object>(target: O) => O;
type Faults = Pick<ResolveActivity, 'table' | 'crash'>;

export interface Surroundings {
  conductor: Conductor;
  ledger: Ledger;
  count: (what: string) => void;
  dependencies: (outside: Outside, faults: Faults) => Parameters<typeof resolveClaim>[0];
}

/** What a person says of a claim. */
type Says = { outcome: 'sent'; paymentId?: string } | { outcome: 'not-sent'; notPaymentIds: string[] };

/** A person of the merchant's who decides on flagged claims: by looking at paytech, or by mistake. */
export function createPerson({ conductor, ledger, count, dependencies }: Surroundings) {
  async function say(subject: Subject, says: Says, faults: Faults) {
    if (says.outcome === 'not-sent') {
      // Noted before: the answer may be lost.
      ledger.letGo(subject);
      for (const id of says.notPaymentIds) ledger.denied.add(id);
    }
    const ended = await runProcess(conductor, faults.crash, (outside) => {
      const decision = {
        kind: subject.kind,
        referenceId: subject.id,
        notPaymentIds: [],
        ...says,
        reason: 'looked at it',
        caller: 'arn:model',
        owner: randomUUID(),
      };
      return resolveClaim(dependencies(outside, faults))(decision as Parameters<Resolve>[0]).catch(
        () => undefined,
      );
    });
    if (ended.died) {
      count('crash of resolve');
      return undefined;
    }
    const result: { is: string; paymentIds?: string[] } | undefined = ended.value;
    count(`resolve ${says.outcome} ${result?.is ?? 'failed'}`);
    return result;
  }

  async function decideRightly(subject: Subject, faults: Faults) {
    const ours = ledger.ours(subject).filter(({ id }) => !ledger.denied.has(id));
    const last = ours.at(-1);
    if (last) return say(subject, { outcome: 'sent', paymentId: last.id }, faults);
    const said = await say(subject, { outcome: 'not-sent', notPaymentIds: [] }, faults);
    if (said?.is !== 'must-name') return said;
    return say(subject, { outcome: 'not-sent', notPaymentIds: said.paymentIds ?? [] }, faults);
  }

  async function decideWrongly(subject: Subject, insists: boolean, faults: Faults) {
    if (ledger.ours(subject).length === 0) return say(subject, { outcome: 'sent' }, faults);
    count('a person is mistaken');
    const said = await say(subject, { outcome: 'not-sent', notPaymentIds: [] }, faults);
    if (said?.is !== 'must-name' || !insists) return said;
    count('a person denies a payment by its id');
    return say(subject, { outcome: 'not-sent', notPaymentIds: said.paymentIds ?? [] }, faults);
  }

  return {
    decideRightly: (subject: Subject) => decideRightly(subject, { table: undefined, crash: undefined }),
    async resolve(subject: Subject, { is, insists, ...faults }: ResolveActivity): Promise<void> {
      await (is === 'right' ? decideRightly(subject, faults) : decideWrongly(subject, insists, faults));
    },
  };
}
