import { homedir } from 'node:os';
import { expect, test, vi } from 'vitest';
import { NO_AWS } from '../../infra/local/isolation.ts';
import { temporaryFunction } from '../support/temporary-function.ts';

const until = (condition: () => boolean) => vi.waitUntil(condition, { timeout: 5000 });

test('a handler gets the event, a Lambda context and only the environment of its function', async () => {
  const workers = temporaryFunction(
    `import { homedir } from 'node:os';
    export const handler = async (event, context) => ({
      home: homedir(),
      event, id: context.awsRequestId, name: context.functionName, memory: context.memoryLimitInMB,
      left: context.getRemainingTimeInMillis(), environment: process.env,
    });`,
    { environment: { TABLE: 'payments' } },
  );

  const answer = (await workers.invoke({ hello: 'world' })) as Record<string, unknown>;

  expect(answer).toMatchObject({ event: { hello: 'world' }, name: 'temporary', memory: '128' });
  expect(answer.id).toMatch(/^[0-9a-f-]{36}$/);
  expect(answer.left).toBeGreaterThan(4000);
  expect(answer.left).toBeLessThanOrEqual(5000);
  expect(answer.environment).toMatchObject({ TABLE: 'payments', AWS_LAMBDA_FUNCTION_NAME: 'temporary' });
  expect(answer.environment).toMatchObject(NO_AWS);
  expect(answer.home).not.toBe(homedir());
});

test('what a handler throws reaches the caller, and the worker goes on', async () => {
  const workers = temporaryFunction(
    `export const handler = async ({ fail }) => { if (fail) throw new RangeError('too far'); return process.pid; };`,
  );
  const before = await workers.invoke({});

  await expect(workers.invoke({ fail: true })).rejects.toMatchObject({
    name: 'RangeError',
    message: 'too far',
  });

  expect(await workers.invoke({})).toBe(before);
});

test('at most two requests run at once, each process one at a time; the rest wait', async () => {
  const workers = temporaryFunction(
    `let running = 0;
     export const handler = async () => {
       const most = ++running;
       await new Promise((resolve) => setTimeout(resolve, 30));
       running--;
       return { pid: process.pid, most };
     };`,
  );

  const answers = (await Promise.all(Array.from({ length: 8 }, () => workers.invoke({})))) as {
    pid: number;
    most: number;
  }[];

  expect(new Set(answers.map(({ pid }) => pid)).size).toBe(2);
  expect(answers.every(({ most }) => most === 1)).toBe(true);
});

test('a handler beyond its time limit is killed, and the next request gets a new process', async () => {
  const workers = temporaryFunction(
    `export const handler = async ({ hang }) => { if (hang) for (;;); return process.pid; };`,
    { timeoutMs: 300 },
  );
  const before = await workers.invoke({});

  await expect(workers.invoke({ hang: true })).rejects.toMatchObject({
    name: 'Sandbox.Timedout',
    message: 'Task timed out after 0.30 seconds',
  });

  expect(await workers.invoke({})).not.toBe(before);
});

test('a process that dies fails its own request only', async () => {
  const workers = temporaryFunction(
    `export const handler = async ({ die }) => { if (die) process.exit(3); return 'fine'; };`,
  );

  const outcomes = await Promise.allSettled(
    [{ die: true }, {}, {}, {}].map((event) => workers.invoke(event)),
  );

  expect(outcomes[0]).toMatchObject({
    reason: { name: 'Runtime.ExitError', message: 'The worker exited with code 3' },
  });
  expect(outcomes.slice(1).every(({ status }) => status === 'fulfilled')).toBe(true);
});

test('kill ends a request in the middle, as a crash of the machine would', async () => {
  const workers = temporaryFunction(
    `export const handler = async ({ hang }) => { if (hang) { console.log('hanging'); await new Promise(() => {}); } return 'fine'; };
     setInterval(() => {}, 1000);`,
  );
  const hanging = workers.invoke({ hang: true });
  hanging.catch(() => {});
  await until(() => workers.logs.includes('hanging'));

  expect(workers.kill()).toBe(1);

  await expect(hanging).rejects.toThrow('The worker exited with SIGKILL');
  expect(await workers.invoke({})).toBe('fine');
});

test('a bundle that cannot be loaded fails every request, with its reason in the log', async () => {
  const workers = temporaryFunction(`throw new Error('no table');`);

  await expect(workers.invoke({})).rejects.toMatchObject({ name: 'Runtime.ExitError' });
  await expect(workers.invoke({})).rejects.toMatchObject({ name: 'Runtime.ExitError' });

  await until(() => workers.logs.some((line) => line.includes('no table')));
});

test('closing rejects what is queued and leaves no process', async () => {
  const workers =
    temporaryFunction(`export const handler = () => new Promise(() => {}); console.log(process.pid);
    setInterval(() => {}, 1000);`);
  const requests = Promise.allSettled([1, 2, 3].map((event) => workers.invoke(event)));
  await until(() => workers.logs.length === 2);

  await workers.close();

  expect((await requests).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
  for (const pid of workers.logs) expect(() => process.kill(Number(pid), 0)).toThrow('ESRCH');
});
