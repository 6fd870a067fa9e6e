import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { program } from '../../infra/cli/program.ts';
import { KINDS, type KindName } from '../../infra/cli/trigger.ts';
import { type LocalRunService, startLocalService } from '../support/service.ts';

/** `paytech-ops trigger`, on the whole service: each kind, from its name to the events that subscribers get. */

let service: LocalRunService;
beforeAll(async () => {
  // As strict as it gets: a deposit needs an order token.
  service = await startLocalService({ orderTokens: 'required' });
}, 240_000);
afterAll(() => service.stop());
beforeEach(() => {
  for (const [name, value] of Object.entries(service.ops.env)) vi.stubEnv(name, value);
  vi.spyOn(process.stderr, 'write').mockReturnValue(true);
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

interface Triggered {
  payments: { id: string; paymentType: string; state: string }[];
  events: { id: string; type: string }[];
}

async function ops(...args: string[]) {
  const results: { document: unknown; text: string }[] = [];
  await program((each) => results.push(each)).parseAsync(args, { from: 'user' });
  return results[0]!;
}

/** Their payments, and the types of their events in order. */
const EXPECTED: Record<KindName, [payments: string[], events: string[]]> = {
  'payment.completed': [['DEPOSIT COMPLETED'], ['completed']],
  'payment.authorized': [['DEPOSIT AUTHORIZED'], ['authorized']],
  'payment.declined': [['DEPOSIT DECLINED'], ['declined']],
  'payment.cancelled': [['DEPOSIT CANCELLED'], ['cancelled']],
  'payment.corrected': [['DEPOSIT DECLINED'], ['completed', 'corrected']],
  'refund.completed': [
    ['DEPOSIT COMPLETED', 'REFUND COMPLETED'],
    ['completed', 'completed'],
  ],
  'withdrawal.completed': [['WITHDRAWAL COMPLETED'], ['completed']],
  'withdrawal.declined': [['WITHDRAWAL DECLINED'], ['declined']],
  chargeback: [['DEPOSIT COMPLETED'], ['completed', 'chargeback']],
  'chargeback.completed': [['DEPOSIT COMPLETED'], ['completed', 'chargeback', 'chargeback']],
  'chargeback.cancelled': [['DEPOSIT COMPLETED'], ['completed', 'chargeback', 'chargeback']],
};

it.each(Object.entries(EXPECTED))('%s makes its payments and events', async (kind, [payments, events]) => {
  const { document, text } = await ops('trigger', kind);
  const made = document as Triggered;
  expect(made.payments.map(({ paymentType, state }) => `${paymentType} ${state}`)).toEqual(payments);
  expect(made.events.map(({ type }) => type)).toEqual(events.map((type) => `paytech.payment.${type}`));
  for (const { id } of [...made.payments, ...made.events]) expect(text).toContain(id);
  const received = async () => (await service.received()).map(({ body }) => JSON.parse(body));
  for (const { id, type } of made.events)
    await vi.waitFor(async () =>
      expect(await received()).toContainEqual(expect.objectContaining({ id, type })),
    );
});

it('waits where the webhook is lost, says so, and finds what reconcile finds', async () => {
  await service.simulator('POST', '/simulator/faults', { on: 'webhook', kind: 'drop' });
  const triggered = ops('trigger', 'payment.completed');
  const told = () => vi.mocked(process.stderr.write).mock.calls.join('');
  await vi.waitFor(() => expect(told()).toContain('the service has not heard of it'), { timeout: 30_000 });
  const found = vi.waitFor(
    async () => {
      await service.invoke('reconcile', {});
      const [id] = /[0-9a-f]{32}/.exec(told())!;
      expect(await service.item(`payment#${id}`)).toMatchObject({ state: 'COMPLETED' });
    },
    { timeout: 30_000, interval: 500 },
  );
  expect((await triggered).document).toMatchObject({ payments: [{ state: 'COMPLETED' }] });
  await found;
});

it('without a kind lists them all', async () => {
  const { document, text } = await ops('trigger');
  expect(document).toEqual({ kinds: Object.entries(KINDS).map(([kind, { is }]) => ({ kind, is })) });
  for (const kind of Object.keys(KINDS)) expect(text).toContain(`\n${kind} `);
});

it('is told the reason where the service refuses the order', async () => {
  await service.simulator('POST', '/simulator/faults', { on: 'create', kind: 'html' });
  await expect(ops('trigger', 'payment.completed')).rejects.toThrow(/^POST \/payments answers HTTP 5\d\d \w/);
});

it.each([
  [['payment.lost'], 'Allowed choices are payment.completed'],
  [['payment.completed', '--stack', 'shop'], 'leave out --stack'],
])('%j is refused', async (args, message) => {
  await expect(ops('trigger', ...args)).rejects.toThrow(message);
});
