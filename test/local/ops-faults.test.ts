import { createServer } from 'node:http';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { program } from '../../infra/cli/program.ts';
import { LOCAL_KEYS } from '../../infra/local/account.ts';
import { listenOnLoopback } from '../../infra/local/http-server.ts';
import { type Simulator, startSimulator } from '../../infra/local/simulator/simulator.ts';

/** `paytech-ops faults`, from its arguments to what the simulator does. */

let paytech: Simulator;
beforeAll(async () => {
  paytech = await startSimulator(LOCAL_KEYS);
});
afterAll(() => paytech.close());
beforeEach(() => {
  vi.stubEnv('PAYTECH_PORT', new URL(paytech.url).port);
  vi.spyOn(process.stderr, 'write').mockReturnValue(true);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  await fetch(`${paytech.url}/simulator/faults`, { method: 'DELETE' });
});

async function ops(...args: string[]) {
  const results: { document: unknown; text: string }[] = [];
  await program((each) => results.push(each)).parseAsync(args, { from: 'user' });
  return results[0]!;
}
const armed = async (): Promise<{ id: number }[]> =>
  (await fetch(`${paytech.url}/simulator/faults`)).json() as never;
const balances = async () => {
  const headers = { authorization: `Bearer ${LOCAL_KEYS.apiKey}`, 'user-agent': 'a-shop/1' };
  return (await fetch(`${paytech.url}/api/v1/balances`, { headers })).status;
};

it('are set in the order in which they are used, and listed until they are used up', async () => {
  await ops('faults', 'set', 'balances', '500');
  const { document, text } = await ops('faults', 'set', 'webhook', 'drop', '--times', 'always');
  const both = [
    { on: 'balances', kind: '500', times: 1 },
    { on: 'webhook', kind: 'drop', times: 'always' },
  ];
  expect(await armed()).toMatchObject(both);
  expect(document).toEqual({ faults: await armed() });
  expect(text).toMatch(/^ID +ON +KIND +TIMES\n\d+ +balances +500 +1\n\d+ +webhook +drop +always$/);
  expect([await balances(), await balances()]).toEqual([500, 200]);
  expect((await ops('faults')).text).toMatch(/TIMES\n\d+ +webhook +drop +always$/);
});

it('come as often as it says, and are taken away one by one or all at once', async () => {
  await ops('faults', 'set', 'get', 'timeout', '--times', '3');
  await ops('faults', 'set', 'create', 'reset');
  expect(await armed()).toMatchObject([{ times: 3 }, { times: 1 }]);
  const [first] = await armed();
  await ops('faults', 'clear', String(first!.id));
  expect(await armed()).toMatchObject([{ on: 'create', times: 1 }]);
  expect(await ops('faults', 'clear')).toEqual({ document: { faults: [] }, text: 'No fault is set.' });
  expect(await armed()).toEqual([]);
});

it.each([
  ['a call that there is not', ['set', 'refund', '500'], 'Allowed choices are create, get'],
  ['a kind that there is not', ['set', 'get', 'vanish'], 'Allowed choices are timeout, html'],
  ['a number that is none', ['set', 'get', '500', '--times', '0'], 'Give a number from 1 up'],
  [
    'a kind that makes no sense there',
    ['set', 'get', 'drop'],
    'drop makes no sense on get: its kinds are timeout',
  ],
  ['an id that is none', ['clear', 'drop'], 'Give a number from 1 up'],
  ['a stack', ['--stack', 'shop'], 'leave out --stack'],
])('%s is refused as a wrong call, and nothing is set', async (_, args, message) => {
  await expect(ops('faults', ...args)).rejects.toMatchObject({
    message: expect.stringContaining(message),
    exitCode: expect.toSatisfy((code: number) => code !== 0),
  });
  expect(await armed()).toEqual([]);
});

it('what answers in the place of the simulator is not taken for it', async () => {
  const other = await listenOnLoopback(
    createServer((_request, response) => response.end('<p>another program</p>')),
    0,
  );
  vi.stubEnv('PAYTECH_PORT', new URL(other.url).port);
  await expect(ops('faults')).rejects.toThrow('is not the simulator of the local run: see PAYTECH_PORT');
  await other.close();
});
