import type { AddressInfo } from 'node:net';
import dynalite from 'dynalite';
import { buildApp } from 'fauxqs';

export interface Embedded {
  url: string;
  close(): Promise<void>;
}

/** An in-memory DynamoDB on the loopback interface; port 0 takes a free one. */
export async function startDynamoDb(port = 0): Promise<Embedded> {
  const server = dynalite({ createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

/** An in-memory SQS and SNS on the loopback interface; port 0 takes a free one. */
export async function startSqsSns(port = 0): Promise<Embedded> {
  const app = buildApp({ logger: false });
  const url = await app.listen({ port, host: '127.0.0.1' });
  return {
    url,
    close: async () => {
      app.server.closeAllConnections();
      await app.close();
    },
  };
}

/** The URL under which a queue of the embedded SQS can be reached; those it hands out itself do not resolve. */
export function queueUrl(sqsUrl: string, name: string): string {
  return `${sqsUrl}/000000000000/${name}`;
}
