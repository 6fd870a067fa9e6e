import { ScanCommand } from '@aws-sdk/client-dynamodb';
import { DeleteMessageCommand, GetQueueAttributesCommand, ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { afterAll, expect, vi } from 'vitest';
import { LOCAL_KEYS, type LocalOptions } from '../../infra/local/local-service.ts';
import { sign } from '../../shared/paytech/signature.ts';
import { amountsAsNumbers } from './amounts.ts';
import { deployedTarget } from './deployed-target.ts';
import { eventProblem } from './event-schema.ts';
import { localTarget } from './local-target.ts';
import { isDeployed, type Target } from './target.ts';

const ANOTHER_SYSTEM = { authorization: `Bearer ${LOCAL_KEYS.apiKey}`, 'user-agent': 'another-system/1' };

/** The service of the target, as its users see it. The options are for the local run; a stack is what was deployed. */
export async function startService(options: LocalOptions = {}) {
  return serviceOf(isDeployed ? await deployedTarget() : await localTarget(options));
}

/** The service of the target for all tests of a file. */
export async function sharedService(options: LocalOptions = {}): Promise<Service> {
  const service = await startService(options);
  afterAll(() => service.stop());
  return service;
}

/** The service on this machine, for tests that reach into its parts. */
export async function startLocalService(options: LocalOptions = {}) {
  const target = await localTarget(options);
  return { ...serviceOf(target), ...target.parts };
}

/** The running service as its users see it: over HTTP, and through its queues and its table. */
function serviceOf(target: Target) {
  const { sqs, dynamo } = target;
  const events: { body: string; attributes: Record<string, string | undefined> }[] = [];

  async function call(base: string, method: string, path: string, body?: string | Uint8Array, headers = {}) {
    const response = await fetch(new URL(path, base), {
      method,
      headers: { 'content-type': 'application/json', ...headers },
      ...(body === undefined ? {} : { body: body as NonNullable<RequestInit['body']> }),
    });
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      text,
      json: (): Record<string, never> => JSON.parse(text),
    };
  }
  /** Throws on an answer that has an amount as a JSON number, whatever was asked. */
  async function api(method: string, path: string, body?: string | Uint8Array, headers = {}) {
    const answer = await call(target.apiUrl, method, path, body, headers);
    const isJson = answer.headers.get('content-type')?.includes('json');
    const numbers = isJson ? amountsAsNumbers(answer.json()) : [];
    if (numbers.length > 0) throw new Error(`${numbers} are numbers in the answer to ${method} ${path}`);
    return answer;
  }
  const simulator = (method: string, path: string, body?: unknown) =>
    call(target.simulatorUrl, method, path, body === undefined ? undefined : JSON.stringify(body));

  /** Everything that subscribers have been sent so far; throws on an event that is not as its schema says. */
  async function receivedEvents() {
    const QueueUrl = target.queueUrl('payment-events');
    for (;;) {
      const { Messages = [] } = await sqs.send(
        new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, MessageAttributeNames: ['All'] }),
      );
      if (Messages.length === 0) return events;
      for (const { Body = '', MessageAttributes = {}, ReceiptHandle } of Messages) {
        const problem = eventProblem(Body);
        if (problem) throw new Error(`Not as payment-event.schema.json says: ${problem} in ${Body}`);
        const attributes = Object.entries(MessageAttributes).map(([name, value]) => [
          name,
          value.StringValue,
        ]);
        events.push({ body: Body, attributes: Object.fromEntries(attributes) });
        await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
      }
    }
  }

  return {
    ...target,
    /** All events that subscribers have been sent. */
    received: receivedEvents,
    api,
    simulator,
    clearFaults: () => simulator('DELETE', '/simulator/faults'),
    /** Makes a payment at paytech, as another system with the shop's key does; the payment object that it answered. */
    async madeElsewhere(body: object): Promise<Record<string, unknown> & { id: string }> {
      const answer = await call(
        target.simulatorUrl,
        'POST',
        '/api/v1/payments',
        JSON.stringify(body),
        ANOTHER_SYSTEM,
      );
      return answer.json().result!;
    },
    /** Waits until paytech itself has the payment in this state. */
    untilAtPaytech: (id: string, state: string) =>
      vi.waitFor(
        async () => {
          const path = `/api/v1/payments/${id}`;
          const answer = await call(target.simulatorUrl, 'GET', path, undefined, ANOTHER_SYSTEM);
          expect(answer.json()).toMatchObject({ result: { state } });
        },
        { timeout: 10_000, interval: 20 },
      ),
    /** Sends the body as paytech would. */
    webhook: (body: string | Uint8Array, headers: Record<string, string> = {}) => {
      const signature = sign(Buffer.from(body), LOCAL_KEYS.signingKey);
      return api('POST', '/webhooks/paytech', body, { Signature: signature, ...headers });
    },
    eventsOf: async (id: string) =>
      (await receivedEvents()).filter(({ body }) => JSON.parse(body).subject === id),
    /** Messages of a queue, available or in flight. */
    async depth(name: string): Promise<number> {
      const { Attributes = {} } = await sqs.send(
        new GetQueueAttributesCommand({ QueueUrl: target.queueUrl(name), AttributeNames: ['All'] }),
      );
      return (
        Number(Attributes.ApproximateNumberOfMessages) +
        Number(Attributes.ApproximateNumberOfMessagesNotVisible)
      );
    },
    /** The stored item, numbers as texts. */
    async item(pk: string): Promise<Record<string, unknown> | undefined> {
      return (await items()).find((each) => each.pk === pk);
    },
    items,
    async stop() {
      await target.close();
    },
  };

  async function items(): Promise<Record<string, unknown>[]> {
    const all: Record<string, unknown>[] = [];
    let from: Record<string, never> | undefined;
    do {
      const page = await dynamo.send(
        new ScanCommand({ TableName: target.tableName, ExclusiveStartKey: from }),
      );
      all.push(...(page.Items ?? []).map((item) => unmarshall(item, { wrapNumbers: (text) => text })));
      from = page.LastEvaluatedKey as typeof from;
    } while (from);
    return all;
  }
}

export type Service = Awaited<ReturnType<typeof startService>>;
export type LocalRunService = Awaited<ReturnType<typeof startLocalService>>;
