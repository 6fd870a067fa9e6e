/**
 * Faults that tests and people set: one queue per call, first set first used, each used `times` times.
 *
 * Of calls: `timeout` never answers, `reset` cuts the connection, `html` answers 200 text/html, `500` and `429`
 * answer so; all of these without doing what was asked. `timeout-after-accept` does it and never answers;
 * `slow` and `delay` do it and answer late.
 * Of webhooks: `drop` loses it with all its retries, `duplicate` sends it twice, `delay` and `slow` send it late,
 * `reorder` lets the next one go first.
 */
export const CALL_FAULTS = [
  'timeout',
  'timeout-after-accept',
  'html',
  'reset',
  '500',
  '429',
  'slow',
  'delay',
] as const;
export const WEBHOOK_FAULTS = ['drop', 'duplicate', 'delay', 'slow', 'reorder'] as const;
export const CALLS = [
  'create',
  'get',
  'list',
  'patch',
  'capture',
  'void',
  'approve',
  'reject',
  'balances',
] as const;

export type Call = (typeof CALLS)[number];
export type CallFault = (typeof CALL_FAULTS)[number];
export type WebhookFault = (typeof WEBHOOK_FAULTS)[number];

export type Fault =
  | { on: Call; kind: CallFault; times: number }
  | { on: 'webhook'; kind: WebhookFault; times: number };

export class Faults {
  #queue: Fault[] = [];

  add(fault: Fault): void {
    this.#queue.push({ ...fault });
  }

  clear(): void {
    this.#queue = [];
  }

  /** Uses up one fault of this call. */
  takeForCall(call: Call): CallFault | undefined {
    const fault = this.#queue.find((each) => each.on === call);
    return fault && fault.on !== 'webhook' ? this.#use(fault) : undefined;
  }

  takeForWebhook(): WebhookFault | undefined {
    const fault = this.#queue.find((each) => each.on === 'webhook');
    return fault ? this.#use(fault) : undefined;
  }

  #use<F extends Fault>(fault: F): F['kind'] {
    fault.times -= 1;
    if (fault.times === 0) this.#queue = this.#queue.filter((each) => each !== fault);
    return fault.kind;
  }
}
