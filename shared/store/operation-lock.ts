import { type Operation, openOperation, RELEASE_AFTER_MS, statesToAct } from '../payment/action.ts';
import { asHeard } from '../payment/heard.ts';
import type { PaymentRecord } from '../payment/payment.ts';
import { keyOf, toRecord } from './payment-item.ts';
import { readPayment } from './payments.ts';
import { openShard, type Table } from './table.ts';

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
  const states = Object.fromEntries(
    statesToAct(operation.kind).map((state, index) => [`:in${index}`, state]),
  );
  const isInState = `#state IN (${Object.keys(states).join(', ')})`;
  const isAsRead =
    read.operations.length === 0 ? 'attribute_not_exists(operations[0])' : 'size(operations) = :count';
  const { written, item } = await table.update(pk, {
    expression: [
      'SET operations = list_append(if_not_exists(operations, :none), :operation)',
      ', openShard = :openShard, dueAt = :dueAt',
    ].join(''),
    condition: [isInState, isAsRead].join(' AND '),
    names: { '#state': 'state' },
    values: {
      ...states,
      ':none': [],
      ':operation': [operation],
      ':openShard': openShard(pk),
      ':dueAt': operation.leaseUntil,
      ...(read.operations.length === 0 ? {} : { ':count': read.operations.length }),
    },
  });
  const record = item && toRecord(item);
  // A write whose answer was lost and that the SDK repeated finds itself.
  return { taken: written || record?.operations.at(-1)?.owner === operation.owner, record };
}

/** Takes the operation back: paytech certainly did not do it. */
export async function dropOperation(table: Table, { id, operations }: PaymentRecord): Promise<void> {
  const last = operations.length - 1;
  const isOurs = `operations[${last}].#owner = :owner`;
  await table.update(keyOf(id), {
    expression: `REMOVE operations[${last}]`,
    condition: isOurs,
    names: { '#owner': 'owner' },
    values: { ':owner': operations[last]?.owner },
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
  const at = `operations[${read.operations.length - 1}]`;
  const isTheOneRead = `${at}.#owner = :owner AND attribute_not_exists(${at}.#released)`;
  const isUnmoved = '#state = :state';
  const [[name, value] = []] = Object.entries(kept);
  const { item } = await table.update(keyOf(read.id), {
    expression: `SET ${at}.${name} = :kept`,
    condition: [isTheOneRead, isUnmoved].join(' AND '),
    names: { '#owner': 'owner', '#released': 'released', '#state': 'state' },
    values: { ':owner': operation.owner, ':state': read.state, ':kept': value },
  });
  return item && toRecord(item);
}

/** How releasing ended; `seconds` is how long it is still too early. */
export type Released =
  | { is: 'released'; record: PaymentRecord }
  | { is: 'not-open'; record: PaymentRecord | undefined }
  | { is: 'too-early'; seconds: number };

/**
 * Ends an open operation on an operator's word that it will not take effect any more, so that another may begin.
 * `who` and `why` stay with it on the record. Ask paytech for the state right before: see
 * {@link import('../actions/release.ts').releaseAction}.
 */
export async function releaseOperation(
  table: Table,
  id: string,
  who: string,
  why: string,
  now: number = Date.now(),
): Promise<Released> {
  const read = await readPayment(table, id);
  const open = read && openOperation(asHeard(read));
  if (!open) return { is: 'not-open', record: read };
  const early = open.startedAt + RELEASE_AFTER_MS - now;
  if (early > 0) return { is: 'too-early', seconds: Math.ceil(early / 1000) };

  const at = `operations[${read.operations.length - 1}]`;
  const isTheOneRead = `${at}.#owner = :owner AND attribute_not_exists(${at}.#released)`;
  const isUnmoved = '#state = :state';
  const { written, item } = await table.update(keyOf(id), {
    expression: `SET ${at}.#released = :released`,
    condition: [isTheOneRead, isUnmoved].join(' AND '),
    names: { '#owner': 'owner', '#released': 'released', '#state': 'state' },
    values: {
      ':owner': open.owner,
      ':state': read.state,
      ':released': { at: new Date(now).toISOString(), by: who, why },
    },
  });
  return written
    ? { is: 'released', record: toRecord(item) }
    : { is: 'not-open', record: item && toRecord(item) };
}
