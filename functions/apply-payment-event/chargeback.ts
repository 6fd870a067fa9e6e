import { isInTrail } from '../../shared/calls/chargeback-trail.ts';
import { stand } from '../../shared/calls/stand.ts';
import { foundInRecord } from '../../shared/calls/still-to-decide.ts';
import { eventKey, keyWithin, type QueuedEvent } from '../../shared/messaging/event-queue.ts';
import { type Chargeback, judgeChargeback, unknownWordOf } from '../../shared/payment/chargeback.ts';
import { publicationOf } from '../../shared/payment/cloud-event.ts';
import { followUp } from '../../shared/payment/follow-up.ts';
import { optional, type PaymentRecord, versionOfKey } from '../../shared/payment/payment.ts';
import { readChargeback, type SaidOfChargeback } from '../../shared/paytech/chargeback.ts';
import { UnreadablePayment } from '../../shared/paytech/wire.ts';
import { MINUTE_MS } from '../../shared/runtime/time.ts';
import * as chargebacks from '../../shared/store/chargebacks.ts';
import { readPayment } from '../../shared/store/payments.ts';
import { noteUnknownWord } from '../../shared/store/unknown-word.ts';
import { NotAtPaytech } from './first-record.ts';
import { assertRoom, isOld } from './limits.ts';
import type { ApplyEventDependencies, Outcome } from './pipeline.ts';
import { warnIfRefundedTooMuch, watchUnknownWord } from './warnings.ts';

const MAX_ROUNDS = 4;

/** How soon paytech's audit trail shows a chargeback is undocumented. Over by the receive after which a person is called. */
const TRAIL_SHOWS_MS = 9 * MINUTE_MS;

/**
 * Applies what is said of a payment's chargeback, which is never judged as the payment's state. Throws as
 * {@link import('./pipeline.ts').applyEvent} does.
 */
export function applyChargeback(deps: ApplyEventDependencies) {
  const { table, eventSource, now } = deps;

  return async function apply(event: QueuedEvent): Promise<Outcome> {
    const said = readChargeback(event.bytes);
    if ('word' in said) {
      const unknown = { of: 'state', word: unknownWordOf(said.word) } as const;
      await noteUnknownWord(table, said.id, unknown, new Date(now()).toISOString());
      await watchUnknownWord(deps, said.id, unknown);
      return { outcome: 'ignored', paymentId: said.id };
    }
    // The same bytes may be a webhook of the payment.
    const key = keyWithin(eventKey(event), 'chargeback');
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const record = await readPayment(table, said.id);
      if (!record) throw new Error(`payment ${said.id} of a chargeback is not recorded here`);
      const outcome = await judge(event, key, said, record);
      if (outcome) return outcome;
    }
    throw new Error(`payment ${said.id} changes faster than its chargeback can be applied`);
  };

  /** Undefined when the record has changed meanwhile. */
  async function judge(
    event: QueuedEvent,
    key: string,
    said: SaidOfChargeback,
    record: PaymentRecord,
  ): Promise<Outcome | undefined> {
    if (record.paymentType !== 'DEPOSIT') throw new UnreadablePayment('a chargeback is of a DEPOSIT');
    const version = versionOfKey(record, key);
    if (version) return again(event, record, version);
    const by = event.source === 'webhook' ? 'paytech' : 'person';
    if (by === 'paytech' && !wasRegistered(record)) await assertInTrail(event, record.id);
    switch (judgeChargeback(record.chargeback, said.state, by)) {
      case 'stale':
        return { outcome: 'stale', paymentId: record.id };
      case 'duplicate':
        return again(event, record, record.history.findLastIndex(({ chargeback }) => chargeback) + 1);
      default:
        return write(event, key, said, record);
    }
  }

  /** Nobody here has begun it: whoever signed the webhook must not have made it up. */
  async function assertInTrail({ receivedAt }: QueuedEvent, id: string): Promise<void> {
    const isThere = await isInTrail(deps, id);
    if (isThere) return;
    if (isThere === false && now() - Date.parse(receivedAt) >= TRAIL_SHOWS_MS) {
      throw new NotAtPaytech('paytech shows no chargeback of this payment');
    }
    throw new Error(`paytech's audit trail may yet show the chargeback of payment ${id}`);
  }

  async function write(
    event: QueuedEvent,
    key: string,
    { state, description }: SaidOfChargeback,
    record: PaymentRecord,
  ): Promise<Outcome | undefined> {
    assertRoom(record);
    // What a caller wrote; what a webhook says may be anybody's.
    const told = event.source === 'webhook' ? record.chargeback?.description : description;
    const chargeback: Chargeback = { state, ...optional('description', told) };
    const entry = {
      at: new Date(now()).toISOString(),
      source: event.source,
      ...optional('caller', event.caller),
      key,
      ...optional('signature', event.signature),
      chargeback: { state },
      facts: { state: record.state },
    };
    const { source } = event;
    const { paymentType, state: current } = record;
    const change = { source, paymentType, state: current, before: { ...record, chargeback } };
    const { expiresAt } = followUp(deps.policy, change, now());
    const applied = await chargebacks.applyChargeback(table, record, { chargeback, entry, expiresAt });
    return applied.applied ? announce('applied', applied.record, applied.record.version) : undefined;
  }

  async function again(event: QueuedEvent, record: PaymentRecord, version: number): Promise<Outcome> {
    if (isOld(event, record.history[version - 1]!)) return { outcome: 'stale', paymentId: record.id };
    return announce('duplicate', record, version);
  }

  async function announce(
    outcome: 'applied' | 'duplicate',
    record: PaymentRecord,
    version: number,
  ): Promise<Outcome> {
    const { id } = record;
    const found = foundInRecord('chargeback-open', record);
    const finding = { alarm: 'chargeback-open', id, found } as const;
    if (found.length > 0) await stand(deps, finding, 'chargeback open', { paymentId: id });
    await warnIfRefundedTooMuch(deps, record);
    return { outcome, paymentId: id, publication: publicationOf(record, version, eventSource) };
  }
}

/** Also one of which a person has said that it was not. */
function wasRegistered({ chargeback, operations }: PaymentRecord): boolean {
  return chargeback !== undefined || operations.some(({ kind }) => kind === 'chargeback');
}
