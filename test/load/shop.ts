/** The customers of the shop and paytech's side of it: what is sent, what came back, and what is still owed an answer. */
import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import fc from 'fast-check';
import { LOCAL_KEYS, type LocalService } from '../../infra/local/local-service.ts';
import { sign } from '../../shared/paytech/signature.ts';
import { forEachOf } from '../../shared/runtime/concurrency.ts';
import type { Sent } from './generator.ts';
import { type Order, orderBody, ordersOf } from './orders.ts';
import type { Measured, Traffic } from './traffic.ts';

export interface Placed {
  order: Order;
  /** Every id that a 200 or 201 has named. */
  paymentIds: Set<string>;
}

const JSON_TYPE = { 'content-type': 'application/json' };
const WIDTH = 16;
/** Contradictions of one payment that are sent at most: as many as a record keeps. */
const MAX_LIES = 4;
const RETRY_MS = 1_000;

/** What a storm is made of: changes, the same again, what was true before, contradictions, and no payments at all. */
const kindOfWebhook = fc.oneof(
  { weight: 10, arbitrary: fc.constant('change' as const) },
  { weight: 6, arbitrary: fc.constant('again' as const) },
  { weight: 3, arbitrary: fc.constant('old' as const) },
  { weight: 1, arbitrary: fc.constant('lie' as const) },
  { weight: 1, arbitrary: fc.constant('garbage' as const) },
);

