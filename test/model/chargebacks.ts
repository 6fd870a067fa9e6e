import { randomUUID } from 'node:crypto';
import { type ChargebackRouteDependencies, chargebackRoute } from '../../functions/operations/chargebacks.ts';
import { chargeBack } from '../../shared/calls/charge-back.ts';
import { releaseAction } from '../../shared/calls/release.ts';
import type { HttpEvent } from '../../shared/http/api.ts';
import { openEventQueue } from '../../shared/messaging/event-queue.ts';
import { openOperation } from '../../shared/payment/action.ts';
import type { ChargebackState } from '../../shared/payment/chargeback.ts';
import { stringifyJson } from '../../shared/payment/json.ts';
import { optional, type PaymentRecord } from '../../shared/payment/payment.ts';
import type { BatchTable } from '../../shared/store/batch-table.ts';
import type { MadePayment } from '../support/answered-payment.ts';
import { answerOf } from './answer.ts';
import type { createLambdas } from './lambdas.ts';
import type { openOutside } from './outside.ts';
import { type Crash, runProcess } from './process.ts';
import type { Activity, ChargebackEnding, Delivery, TableFault } from './schedule.ts';
import { pick, type State, signed } from './simulation-state.ts';

type ChargeBackActivity = Extract<Activity, { do: 'charge-back' }>;
interface Faults {
  table?: { atWrite: number; fault: TableFault } | undefined;
  crash?: Crash | undefined;
}

const WEBHOOK_URL: ChargebackRouteDependencies['webhookUrl'] = 'https://shop.example/webhooks/paytech';
/** After these nobody knows that paytech did nothing. */
const MAY_BE_DONE: ReadonlySet<ChargebackEnding> = new Set([
  'well',
  'lost',
  'late',
  'unknown',
  'limited',
  'limited-made',
]);

