/**
 * AWS as far as the contenders call it, over TLS, in a process of its own: `aws.ts` starts it. It keeps and
 * evaluates what DynamoDB gets, drops what the queue and the topic get, and counts every request. As
 * paytech it makes payments, and says of each that it is open.
 */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as wait } from 'node:timers/promises';
import { answerDynamoDb, type Item, type Units } from './dynamodb.ts';
import { paymentId, paymentObject } from './events.ts';

export interface Counted {
  /** By action. */
  requests: Record<string, number>;
  units: Units;
}

export interface AwsCommand {
  start?: { key: string; cert: string; secret: string };
  /** How long every request waits, in milliseconds. */
  delayMs?: number;
  /** Whether to answer what was counted since the last time. */
  count?: true;
  /** Items to put into a table, as DynamoDB's JSON has them. */
  seed?: { table: string; items: Item[] };
}

let secret = '';
let delayMs = 0;
let counted = nothingCounted();

process.on('disconnect', () => process.exit());
process.on('message', async (command: AwsCommand) => {
  if (command.delayMs !== undefined) delayMs = command.delayMs;
  if (command.count) {
    process.send?.(counted);
    counted = nothingCounted();
  }
  if (command.seed) {
    for (const Item of command.seed.items) answerDynamoDb('PutItem', { TableName: command.seed.table, Item });
    process.send?.({ seeded: true });
  }
  if (command.start) {
    const { key, cert } = command.start;
    secret = command.start.secret;
    const server = createServer({ key, cert, keepAlive: true }, serve).listen(0, '127.0.0.1');
    await once(server, 'listening');
    process.send?.({ port: (server.address() as AddressInfo).port });
  }
});

function nothingCounted(): Counted {
  return { requests: {}, units: { read: 0, write: 0, index: 0 } };
}

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await text(request);
  const action = actionOf(request, body);
  counted.requests[action] = (counted.requests[action] ?? 0) + 1;
  if (delayMs > 0) await wait(delayMs);
  const {
    status = 200,
    type = 'application/x-amz-json-1.0',
    answer,
  } = answerTo(action, request.url ?? '', body);
  response
    .writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(answer) })
    .end(answer);
}

/** Of the JSON protocols the header names the action, of SNS's query protocol the body; the rest is for paytech. */
function actionOf({ headers, url }: IncomingMessage, body: string): string {
  if (url?.startsWith('/api/v1/')) return 'paytech';
  const target = headers['x-amz-target']?.toString() ?? '';
  return target.split('.').at(-1) || (new URLSearchParams(body).get('Action') ?? '');
}

function answerTo(
  action: string,
  path: string,
  body: string,
): { status?: number; type?: string; answer: string } {
  switch (action) {
    case 'GetSecretValue':
      return { answer: JSON.stringify({ Name: 'secret', SecretString: secret }) };
    case 'SendMessage': {
      const { MessageBody = '' } = JSON.parse(body) as { MessageBody?: string };
      // The SDK compares it.
      const digest = createHash('md5').update(MessageBody).digest('hex');
      return { answer: JSON.stringify({ MD5OfMessageBody: digest, MessageId: 'm' }) };
    }
    case 'PublishBatch':
    case 'Publish': {
      const result = action === 'Publish' ? '<MessageId>m</MessageId>' : '<Successful/><Failed/>';
      const answer = `<${action}Response><${action}Result>${result}</${action}Result></${action}Response>`;
      return { type: 'text/xml', answer };
    }
    case 'paytech': {
      const id = body ? paymentId() : path.split('/').at(-1)!;
      const payment = JSON.parse(paymentObject(id, 'CHECKOUT'));
      const result = { ...payment, ...JSON.parse(body || '{}'), redirectUrl: `https://pay.example/${id}` };
      return { type: 'application/json', answer: JSON.stringify({ status: 200, result }) };
    }
    default: {
      const { units, ...answer } = answerDynamoDb(action, JSON.parse(body));
      for (const kind of ['read', 'write', 'index'] as const) counted.units[kind] += units[kind];
      return answer;
    }
  }
}
