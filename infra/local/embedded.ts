/** The AWS parts that run inside this process: an in-memory DynamoDB, and an in-memory SQS with SNS. */
import type { Server } from 'node:http';
import dynalite from 'dynalite';
import { buildApp } from 'fauxqs';
import { ACCOUNT } from './account.ts';
import { type LoopbackServer, listenOnLoopback } from './http-server.ts';

/** An in-memory DynamoDB on the loopback interface; port 0 takes a free one. */
export function startDynamoDb(port = 0): Promise<LoopbackServer> {
  const server: Server = dynalite({ createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 });
  return listenOnLoopback(server, port);
}

/** An in-memory SQS and SNS on the loopback interface; port 0 takes a free one. */
export async function startSqsSns(port = 0): Promise<LoopbackServer> {
  const app = buildApp({ logger: false });
  // fauxqs hands out URLs on sqs.us-east-1.localhost, which does not resolve everywhere.
  app.addHook('onSend', async (request, _reply, payload) => {
    const action = String(request.headers['x-amz-target']).replace('AmazonSQS.', '');
    const answersUrls = ['CreateQueue', 'GetQueueUrl', 'ListQueues'].includes(action);
    if (!answersUrls || typeof payload !== 'string') return payload;
    return payload.replaceAll(/http:\/\/sqs\.[a-z0-9-]+\.localhost/g, 'http://127.0.0.1');
  });
  const url = await app.listen({ port, host: '127.0.0.1' });
  return {
    url,
    close: async () => {
      app.server.closeAllConnections();
      await app.close();
    },
  };
}

/** The URL under which a queue of the embedded SQS is known. */
export function queueUrl(sqsUrl: string, name: string): string {
  return `${sqsUrl}/${ACCOUNT}/${name}`;
}