export function openShop(local: LocalService, traffic: Traffic, seed: number) {
  const orders = ordersOf(seed);
  const placed = new Map<string, Placed>();
  /** Of payments that a customer can see and has not paid. */
  const unpaid: { id: string; order: Order }[] = [];
  /** Webhooks that were made here: the body of each that is true, with the contradictions of it that were sent. */
  const sent: { body: string; lies: number }[] = [];
  const acknowledged = new Map<string, string>();
  const owed = new Map<string, Sent>();
  let storms = 0;

  function note(order: Order, status: number, text: string): void {
    if (status !== 200 && status !== 201) return;
    const { id } = JSON.parse(text) as { id: string };
    const { paymentIds } = placed.get(order.referenceId) as Placed;
    if (paymentIds.size === 0) unpaid.push({ id, order });
    paymentIds.add(id);
  }

  const control = (path: string, body?: object) =>
    fetch(`${local.simulatorUrl}/simulator${path}`, {
      method: 'POST',
      headers: JSON_TYPE,
      ...(body && { body: JSON.stringify(body) }),
    });

  /** Pays at the simulator, which notifies the service; answers paytech's object, or undefined while it is away. */
  async function pay({ id, order }: { id: string; order: Order }): Promise<string | undefined> {
    const answer = await control(`/payments/${id}/pay`, order.payment).catch(() => undefined);
    return answer?.ok ? await answer.text() : undefined;
  }

  function webhookOf(body: string): Sent {
    const signature = sign(Buffer.from(body), LOCAL_KEYS.signingKey);
    return { method: 'POST', path: '/webhooks/paytech', headers: { ...JSON_TYPE, signature }, body };
  }

  /** The bodies of a storm; payments are driven for it while paytech's own webhooks are lost. */
  async function stormOf(count: number): Promise<string[]> {
    const kinds = fc.sample(kindOfWebhook, { seed: seed + ++storms, numRuns: count });
    const changed = unpaid.splice(0, kinds.filter((kind) => kind === 'change').length);
    if (changed.length > 0) await control('/faults', { on: 'webhook', kind: 'drop', times: changed.length });
    await forEachOf(changed, WIDTH, async (payment) => {
      const body = await pay(payment);
      if (body) sent.push({ body, lies: 0 });
    });
    await fetch(`${local.simulatorUrl}/simulator/faults`, { method: 'DELETE' });
    const fresh = sent.slice(-changed.length).map(({ body }) => body);
    return kinds.map((kind, index) => {
      const known = sent[(index * 7919) % Math.max(1, sent.length)];
      if (kind === 'garbage' || !known) return `{"id":"garbage-${seed}-${storms}-${index}","state":"?"}`;
      if (kind === 'old') return withState(known.body, 'CHECKOUT');
      if (kind === 'lie' && known.lies < MAX_LIES && !isPending(known.body)) {
        known.lies++;
        return withState(known.body, stateOf(known.body) === 'COMPLETED' ? 'DECLINED' : 'COMPLETED');
      }
      return (kind === 'change' ? fresh.pop() : undefined) ?? known.body;
    });
  }

  async function retry(sent: Sent, done: (status: number, text: string) => boolean): Promise<boolean> {
    const answer = await fetch(local.apiUrl + sent.path, sent).catch(() => undefined);
    return answer ? done(answer.status, await answer.text()) : false;
  }

  return {
    placed,
    /** The bodies that were answered 200, by their SHA-256. */
    acknowledged,

    /** New orders at this rate. */
    async order(rate: number, seconds: number): Promise<Measured> {
      const batch = Array.from({ length: rate * seconds }, () => orders.next().value);
      for (const order of batch) placed.set(order.referenceId, { order, paymentIds: new Set() });
      const requests = batch.map(createOf);
      return traffic.run({ url: local.apiUrl, rate, seconds, requests }, ({ index, status, text }) =>
        note(batch[index] as Order, status, text),
      );
    },

    /** Webhooks at this rate, true ones and others. */
    async storm(rate: number, seconds: number): Promise<Measured> {
      const bodies = await stormOf(rate * seconds);
      const requests = bodies.map(webhookOf);
      for (const [index, body] of bodies.entries()) owed.set(hashOf(body), requests[index] as Sent);
      return traffic.run({ url: local.apiUrl, rate, seconds, requests }, ({ status }, { body = '' }) => {
        if (status === 200) acknowledge(body);
      });
    },

    /** Customers who look at their payment. */
    async look(rate: number, seconds: number): Promise<Measured> {
      const ids = [...placed.values()].flatMap(({ paymentIds }) => [...paymentIds]).slice(-rate * seconds);
      const requests = ids.map((id): Sent => ({ method: 'GET', path: `/payments/${id}`, headers: {} }));
      return traffic.run({ url: local.apiUrl, rate, seconds, requests });
    },

    /** Customers pay, so many a second, and paytech sends its own webhooks. */
    async payWhile(rate: number, signal: AbortSignal): Promise<void> {
      while (!signal.aborted) {
        await delay(1000 / rate);
        const payment = unpaid.shift();
        if (payment && !(await pay(payment))) unpaid.push(payment);
      }
    },

    /** Whoever got no answer asks again, as customers and paytech do, until all have one; answers who have not. */
    async drain(until: number): Promise<number> {
      const unanswered = () => [...placed.values()].filter(({ paymentIds }) => paymentIds.size === 0);
      while ((unanswered().length > 0 || owed.size > 0) && Date.now() < until) {
        await forEachOf(unanswered(), WIDTH, async ({ order }) => {
          await retry(createOf(order), (status, text) => {
            note(order, status, text);
            return true;
          });
        });
        await forEachOf([...owed.values()], WIDTH, async (sent) => {
          await retry(sent, (status) => status === 200 && acknowledge(sent.body ?? ''));
        });
        if (unanswered().length > 0) await delay(RETRY_MS);
      }
      return unanswered().length + owed.size;
    },
  };

  function acknowledge(body: string): boolean {
    acknowledged.set(hashOf(body), body);
    return owed.delete(hashOf(body));
  }
}

export type Shop = ReturnType<typeof openShop>;

export function hashOf(body: string): string {
  return createHash('sha256').update(body).digest('hex');
}

function createOf(order: Order): Sent {
  return { method: 'POST', path: '/payments', headers: JSON_TYPE, body: orderBody(order) };
}

const STATE = /"state":"(\w+)"/;

const stateOf = (body: string) => STATE.exec(body)?.[1];
const isPending = (body: string) => stateOf(body) === 'PENDING';
const withState = (body: string, state: string) => body.replace(STATE, `"state":"${state}"`);
