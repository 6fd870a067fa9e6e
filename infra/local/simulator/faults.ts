/**
 * Faults that tests and people set: one queue per call, first set first used, each used `times` times.
 *
 * Of calls: `timeout` never answers, `reset` cuts the connection, `html` answers 200 text/html, `500` and `429`
 * answer so; all of these without doing what was asked. `timeout-after-accept` does it and never answers;
 * `429-after-accept` does it and says that it did not; `slow` and `delay` do it and answer late, `delay` by 3 s at
 * most; `sparse` answers with the least that the contract allows; `lag` answers a list without what changed in the
 * last minute.
 * Of webhooks: `drop` loses it with all its retries, `duplicate` sends it twice, `delay` and `slow` send it late,
 * `reorder` lets the next one go first, `sparse` says an id and a state.
 */
const ANY_CALL = ['timeout', 'html', 'reset', '500', '429', 'slow', 'delay', 'sparse'] as const;
const DOING = [...ANY_CALL, 'timeout-after-accept', '429-after-accept'] as const;

/** The calls and the kinds of fault that make sense of each. */
export const FAULTS = {
  create: DOING,
  get: ANY_CALL,
  list: [...ANY_CALL, 'lag'],
  patch: DOING,
  capture: DOING,
  void: DOING,
  approve: DOING,
  reject: DOING,
  chargeback: DOING,
  operations: ANY_CALL,
  cards: ANY_CALL,
  subscriptions: DOING,
  balances: ANY_CALL,
  webhook: ['drop', 'duplicate', 'delay', 'slow', 'reorder', 'sparse'],
} as const;

export type On = keyof typeof FAULTS;
export type Call = Exclude<On, 'webhook'>;
export type CallFault = (typeof FAULTS)[Call][number];
export type WebhookFault = (typeof FAULTS)['webhook'][number];

export const CALLS = Object.keys(FAULTS) as On[];
export const KINDS: readonly string[] = [...new Set(Object.values(FAULTS).flat())];

export interface Fault {
  on: On;
  kind: CallFault | WebhookFault;
  times: number | 'always';
}

/** `delay` holds an answer or a webhook no longer than this. */
export const LONGEST_DELAY_MS = 3000;

export class Faults {
  #queue: Fault[] = [];

  add(fault: Fault): void {
    this.#queue.push({ ...fault });
  }

  clear(): void {
    this.#queue = [];
  }

  /** Those that are left, first used first. */
  all(): readonly Fault[] {
    return this.#queue;
  }

  /** Uses up one fault of this call. */
  takeForCall(call: Call): CallFault | undefined {
    return this.#take(call) as CallFault | undefined;
  }

  takeForWebhook(): WebhookFault | undefined {
    return this.#take('webhook') as WebhookFault | undefined;
  }

  #take(on: On): Fault['kind'] | undefined {
    const fault = this.#queue.find((each) => each.on === on);
    if (!fault) return undefined;
    if (fault.times !== 'always') fault.times -= 1;
    if (fault.times === 0) this.#queue = this.#queue.filter((each) => each !== fault);
    return fault.kind;
  }
}
