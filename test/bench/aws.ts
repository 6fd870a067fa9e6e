import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { AwsCommand, Counted } from './aws-process.ts';
import { makeCertificate } from './certificate.ts';
import type { Item } from './dynamodb.ts';

/** What every contender's secret holds: the signing key, or the API key. */
export const SECRET = 'a-signing-key-of-the-bench';

/** The fake AWS of this run, and what a function needs to know of it. */
export interface Aws {
  url: string;
  environment: Record<string, string>;
  delay(ms: number): void;
  /** Since the last time. */
  count(): Promise<Counted>;
  /** Puts items into a table. */
  seed(table: string, items: Item[]): Promise<void>;
  close(): Promise<void>;
}

export async function startAws(): Promise<Aws> {
  const { key, cert, authorityFile, remove } = await makeCertificate();
  const child = fork(join(import.meta.dirname, 'aws-process.ts'), {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const send = (command: AwsCommand) => child.send(command);
  send({ start: { key, cert, secret: SECRET } });
  const { port } = await received<{ port: number }>(child);
  const url = `https://localhost:${port}`;
  return {
    url,
    environment: {
      NODE_EXTRA_CA_CERTS: authorityFile,
      AWS_ENDPOINT_URL: url,
      AWS_REGION: 'eu-central-1',
      AWS_ACCESS_KEY_ID: 'bench',
      AWS_SECRET_ACCESS_KEY: 'bench',
      AWS_SESSION_TOKEN: 'bench',
    },
    delay: (delayMs) => send({ delayMs }),
    count: async () => {
      send({ count: true });
      return received(child);
    },
    seed: async (table, items) => {
      send({ seed: { table, items } });
      await received(child);
    },
    close: async () => {
      const closed = once(child, 'close');
      child.kill();
      await Promise.all([closed, remove()]);
    },
  };
}

async function received<T>(child: ChildProcess): Promise<T> {
  const [message] = await once(child, 'message');
  return message as T;
}
