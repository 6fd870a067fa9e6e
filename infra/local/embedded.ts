/** The AWS parts that run inside this process: an in-memory DynamoDB, and an in-memory SQS with SNS. */
import type { RequestListener, Server } from 'node:http';
import dynalite from 'dynalite';
import { buildApp } from 'fauxqs';
import { ACCOUNT } from './account.ts';
import { type LoopbackServer, listenOnLoopback, sendJson } from './http-server.ts';
import { type Gate, openGate } from './trouble.ts';

/** An in-memory DynamoDB on the loopback interface; port 0 takes a free one. */
export function startDynamoDb(port = 0, gate: Gate = openGate()): Promise<LoopbackServer> {
  const server: Server = dynalite({ createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 });
  const [serve] = server.listeners('request') as RequestListener[];
  server.removeAllListeners('request').on('request', async (request, response) => {
    if (await gate.pass()) serve?.(request, response);
    else sendJson(response, 503, { message: 'Service Unavailable' });
  });
  return listenOnLoopback(server, port);
}

/** An in-memory SQS and SNS on the loopback interface; port 0 takes a free one. */
export async function startSqsSns(
  port = 0,
  gates: { queue: Gate; topic: Gate } = { queue: openGate(), topic: openGate() },
): Promise<LoopbackServer> {
  const app = buildApp({ logger: false });
  app.addHook('onRequest', async (request, reply) => {
    const isForQueue = String(request.headers['x-amz-target']).startsWith('AmazonSQS.');
    const isLetThrough = await gates[isForQueue ? 'queue' : 'topic'].pass();
    if (!isLetThrough) return reply.code(503).send({ message: 'Service Unavailable' });
  });
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