/** Chargebacks: as the back office registers and closes them, as the bank decides, and as a person lets go of one. */
export function createChargebacks(
  state: State,
  { faulty, sqsInto }: ReturnType<typeof openOutside>,
  lambdas: ReturnType<typeof createLambdas>,
) {
  const {
    own,
    clock,
    now,
    conductor,
    logger,
    count,
    gateway,
    ledger,
    queue,
    late,
    payments,
    disputes,
    closedByHand,
    madeUp,
    shown,
    noteTruth,
  } = state;

  const dependencies = (outside: <O extends object>(target: O) => O, table: BatchTable) => ({
    table: outside(table),
    queue: outside(openEventQueue('webhooks', sqsInto(queue))),
    now,
    logger,
    ready: async () => {},
  });

  function operationsThat(trail: 'well' | 'unknown'): typeof gateway.operations {
    return async (...args) => {
      if (trail === 'unknown') gateway.endings.push({ on: 'operations', ends: 'unknown' });
      return gateway.operations(...args);
    };
  }

  /** paytech has it, whether or not anybody was told. */
  function noteRegistered({ id }: MadePayment, by: 'us' | 'elsewhere', delivery: Delivery): void {
    const { state = 'OPEN' } = (gateway.chargebacks.get(id) ?? {}) as { state?: ChargebackState };
    disputes.set(id, { state, by });
    if (by === 'us') send(id, delivery);
  }

  const send = (id: string, delivery: Delivery) => tell(id, disputes.get(id)!.state, delivery);

  function tell(id: string, word: ChargebackState, delivery: Delivery): void {
    // One that is open has no state at paytech.
    const said = { id, state: word === 'OPEN' ? null : word };
    if (state.forGood.fault === 'webhooks-lost' || delivery === 'dropped') return;
    count('chargeback webhook');
    const webhook = { ...signed(Buffer.from(stringifyJson(said))), about: 'chargeback' as const };
    for (let copy = 0; copy < (delivery === 'doubled' ? 2 : 1); copy++) state.transit.push({ ...webhook });
  }

  function registering(
    payment: MadePayment,
    { ends, webhook }: ChargeBackActivity,
  ): typeof gateway.chargeback {
    return async (id, body, limit) => {
      count(`chargeback ${ends}`);
      notePairs(payment, ends);
      const canBe = payment.facts.state === 'COMPLETED' && !gateway.chargebacks.has(id);
      if (MAY_BE_DONE.has(ends) && canBe) ledger.disputing(id);
      if (ends === 'late') {
        const register = () => {
          if (payment.facts.state !== 'COMPLETED' || gateway.chargebacks.has(id)) return;
          gateway.chargebacks.set(id, body);
          noteRegistered(payment, 'us', webhook);
        };
        late.push({ at: clock.at + 12_000, make: register });
        return { kind: 'unknown', reason: 'timeout' };
      }
      if (ends === 'limited') gateway.endings.push({ on: 'chargeback', ends: 429 });
      else if (ends === 'limited-made') gateway.endings.push({ on: 'chargeback', ends: '429-made' });
      else if (ends !== 'well') gateway.endings.push({ on: 'chargeback', ends });
      const answer = await gateway.chargeback(id, body, limit);
      if (canBe && gateway.chargebacks.has(id)) noteRegistered(payment, 'us', webhook);
      return answer;
    };
  }

  function notePairs({ id }: MadePayment, ends: ChargebackEnding): void {
    const entries = [...(own.record(id)?.refunds?.values() ?? [])];
    if (entries.some(({ stage }) => stage === 'reserved')) count('pair chargeback + refund in flight');
    if (ledger.isLost(id)) count('pair chargeback + lost create');
    if (ends === 'lost' && gateway.weather.list === 'down') count('pair lost chargeback + list down');
  }

  /** A payment that can be charged back, while there is one. */
  function disputable(index: number): MadePayment | undefined {
    const deposits = payments().filter(({ paymentType }) => paymentType === 'DEPOSIT');
    const paid = deposits.filter(({ facts }) => facts.state === 'COMPLETED');
    const known = paid.filter(({ id }) => own.record(id)?.state === 'COMPLETED');
    return pick([known, paid, deposits].find((some) => some.length > 0) ?? [], index);
  }

  /** Where none is paid yet, a customer pays one, and all goes well. */
  async function bePaid(index: number): Promise<void> {
    if (payments().some(({ facts, paymentType }) => paymentType === 'DEPOSIT' && facts.state === 'COMPLETED'))
      return;
    const isPayable = ({ id, paymentType, facts }: MadePayment) =>
      paymentType === 'DEPOSIT' && shown.has(id) && (facts.state === 'CHECKOUT' || facts.state === 'PENDING');
    const payment = pick(payments().filter(isPayable), index);
    if (!payment || state.forGood.fault === 'webhooks-lost') return;
    noteTruth(gateway.set(payment.id, { state: 'COMPLETED' }));
    const webhook = signed(gateway.webhook(payment));
    state.transit.push(webhook);
    const before = new Set(queue);
    await lambdas.deliver(webhook, 'well', undefined);
    const arrived = queue.filter((message) => !before.has(message));
    await lambdas.apply(arrived, { publish: 'well', ask: 'well', table: undefined, crash: undefined });
  }

  async function chargeBackOne(activity: ChargeBackActivity): Promise<void> {
    await bePaid(activity.payment);
    const payment = disputable(activity.payment);
    if (!payment) return;
    const { state: asked, trail, table: fault, crash } = activity;
    const ended = await runProcess(conductor, crash, (outside) => {
      const route = chargebackRoute({
        chargeBack: chargeBack({
          ...dependencies(outside, faulty(fault)),
          gateway: outside({
            chargeback: registering(payment, activity),
            operations: operationsThat(trail),
          }),
        }),
        webhookUrl: WEBHOOK_URL,
      });
      const body = stringifyJson({ ...optional('state', asked) });
      const event = { body, headers: {}, pathParameters: { id: payment.id }, requestContext: {} };
      const call = { caller: 'arn:model', owner: randomUUID(), deadline: clock.at + 14_000 };
      return answerOf(() => route(event as unknown as HttpEvent, call));
    });
    if (ended.died) return count('crash of chargeback');
    const { status, code = '' } = ended.value;
    count(`chargeback ${status} ${code}`.trim());
    // What it says may have been read from the record before paytech's word came.
    if (status === 200 && asked) closedByHand.add(payment.id);
  }

  /** The bank decides; or staff have registered one at paytech, which tells us nothing of it. */
  function bank({ payment: index, state: decided, webhook }: Extract<Activity, { do: 'bank' }>): void {
    const open = [...disputes.entries()].filter(([, dispute]) => dispute.state === 'OPEN');
    const [id, dispute] = pick(open, index) ?? [];
    if (id !== undefined && dispute) {
      count(`chargeback decided ${decided}`);
      dispute.state = decided;
      if (dispute.by === 'us') send(id, webhook);
      return;
    }
    const payment = disputable(index);
    if (payment?.facts.state !== 'COMPLETED' || gateway.chargebacks.has(payment.id)) return;
    count('chargeback made elsewhere');
    gateway.chargebacks.set(payment.id, {});
    noteRegistered(payment, 'elsewhere', webhook);
  }

  /** Of what is being registered, or has a chargeback, nobody can tell a lie about how it ended from paytech's word. */
  function makeUp({ payment: index, state: said }: Extract<Activity, { do: 'make-up-chargeback' }>): void {
    const isUntouched = ({ id }: MadePayment) =>
      !gateway.chargebacks.has(id) && !own.record(id)?.operations.some(({ kind }) => kind === 'chargeback');
    const payment = pick(payments().filter(isUntouched), index);
    if (!payment || state.forGood.fault === 'webhooks-lost') return;
    count('chargeback made up');
    madeUp.add(payment.id);
    tell(payment.id, said, 'sent');
  }

  const isDisputing = (record: PaymentRecord | undefined) =>
    record !== undefined && openOperation(record)?.kind === 'chargeback';

  /** A person says of a registration that it will not come about any more. */
  async function release(id: string, { table: fault, crash }: Faults = {}): Promise<string | undefined> {
    ledger.letGoOfDispute(id);
    const ended = await runProcess(conductor, crash, (outside) =>
      releaseAction({
        ...dependencies(outside, faulty(fault)),
        gateway: outside({ get: gateway.get, operations: gateway.operations }),
      })(id, 'arn:model', 'looked at it').catch(() => undefined),
    );
    if (ended.died) {
      count('crash of release');
      return undefined;
    }
    count(`release ${ended.value?.is ?? 'failed'}`);
    return ended.value?.is;
  }

  const undecided = () => payments().filter(({ id }) => isDisputing(own.record(id)));

  return {
    chargeBackOne,
    bank,
    makeUp,
    release,
    async releaseOne({ payment: index, ...faults }: Extract<Activity, { do: 'release' }>): Promise<void> {
      const payment = pick(undecided(), index);
      if (payment) await release(payment.id, faults);
    },
    /** Those of which nobody knows yet whether paytech has registered them. */
    undecided,
    /** paytech says once more what became of each. */
    announce(): void {
      for (const [id, { by }] of disputes.entries()) if (by === 'us') send(id, 'sent');
    },
  };
}
