import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { type Environment, findLocalRun } from '../../infra/cli/environment.ts';
import { type Listening, listen } from '../../infra/cli/listen.ts';
import { program } from '../../infra/cli/program.ts';
import { type KindName, trigger } from '../../infra/cli/trigger.ts';
import { listenOnLoopback } from '../../infra/local/http-server.ts';
import { blackHole } from '../support/black-hole.ts';
import { eventProblem } from '../support/event-schema.ts';
import { type LocalRunService, startLocalService } from '../support/service.ts';

/** `paytech-ops listen`, on the whole service, with a consumer that answers as it is told. */

const ENTRY = join(import.meta.dirname, '../../infra/cli/paytech-ops.ts');

let service: LocalRunService;
let local: Environment;
beforeAll(async () => {
  service = await startLocalService();
  for (const [name, value] of Object.entries(service.ops.env)) vi.stubEnv(name, value);
  local = findLocalRun({});
  vi.unstubAllEnvs();
}, 240_000);
afterAll(() => service.stop());
beforeEach(() => void vi.spyOn(process.stderr, 'write').mockReturnValue(true));
afterEach(() => vi.restoreAllMocks());

interface Received {
  method: string | undefined;
  headers: IncomingHttpHeaders;
  body: string;
}

/** Answers with this status, to every request. */
async function consumer(status: number) {
  const requests: Received[] = [];
  const server = await listenOnLoopback(
    createServer(async (request, response) => {
      const body = await text(request);
      response.writeHead(status, { location: '/elsewhere' }).end();
      requests.push({ method: request.method, headers: request.headers, body });
    }),
    0,
  );
  onTestFinished(() => server.close());
  return { url: `${server.url}/payment-events`, requests };
}

/** The ids of the events of what happened. */
async function happened(kind: KindName): Promise<string[]> {
  const { document } = await trigger(local, kind);
  return (document as { events: { id: string }[] }).events.map(({ id }) => id);
}

/** Listens in this process. */
function listening(options: Listening) {
  const ending = new AbortController();
  const listened = listen(local, options, ending.signal);
  return {
    async end() {
      ending.abort();
      return (await listened).document;
    },
  };
}

const said = () => vi.mocked(process.stderr.write).mock.calls.join('');
const waitingAtOnce = async () => (await service.received()).map(({ body }) => JSON.parse(body).id);
const waiting = () => service.depth('payment-events');

it('hands each event on as it is, takes it off the queue, and ends with Ctrl-C', async () => {
  const { url, requests } = await consumer(204);
  const { PATH, HOME } = process.env;
  const env = { PATH, HOME, ...service.ops.env };
  const child = spawn(process.execPath, [ENTRY, 'listen', '--forward-to', url], { env });
  onTestFinished(() => void child.kill('SIGKILL'));
  const output = Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
  const ids = [...(await happened('refund.completed')), ...(await happened('chargeback'))];
  await vi.waitFor(() => expect(requests).toHaveLength(4), { timeout: 30_000 });
  await vi.waitFor(async () => expect(await waiting()).toBe(0), { timeout: 10_000 });
  // npm passes the terminal's on, so that it comes twice.
  child.kill('SIGINT');
  child.kill('SIGINT');
  const [stdout, stderr, [code]] = await output;

  expect(requests.map(({ body }) => JSON.parse(body).id).sort()).toEqual(ids.sort());
  for (const { method, headers, body } of requests) {
    expect([method, headers['content-type']]).toEqual(['POST', 'application/cloudevents+json']);
    expect(eventProblem(body)).toBeUndefined();
  }
  for (const id of ids) expect(stderr).toMatch(new RegExp(`^paytech\\.payment\\.\\w+  ${id}  204$`, 'm'));
  expect([code, stdout]).toEqual([0, '4 events taken.\n']);
});

it('hands on only what --type names, and leaves the rest for the next reader', async () => {
  const { url, requests } = await consumer(200);
  const { end } = listening({ forwardTo: url, type: ['paytech.payment.declined'] });
  const [completed] = await happened('payment.completed');
  const [declined] = await happened('payment.declined');
  await vi.waitFor(() => expect(requests).toHaveLength(1), { timeout: 10_000 });
  expect(await end()).toEqual({ queue: 'payment-events', taken: 1, notTaken: 0 });
  expect(JSON.parse(requests[0]!.body).id).toBe(declined);
  expect(await waitingAtOnce()).toContain(completed);
});

it('leaves an event whose consumer is cut off by Ctrl-C to the next reader', async () => {
  const slow = await blackHole();
  const { end } = listening({ forwardTo: `http://${slow.host}` });
  const [id] = await happened('payment.completed');
  await vi.waitFor(() => expect(slow.received()).toContain(id), { timeout: 10_000 });
  expect(await end()).toMatchObject({ taken: 0, notTaken: 1 });
  expect(said()).toContain(`${id}  broken off`);
  expect(await waitingAtOnce()).toContain(id);
});

// What was not taken stays away for three minutes: these come last.
it.each([500, 404, 302])('leaves an event that is answered with %i to come again', async (status) => {
  const { url, requests } = await consumer(status);
  const before = await waiting();
  const { end } = listening({ forwardTo: url });
  const [id] = await happened('payment.completed');
  await vi.waitFor(() => expect(said()).toContain(`${id}  ${status}`), { timeout: 10_000 });
  expect(await end()).toMatchObject({ taken: 0, notTaken: 1 });
  expect(requests).toHaveLength(1);
  expect(await waiting()).toBe(before + 1);
});

it('leaves an event to come again where no consumer answers', async () => {
  const before = await waiting();
  const { end } = listening({ forwardTo: 'http://127.0.0.1:1/' });
  const [id] = await happened('payment.completed');
  await vi.waitFor(() => expect(said()).toContain(`${id}  no answer: `), { timeout: 10_000 });
  expect(await end()).toMatchObject({ taken: 0, notTaken: 1 });
  expect(await waiting()).toBe(before + 1);
});

it.each([
  [[], 'required option'],
  [['--forward-to', 'localhost:8080'], 'Give a URL such as'],
  [['--forward-to', 'http://127.0.0.1:1', '--type', 'payment.paid'], 'Allowed choices are'],
  [['--forward-to', 'http://127.0.0.1:1', '--queue', 'ledger'], 'Name one with --queue: payment-events.'],
  [['--forward-to', 'http://127.0.0.1:1', '--stack', 'shop'], 'leave out --stack'],
])('%j is refused', async (args, message) => {
  const call = program(() => {}).parseAsync(['listen', ...args], { from: 'user' });
  await expect(call).rejects.toThrow(message);
});

it('asks which queue is meant where there are several', async () => {
  const [queues] = local.subscribers.values();
  const subscribers = new Map([
    ['ledger', queues!],
    ['mail', queues!],
  ]);
  const options = { forwardTo: 'http://127.0.0.1:1/' };
  const ended = AbortSignal.abort();
  await expect(listen({ ...local, subscribers }, options, ended)).rejects.toThrow('--queue: ledger, mail.');
  const chosen = await listen({ ...local, subscribers }, { ...options, queue: 'mail' }, ended);
  expect(chosen.document).toMatchObject({ queue: 'mail' });
});
