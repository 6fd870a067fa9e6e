/** Faults that tests and people set: one queue per call, first set first used, each used `times` times. */
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

/** What each kind does, in the words of the control room and of docs/faults.md. */
export const WHAT_HAPPENS: Readonly<Record<CallFault | WebhookFault, string>> = {
  timeout: 'no answer, and nothing was done',
  reset: 'the connection is cut, and nothing was done',
  html: '200 with a page in place of an answer, and nothing was done',
  '500': 'an answer with this status, and nothing was done',
  '429': 'an answer with this status, and nothing was done',
  'timeout-after-accept': 'it is done, and no answer comes',
  '429-after-accept': 'it is done, and the answer says that it was not',
  slow: 'it is done, and the answer comes after 2 s',
  delay: 'it is done, and the answer comes late, by 3 s at most',
  sparse: 'the answer has the least that paytech promises',
  lag: 'a list without what changed in the last minute',
  drop: 'the webhook is lost, with all its retries',
  duplicate: 'it comes twice',
  reorder: 'the next one comes first',
};

export interface Fault {
  on: On;
  kind: CallFault | WebhookFault;
  times: number | 'always';
}

/** `delay` holds an answer or a webhook no longer than this. */
export const LONGEST_DELAY_MS = 3000;

/** One that is set, with the number by which it is taken away. */
export type SetFault = Fault & { id: number };

export class Faults {
  #queue: SetFault[] = [];
  #lastId = 0;

  add(fault: Fault): SetFault {
    this.#lastId += 1;
    const set = { id: this.#lastId, ...fault };
    this.#queue.push(set);
    return { ...set };
  }

  clear(): void {
    this.#queue = [];
  }

  /** Takes one away; it does not matter if it has been used up meanwhile. */
  remove(id: number): void {
    this.#queue = this.#queue.filter((each) => each.id !== id);
  }

  /** Those that are left, first used first. */
  all(): readonly SetFault[] {
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
