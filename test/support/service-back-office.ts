import { randomUUID } from 'node:crypto';
import { expect, vi } from 'vitest';
import type { Service } from './service.ts';
import { signedCalls } from './signed.ts';

// biome-ignore lint/suspicious/noExplicitAny: JSON of any answer
export type Json = any;

/** Calls of the back office to a running service, which are signed. */
export function backOfficeOf(service: Service) {
  const fault = (on: string, kind: string, times = 1) =>
    service.simulator('POST', '/simulator/faults', { on, kind, times });
  const pay = (id: string, how: object) => service.simulator('POST', `/simulator/payments/${id}/pay`, how);
  const requests = async (): Promise<Json[]> =>
    JSON.parse((await service.simulator('GET', '/simulator/requests')).text);

  const get = (path: string) => signedCalls(service)('GET', path);
  const post = (path: string, body: object | string = {}) =>
    signedCalls(service)('POST', path, typeof body === 'string' ? body : JSON.stringify(body));

  async function eventually(check: () => Promise<void>): Promise<void> {
    await vi.waitFor(check, { timeout: 10_000, interval: 20 });
  }

  async function full(id: string): Promise<Json> {
    return (await get(`/operations/payments/${id}`)).json();
  }

  /** A deposit that the customer has paid, and that says so in the record. */
  async function paidDeposit(amount: string, fields: object = {}): Promise<string> {
    const rest = JSON.stringify({ referenceId: `order-${randomUUID()}`, currency: 'EUR', ...fields });
    const created = await service.api('POST', '/payments', `{"amount":${amount},${rest.slice(1)}`);
    const { id } = created.json() as Json;
    await pay(id, { state: 'COMPLETED' });
    await eventually(async () => expect(await full(id)).toMatchObject({ state: 'COMPLETED' }));
    return id;
  }

  return { fault, pay, requests, get, post, eventually, full, paidDeposit };
}
