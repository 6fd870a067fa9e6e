/**
 * The load generator, in a process of its own so that it does not slow down what it measures. It gets by IPC what
 * to send at which rate, and reports every answer as it comes. Loopback addresses only.
 */
import { setTimeout as delay } from 'node:timers/promises';
import autocannon, { type Request } from 'autocannon';

export interface Sent {
  method: 'GET' | 'POST';
  path: string;
  headers: Record<string, string>;
  body?: string;
}

export interface RunOrder {
  run: number;
  url: string;
  /** Requests per second: a multiple of {@link SPREAD}. */
  rate: number;
  seconds: number;
  requests: Sent[];
}

/** `index` is that of the request; `ms` from the last byte sent to the whole answer. */
export type Report =
  | { run: number; index: number; status: number; ms: number; text: string }
  | { run: number; done: true; errors: number };

/** autocannon sends what is due in a second at its beginning: this many start one after another, to spread it. */
const SPREAD = 20;
const TIMEOUT_SECONDS = 20;

process.on('message', async ({ run, url, rate, seconds, requests }: RunOrder) => {
  if (new URL(url).hostname !== '127.0.0.1') throw new Error('This load is for loopback addresses only.');
  let next = 0;
  const send = (report: Report) => process.send?.(report);
  const startShare = async (share: number): Promise<number> => {
    await delay((share * 1000) / SPREAD);
    let answered = { index: 0, text: '' };
    const request: Request = {
      setupRequest: (defaults, context) => {
        const index = next++ % requests.length;
        Object.assign(context, { index });
        return { ...defaults, ...(requests[index] as Sent) };
      },
      onResponse: (_status, text, context) => {
        answered = { index: (context as { index: number }).index, text };
      },
    };
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    const instance = autocannon(
      {
        url,
        // One request per second on each connection, so that a slow answer holds up none of the others.
        connections: rate / SPREAD,
        overallRate: rate / SPREAD,
        duration: seconds,
        timeout: TIMEOUT_SECONDS,
        requests: [request],
      },
      (error, result) => (error ? reject(error) : resolve(result.errors)),
    );
    instance.on('response', (_client, status, _bytes, ms) => send({ run, ...answered, status, ms }));
    return promise;
  };
  const shares = Array.from({ length: SPREAD }, (_, share) => startShare(share));
  const errors = (await Promise.all(shares)).reduce((sum, each) => sum + each, 0);
  send({ run, done: true, errors });
});
