import { type Operation, openOperation, RELEASE_AFTER_MS, statesToAct } from '../payment/action.ts';
import { withQueued } from '../payment/observation.ts';
import type { PaymentRecord } from '../payment/payment.ts';
import { assign, type Fragment } from './expressions.ts';
import { isInState, keyOf, toRecord } from './payment-item.ts';
import { readPayment } from './payments.ts';
import { listed, type Table } from './table.ts';

/*
 * The lock of actions on a payment: the last of its operations, while it is open (see shared/payment/action.ts).
 * It ends with the state in which the action is possible, so the write that applies an event ends it as well.
 */

/**
 * Writes an operation before paytech is called, and makes the payment due for a check when its lease is over.
 * Not taken when somebody else's stands there or the payment has moved on; `record` is what stands.
 */
export async function takeOperation(
  table: Table,
  read: PaymentRecord,
  operation: Operation,
): Promise<{ taken: boolean; record: PaymentRecord | undefined }> {
  const pk = keyOf(read.id);
  const isActionable = isInState(statesToAct(operation.kind));
  const isAsRead =
    read.operations.length === 0
      ? 'attribute_not_exists(operations[0])'
      : { text: 'size(operations) = :count', values: { ':count': read.operations.length } };
  const isDispute = operation.kind === 'chargeback';
  const { written, item } = await table.update(pk, {
    SET: [
      ...(isDispute ? assign({ disputed: true }) : []),
      {
        text: 'operations = list_append(if_not_exists(operations, :none), :operation)',
        values: { ':none': [], ':operation': [operation] },
      },
      ...assign(listed(table, pk, operation.leaseUntil)),
    ],
    condition: [isActionable, isAsRead, ...(isDispute ? [HAS_NO_CHARGEBACK] : [])],
  });
  const record = item && toRecord(item);
  // A write whose answer was lost and that the SDK repeated finds itself.
  return { taken: written || record?.operations.at(-1)?.owner === operation.owner, record };
}

/** The condition that the operation at this place is the one of `owner`. */
function isOwnedBy(owner: string | undefined, index: number): Fragment {
  return {
    text: `operations[${index}].#owner = :owner`,
    names: { '#owner': 'owner' },
    values: { ':owner': owner },
  };
}

const HAS_NO_CHARGEBACK = 'attribute_not_exists(chargeback)';

/**
 * Refunds are free again with what was to dispute the payment, unless its chargeback has turned up meanwhile: then the
 * operation has taken effect, and stays.
 */
function undisputed(operation: Operation | undefined): { REMOVE: string[]; condition: Fragment[] } {
  return operation?.kind === 'chargeback'
    ? { REMOVE: ['disputed'], condition: [HAS_NO_CHARGEBACK] }
    : { REMOVE: [], condition: [] };
}

/** Takes the operation back: paytech certainly did not do it. */
export async function dropOperation(table: Table, { id, operations }: PaymentRecord): Promise<void> {
  const last = operations.length - 1;
  const isOurs = isOwnedBy(operations[last]?.owner, last);
  const { REMOVE, condition } = undisputed(operations[last]);
  await table.update(keyOf(id), {
    REMOVE: [`operations[${last}]`, ...REMOVE],
    condition: [isOurs, ...condition],
  });
}

/**
 * Keeps on an open execute what its second look found ({@link onUntouched}), or that there was a first. Returns the
 * record as it then is: where the operation is another's by now, or the payment has moved, that stands.
 */
export async function keepUntouched(
  table: Table,
  read: PaymentRecord,
  operation: Operation,
  kept: Required<Pick<Operation, 'untouchedAt'>> | Required<Pick<Operation, 'released'>>,
): Promise<PaymentRecord | undefined> {
  const last = read.operations.length - 1;
  const isOpen = {
    text: `attribute_not_exists(operations[${last}].#released)`,
    names: { '#released': 'released' },
  };
  const isUnmoved = isInState([read.state]);
  const [[name = '', value] = []] = Object.entries(kept);
  const note = {
    text: `operations[${last}].#kept = :kept`,
    names: { '#kept': name },
    values: { ':kept': value },
  };
  const { item } = await table.update(keyOf(read.id), {
    SET: [note],
    condition: [isOwnedBy(operation.owner, last), isOpen, isUnmoved],
  });
  return item && toRecord(item);
}

/** How releasing ended; `seconds` is how long it is still too early. */
export type Released =
  | { is: 'released'; record: PaymentRecord }
  | { is: 'not-open'; record: PaymentRecord | undefined }
  | { is: 'too-early'; seconds: number };

/**
 * Ends an open operation because an operator says that it will not take effect any more, so that another may begin.
 * `who` and `why` stay with it on the record. Ask paytech for the state right before: see
 * {@link import('../calls/release.ts').releaseAction}.
 */
export async function releaseOperation(
  table: Table,
  id: string,
  who: string,
  why: string,
  now: number = Date.now(),
): Promise<Released> {
  const read = await readPayment(table, id);
  const open = read && openOperation(withQueued(read));
  if (!open) return { is: 'not-open', record: read };
  const early = open.startedAt + RELEASE_AFTER_MS - now;
  if (early > 0) return { is: 'too-early', seconds: Math.ceil(early / 1000) };

  const last = read.operations.length - 1;
  const released = `operations[${last}].#released`;
  const isTheOneRead = isOwnedBy(open.owner, last);
  const isNotReleased = `attribute_not_exists(${released})`;
  const isUnmoved = isInState([read.state]);
  const { REMOVE, condition } = undisputed(open);
  const { written, item } = await table.update(keyOf(id), {
    SET: [
      {
        text: `${released} = :released`,
        names: { '#released': 'released' },
        values: { ':released': { at: new Date(now).toISOString(), by: who, why } },
      },
    ],
    REMOVE,
    condition: [isTheOneRead, isNotReleased, isUnmoved, ...condition],
  });
  return written
    ? { is: 'released', record: toRecord(item) }
    : { is: 'not-open', record: item && toRecord(item) };
}
