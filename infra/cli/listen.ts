/**
 * `listen --forward-to <url>`: a consumer of a subscriber's queue, which hands each event on over HTTP. What is not
 * taken stays on the queue, as with any consumer that fails.
 */
import { DeleteMessageCommand, type Message, ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import type { EVENT_TYPES } from '../../shared/payment/event-schema.ts';
import { SECOND_MS } from '../../shared/runtime/time.ts';
import { letGo } from './dead-letters.ts';
import type { Environment } from './environment.ts';
import { Failure } from './failure.ts';
import { count, progress, type Result } from './output.ts';

export type EventType = (typeof EVENT_TYPES)[number];

export interface Listening {
  forwardTo: string;
  /** Only these; default: all. */
  type?: EventType[];
  /** Whose queue, where there are several. */
  queue?: string;
}

/** Less than the queue waits before it delivers a message again. */
const LIMIT_MS = 30 * SECOND_MS;

/** So long does a Ctrl-C wait at most: a wait that is cut off may take a message with it. */
const WAIT_SECONDS = 1;

export const LISTENING_HELP = `
It reads the subscriber's queue, and each event goes to one reader of a queue only: stop your own consumer of it, and
listen once. (The control room has a queue of its own.)
An answer with 2xx takes the event off the queue. With any other it comes again after three minutes, and is in
<queue>-dlq after an hour. Events of another --type stay on the queue in the same way.`;

/** Until it is told to end, by a Ctrl-C. */
export async function listen(
  { sqs, subscribers }: Pick<Environment, 'sqs' | 'subscribers'>,
  { forwardTo, type, queue: wanted }: Listening,
  end: AbortSignal,
): Promise<Result> {
  const { name, url } = chosenQueue(subscribers, wanted);
  progress(`Events of ${name} go to ${forwardTo}. Ctrl-C ends it.`);
  const passedOver = new Map<string | undefined, Message>();
  const counts = { taken: 0, notTaken: 0 };
  while (!end.aborted) {
    const message = await receive(sqs, url);
    if (!message) continue;
    const event = readEvent(message);
    if (end.aborted || (type && !type.some((each) => each === event.type))) {
      passedOver.set(message.MessageId, message);
      continue;
    }
    const outcome = await post(forwardTo, message.Body ?? '', end);
    if (outcome.isTaken)
      await sqs.send(new DeleteMessageCommand({ QueueUrl: url, ReceiptHandle: message.ReceiptHandle }));
    if (outcome.isBrokenOff) passedOver.set(message.MessageId, message);
    counts[outcome.isTaken ? 'taken' : 'notTaken'] += 1;
    progress(`${event.type ?? 'no event'}  ${event.id ?? ''}  ${outcome.said}`);
  }
  // For the next reader, at once.
  await letGo(sqs, { url }, [...passedOver.values()]);
  const left = counts.notTaken > 0 ? `; ${counts.notTaken} times one was not taken, and comes again` : '';
  return { document: { queue: name, ...counts }, text: `${count(counts.taken, 'event')} taken${left}.` };
}

/** Ends with the first Ctrl-C; npm may pass on a second. */
export function untilInterrupted(): AbortSignal {
  const ending = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => ending.abort());
  return ending.signal;
}

function chosenQueue(subscribers: Environment['subscribers'], wanted: string | undefined) {
  const names = [...subscribers.keys()];
  const name = wanted ?? (names.length === 1 ? names[0]! : '');
  const url = subscribers.get(name)?.queueUrl;
  if (url !== undefined) return { name, url };
  if (names.length === 0)
    throw new Failure('cdk.json names no subscribers, so there is no queue of events.', 2);
  throw new Failure(`Which queue? Name one with --queue: ${names.join(', ')}.`, 2);
}

async function receive(sqs: Environment['sqs'], QueueUrl: string): Promise<Message | undefined> {
  const { Messages = [] } = await sqs.send(
    new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 1, WaitTimeSeconds: WAIT_SECONDS }),
  );
  return Messages[0];
}

/** Whatever is on the queue goes on as it is; this is for the line about it. */
function readEvent({ Body = '' }: Message): { id?: string; type?: string } {
  try {
    return JSON.parse(Body);
  } catch {
    return {};
  }
}

interface Outcome {
  isTaken: boolean;
  isBrokenOff?: boolean;
  /** In a word or two. */
  said: string;
}

async function post(url: string, body: string, end: AbortSignal): Promise<Outcome> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/cloudevents+json', 'user-agent': 'paytech-ops-listen' },
      body,
      // A redirect is followed by a GET, and its answer is not one to the event.
      redirect: 'manual',
      signal: AbortSignal.any([end, AbortSignal.timeout(LIMIT_MS)]),
    });
    await response.body?.cancel();
    return { isTaken: response.ok, said: String(response.status) };
  } catch (error) {
    if (end.aborted) return { isTaken: false, isBrokenOff: true, said: 'broken off' };
    return { isTaken: false, said: `no answer: ${reasonOf(error as Error)}` };
  }
}

function reasonOf({ name, message, cause }: Error): string {
  if (name === 'TimeoutError') return `none within ${LIMIT_MS / SECOND_MS} s`;
  const { code, message: why } = (cause ?? {}) as Partial<NodeJS.ErrnoException>;
  return code ?? why ?? message;
}
