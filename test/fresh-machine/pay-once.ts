import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';

/** How long a step may take on a busy machine, in milliseconds: an upper limit, and no pass condition. */
const STEP_LIMIT_MS = 300_000;
const TEST_CARD = '4000 0000 0000 0408';

/** `npm start` until it is ready, one payment created and paid, Ctrl-C. Throws where it is not as README says. */
export async function payOnce(cwd: string, env: NodeJS.ProcessEnv): Promise<string> {
  const [PORT, PAYTECH_PORT, SQS_PORT, DYNAMODB_PORT] = await freePorts(4);
  const ports = { PORT, PAYTECH_PORT, SQS_PORT, DYNAMODB_PORT };
  // A group of its own, which Ctrl-C ends as a whole, as in a terminal.
  const service = spawn('npm', ['start'], { cwd, env: { ...env, ...ports }, detached: true });
  const ended = once(service, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
  const limit = setTimeout(() => process.kill(-service.pid!, 'SIGKILL'), STEP_LIMIT_MS);
  const output: string[] = [];
  try {
    await isReady(service, output);
    const began = Date.now();
    const state = await pay(
      `http://127.0.0.1:${PORT}`,
      `http://127.0.0.1:${PAYTECH_PORT}`,
      began + STEP_LIMIT_MS,
    );
    if (state !== 'COMPLETED') throw new Error(`the payment is ${state}`);
    process.kill(-service.pid!, 'SIGINT');
    // Closed is its output once the service itself has ended. npm 9 and 10 end by the signal that they were sent.
    const [code, signal] = await ended;
    if (code !== 0 && signal !== 'SIGINT') throw new Error(`npm start ended with ${code ?? signal}`);
    return 'npm start, paid, ended';
  } catch (error) {
    console.error(output.slice(-60).join('\n'));
    throw error;
  } finally {
    clearTimeout(limit);
    if (service.exitCode === null && service.signalCode === null) process.kill(-service.pid!, 'SIGKILL');
  }
}

async function isReady(service: ReturnType<typeof spawn>, output: string[]): Promise<void> {
  createInterface({ input: service.stderr! }).on('line', (line) => output.push(line));
  for await (const line of createInterface({ input: service.stdout! })) {
    output.push(line);
    if (line.startsWith('ready')) {
      service.stdout!.resume();
      return;
    }
  }
  throw new Error('npm start ended before it was ready');
}

async function pay(api: string, simulator: string, until: number): Promise<string> {
  const order = { referenceId: 'order-1', amount: 11.12, currency: 'EUR', paymentMethod: 'BASIC_CARD' };
  const { id } = await json(`${api}/payments`, order);
  await json(`${simulator}/simulator/payments/${id}/pay`, { cardNumber: TEST_CARD });
  for (;;) {
    const { state, final } = await json(`${api}/payments/${id}`);
    if (final || Date.now() > until) return state!;
  }
}

async function json(url: string, body?: object): Promise<{ id?: string; state?: string; final?: boolean }> {
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(url, body ? { method: 'POST', headers, body: JSON.stringify(body) } : {});
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}: ${await answer.text()}`);
  return (await answer.json()) as { id?: string; state?: string; final?: boolean };
}

async function freePorts(count: number): Promise<string[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer().listen(0, '127.0.0.1');
      await once(server, 'listening');
      return server;
    }),
  );
  const ports = servers.map((server) => String((server.address() as { port: number }).port));
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
  return ports;
}
