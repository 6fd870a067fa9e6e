import { randomUUID } from 'node:crypto';
import { type ActRequest, type ActResult, act } from '../../shared/calls/act.ts';
import type { HttpEvent } from '../../shared/http/api.ts';
import type { Action } from '../../shared/payment/action.ts';
import { decimal } from '../../shared/payment/money.ts';
import { withQueued } from '../../shared/payment/observation.ts';
import type { PaymentState } from '../../shared/payment/state.ts';
import { recorded } from './recorded.ts';
import type { World } from './world.ts';

export const CALLER = 'arn:aws:iam::000000000000:user/ada';

export const shownState = (result: ActResult) => 'record' in result && withQueued(result.record).state;

export function httpEvent(id: string, body?: string, sourceIp = '203.0.113.7'): HttpEvent {
  return {
    isBase64Encoded: false,
    headers: {},
    pathParameters: { id },
    requestContext: { requestId: randomUUID(), http: { sourceIp } } as HttpEvent['requestContext'],
    ...(body === undefined ? {} : { body }),
  };
}

/** Actions on payments of a world, which are here and at paytech. */
export function actingIn(world: World) {
  /** A payment in this state here and at paytech. */
  function payment(state: PaymentState, amount = '100'): Promise<string> {
    const paymentType = state === 'AWAITING_APPROVAL' ? 'WITHDRAWAL' : 'DEPOSIT';
    return recorded(world, { paymentType, state, amount });
  }

  function ask(
    kind: Action,
    paymentId: string,
    {
      amount,
      deps = {},
      ...more
    }: Partial<Omit<ActRequest, 'amount'>> & { amount?: string; deps?: object } = {},
  ): Promise<ActResult> {
    const run = act({ ...world, ready: async () => {}, ...deps });
    return run({
      kind,
      paymentId,
      ...(amount ? { amount: decimal(amount), body: { amount: decimal(amount) } } : {}),
      caller: CALLER,
      owner: randomUUID(),
      deadline: world.now() + 14_000,
      ...more,
    });
  }

  /** How often paytech was called, by call. */
  const callsDuring = async (work: () => Promise<unknown>) => {
    const before = { ...world.gateway.calls };
    await work();
    return Object.fromEntries(
      Object.entries(world.gateway.calls)
        .map(([name, count]) => [name, count - before[name as keyof typeof before]] as const)
        .filter(([, count]) => count > 0),
    );
  };

  return { payment, ask, callsDuring };
}
