/** The AWS parts that run inside this process: an in-memory DynamoDB, and an in-memory SQS with SNS. */
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import dynalite from 'dynalite';
import { buildApp } from 'fauxqs';
import { ACCOUNT } from './account.ts';
import { refusalOf } from './callers.ts';
import './failed-conditions.ts';
import { type LoopbackServer, listenOnLoopback, sendJson } from './http-server.ts';
import { type Gate, openGate } from './trouble.ts';

/** An in-memory DynamoDB on the loopback interface; port 0 takes a free one. */
export async function startDynamoDb(port = 0, gate: Gate = openGate()): Promise<LoopbackServer> {
  const underWay = new Set<Promise<void>>();
  let isClosing = false;
  const server: Server = dynalite({ createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 });
  const [serve] = server.listeners('request') as RequestListener[];
  server.removeAllListeners('request').on('request', async (request, response) => {
    const refusal = refusalOf(request.headers);
    if (refusal) return sendJson(response, 403, { message: refusal });
    const isLetThrough = await gate.pass();
    if (!isLetThrough || isClosing) return sendJson(response, 503, { message: 'Service Unavailable' });
    const ended = answered(request, response).then(() => {
      underWay.delete(ended);
    });
    underWay.add(ended);
    serve?.(request, response);
  });
  const listening = await listenOnLoopback(server, port);
  return {
    ...listening,
    // A request goes on when its client has gone, and one whose database was closed under it throws.
    close: async () => {
      isClosing = true;
      await Promise.all(underWay);
      await listening.close();
    },
  };
}

/** Resolves when nothing more is done for a request: it was answered, or its body never came. */
function answered(request: IncomingMessage, response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const end = response.end.bind(response) as (...args: unknown[]) => ServerResponse;
    response.end = (...args: unknown[]) => {
      resolve();
      return end(...args);
    };
    request.once('close', () => {
      if (!request.complete) resolve();
    });
  });
}

/** The name of no attribute: SQS allows no empty one. */
const NO_ATTRIBUTE = '';

/** An in-memory SQS and SNS on the loopback interface; port 0 takes a free one. */
export async function startSqsSns(
  port = 0,
  gates: { queue: Gate; topic: Gate } = { queue: openGate(), topic: openGate() },
): Promise<LoopbackServer> {
  const app = buildApp({ logger: false });
  app.addHook('onRequest', async (request, reply) => {
    const refusal = refusalOf(request.headers);
    if (refusal) return reply.code(403).send({ message: refusal });
    const isForQueue = String(request.headers['x-amz-target']).startsWith('AmazonSQS.');
    const isLetThrough = await gates[isForQueue ? 'queue' : 'topic'].pass();
    if (!isLetThrough) return reply.code(503).send({ message: 'Service Unavailable' });
  });
  // fauxqs hands out every message attribute where none is asked for, and SQS none.
  app.addHook('preHandler', async (request) => {
    if (request.headers['x-amz-target'] !== 'AmazonSQS.ReceiveMessage') return;
    const asked = request.body as { MessageAttributeNames?: string[] };
    if (!asked.MessageAttributeNames?.length) asked.MessageAttributeNames = [NO_ATTRIBUTE];
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
