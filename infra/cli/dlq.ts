import { createHash } from 'node:crypto';
import { listedView } from '../../shared/http/payment-view.ts';
import { optional } from '../../shared/payment/payment.ts';
import { confirm } from './confirm.ts';
import { deadLetterQueues } from './dead-letter-queues.ts';
import { type DeadLetter, deleteOne, type Filter, redriveOne, withDeadLetters } from './dead-letters.ts';
import type { Environment } from './environment.ts';
import { Failure } from './failure.ts';
import { count, duration, fields, type Result, table, time } from './output.ts';
import { printable } from './printable.ts';
import { openProgress } from './progress.ts';

export interface OfQueue {
  /** A subscriber, or a dead-letter queue by its name; default: the webhook queue's. */
  queue?: string;
}

export interface Chosen extends Filter, OfQueue {
  all?: boolean;
  yes?: boolean;
}

/** `dlq ls`: what was set aside or not delivered, oldest first. */
export function listDeadLetters(
  environment: Environment,
  { queue, ...filter }: Filter & OfQueue,
): Promise<Result> {
  return withDeadLetters(environment.sqs, deadLetterQueues(environment, queue), filter, async (letters) => {
    const sorted = letters.toSorted((a, b) => (a.receivedAt < b.receivedAt ? -1 : 1));
    const rows = sorted.map((each) => [
      each.messageId,
      duration(ageOf(each)),
      each.source ?? each.queue.name,
      each.unreadable === undefined ? `${each.paymentId} ${each.state}` : 'unreadable',
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
  { raw, queue }: OfQueue & { raw?: boolean },
): Promise<Result> {
  const queues = deadLetterQueues(environment, queue);
  return withDeadLetters(environment.sqs, queues, { ids: [id] }, async ([letter]) => {
    if (!letter) throw new Failure(`There is no dead letter with the id ${id} any more.`);
    const body = raw ? { body: letter.bytes.toString('utf8') } : {};
    const { payment, event } = letter;
    const text = fields({
      message: letter.messageId,
      queue: letter.queue.name,
      reason: letter.reason,
      received: time(letter.receivedAt),
      from: letter.source,
      request: letter.requestId,
      event: event && `${event.id} ${event.type}`,
      payment: letter.unreadable === undefined ? `${letter.paymentId} ${letter.state}` : undefined,
      unreadable: letter.unreadable,
    });
    return {
      document: { ...viewOf(letter), ...(payment && { payment: listedView(payment) }), ...body },
      text: raw ? `${text}\n\n${quoted(letter.bytes)}` : text,
    };
  });
}

/** Line by line, so that none of it looks like ours. */
function quoted(bytes: Buffer): string {
  const lines = bytes.toString('utf8').split('\n');
  return lines.map((line) => `  | ${printable(line)}`).join('\n');
}

/** `dlq redrive`: back onto the queue that they come from, to be taken as if they came now. */
export function redriveDeadLetters(environment: Environment, chosen: Chosen): Promise<Result> {
  return forEachOf(environment, chosen, {
    title: 'Messages put back',
    question: (what, names) => `Put ${what} back onto ${names} of ${environment.name}?`,
    work: redriveOne,
    result: (letters) => ({
      document: { redriven: letters.map(({ messageId }) => messageId) },
      text: `${count(letters.length, 'message')} put back. What fails again returns here: check "paytech-ops dlq ls" in a minute, or in an hour for a subscriber's.`,
    }),
  });
}

/** `dlq delete`: for good. */
export function deleteDeadLetters(environment: Environment, chosen: Chosen): Promise<Result> {
  return forEachOf(environment, chosen, {
    title: 'Messages deleted',
    question: (what, names) => `Delete ${what} for ${names} of ${environment.name}? This cannot be undone.`,
    work: deleteOne,
    result: (letters) => ({
      document: { deleted: letters.map(({ messageId }) => messageId) },
      text: `${count(letters.length, 'message')} deleted.`,
    }),
  });
}

interface Action {
  title: string;
  /** @param names of the queues that they belong to */
  question(what: string, names: string): string;
  work(sqs: Environment['sqs'], letter: DeadLetter): Promise<void>;
  result(letters: DeadLetter[]): Result;
}

async function forEachOf(
  environment: Environment,
  { all, yes, queue, ...filter }: Chosen,
  { title, question, work, result }: Action,
): Promise<Result> {
  const isNarrow = Boolean(filter.ids?.length || filter.reason || filter.payment || filter.olderThan);
  if (!isNarrow && !all) throw new Failure('Name messages, a filter, or --all.', 2);
  const { sqs } = environment;
  const queues = deadLetterQueues(environment, queue);
  const ask = async () => {
    const found = await withDeadLetters(sqs, queues, filter, async ({ length }) => length);
    const names = [...new Set(queues.map(({ source }) => source.name))].join(', ');
    return question(count(found, 'message'), names);
  };
  await confirm(ask, { yes });
  return withDeadLetters(sqs, queues, filter, async (letters) => {
    const shown = openProgress(title, letters.length);
    try {
      for (const letter of letters) {
        await work(sqs, letter);
        shown.step();
      }
    } finally {
      shown.end();
    }
    return { ...result(letters), failed: letters.length === 0 && isNarrow };
  });
}

function viewOf(letter: DeadLetter) {
  const { messageId, queue, reason, source, receivedAt, requestId, bytes, event } = letter;
  return {
    messageId,
    queue: queue.name,
    reason,
    ...optional('source', source),
    receivedAt,
    ...optional('requestId', requestId),
    bytes: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    ...(event && { eventId: event.id, type: event.type }),
    ...optional('paymentId', letter.paymentId),
    ...optional('state', letter.state),
    ...optional('unreadable', letter.unreadable),
  };
}

function ageOf({ receivedAt }: DeadLetter): number {
  return (Date.now() - Date.parse(receivedAt)) / 1_000;
}
