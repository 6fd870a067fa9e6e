/** What the demo shop's server does with the subscriptions that paytech runs for it, each by its first payment. */
import type { BackOffice } from '../back-office.ts';

/** As the back office's routes answer: `{state, cycles}`; undefined where there is none. */
type Found = Promise<object | undefined>;

export interface Subscriptions {
  find(paymentId: string): Found;
  cancel(paymentId: string): Found;
  /** Lets the simulator charge the next month at once. */
  chargeNext(paymentId: string): Found;
}

export function openSubscriptions(backOffice: BackOffice, simulatorUrl: string): Subscriptions {
  const subscriptions = `${simulatorUrl}/simulator/subscriptions`;

  /** paytech does not say how a shop learns the id: its own back office shows it, and here the simulator does. */
  async function idOf(paymentId: string): Promise<string | undefined> {
    const all = (await (await fetch(subscriptions)).json()) as { id: string; parentPaymentId: string }[];
    return all.find(({ parentPaymentId }) => parentPaymentId === paymentId)?.id;
  }

  async function answered(method: 'GET' | 'POST', paymentId: string, path = ''): Found {
    const id = await idOf(paymentId);
    return id === undefined ? undefined : backOffice<object>(method, `/subscriptions/${id}${path}`);
  }

  return {
    find: (paymentId) => answered('GET', paymentId),
    cancel: (paymentId) => answered('POST', paymentId, '/cancel'),
    async chargeNext(paymentId) {
      await fetch(`${subscriptions}/${await idOf(paymentId)}/cycle`, { method: 'POST' });
      return answered('GET', paymentId);
    },
  };
}
