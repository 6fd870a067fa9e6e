import { createHash } from 'node:crypto';
import { listedView } from '../../shared/http/payment-view.ts';
import { optional } from '../../shared/payment/payment.ts';
import { confirm } from './confirm.ts';
import { type DeadLetter, type Filter, redriveOne, withDeadLetters } from './dead-letters.ts';
import type { Environment } from './environment.ts';
import { Failure } from './failure.ts';
import { count, duration, fields, type Result, table, time } from './output.ts';
import { openProgress } from './progress.ts';

/** `dlq ls`: the webhooks that were set aside, oldest first. */
export function listDeadLetters(environment: Environment, filter: Filter): Promise<Result> {
  return withDeadLetters(environment, filter, async (letters) => {
    const sorted = letters.toSorted((a, b) => (a.receivedAt < b.receivedAt ? -1 : 1));
    const rows = sorted.map((each) => [
      each.messageId,
      duration(ageOf(each)),
      each.source ?? '',
      each.payment ? `${each.payment.id} ${each.payment.facts.state}` : 'unreadable',
      each.reason,
    ]);
    return {
      document: { messages: sorted.map(viewOf) },
      text:
        rows.length === 0
          ? 'No dead letters.'
          : table([['MESSAGE', 'AGE', 'FROM', 'PAYMENT', 'REASON'], ...rows]),
    };
  });
}

/** `dlq show <message>`: one of them; `raw` with its body, which may hold customer data. */
export function showDeadLetter(
  environment: Environment,
  id: string,
  { raw }: { raw?: boolean },
): Promise<Result> {
  return withDeadLetters(environment, { ids: [id] }, async ([letter]) => {
    if (!letter) throw new Failure(`There is no dead letter ${id} now.`);
    const body = raw ? { body: letter.bytes.toString('utf8') } : {};
    const { payment } = letter;
    const text = fields({
      message: letter.messageId,
      reason: letter.reason,
      received: time(letter.receivedAt),
      from: letter.source,
      request: letter.requestId,
      payment: payment && `${payment.id} ${payment.facts.state}`,
      unreadable: letter.unreadable,
      ...body,
    });
    return {
      document: { ...viewOf(letter), ...(payment && { payment: listedView(payment) }), ...body },
      text,
    };
  });
}

/** `dlq redrive`: back onto the webhook queue, to be applied as if they came now. */
export async function redriveDeadLetters(
  environment: Environment,
  { all, yes, ...filter }: Filter & { all?: boolean; yes?: boolean },
): Promise<Result> {
  const isNarrow = Boolean(filter.ids?.length || filter.reason || filter.payment || filter.olderThan);
  if (!isNarrow && !all) throw new Failure('Name messages, a filter, or --all.', 2);
  const question = async () => {
    const found = await withDeadLetters(environment, filter, async ({ length }) => length);
    return `Put ${count(found, 'message')} back onto the webhook queue of ${environment.name}?`;
  };
  await confirm(question, { yes });
  return withDeadLetters(environment, filter, async (letters) => {
    const shown = openProgress('Messages put back', letters.length);
    try {
      for (const letter of letters) {
        await redriveOne(environment, letter);
        shown.step();
      }
    } finally {
      shown.end();
    }
    return {
      document: { redriven: letters.map(({ messageId }) => messageId) },
      text: `${count(letters.length, 'message')} put back. What still cannot be applied comes here again: see "paytech-ops dlq ls" in a minute.`,
      failed: letters.length === 0 && isNarrow,
    };
  });
}

function viewOf({
  messageId,
  reason,
  source,
  receivedAt,
  requestId,
  bytes,
  payment,
  unreadable,
}: DeadLetter) {
  return {
    messageId,
    reason,
    ...optional('source', source),
    receivedAt,
    ...optional('requestId', requestId),
    bytes: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    ...optional('paymentId', payment?.id),
    ...optional('state', payment?.facts.state),
    ...optional('unreadable', unreadable),
  };
}

function ageOf({ receivedAt }: DeadLetter): number {
  return (Date.now() - Date.parse(receivedAt)) / 1_000;
}
