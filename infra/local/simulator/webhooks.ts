/** Delivery of signed webhooks to the shop: in the background, retried at growing intervals, each attempt logged. */
import { stringifyJson } from '../../../shared/payment/json.ts';
import { type SignatureEncoding, sign } from '../../../shared/paytech/signature.ts';
import type { AnswerForm } from './answer-forms.ts';
import type { Faults } from './faults.ts';
import type { Timers } from './timers.ts';

export interface WebhookAttempt {
  time: string;
  paymentId: string;
  /** The exact text that was signed. */
  body: string;
  signature: string;
  attempt: number;
  /** null: no answer, or lost on its way by a `drop`. */
  status: number | null;
}

export interface WebhooksOptions {
  /** Where every attempt is written. */
  log: WebhookAttempt[];
  signingKey: string;
  signatureEncoding: SignatureEncoding;
  /** The wait before the first retry; it doubles with each further one. */
  retryMs: number;
  attempts: number;
  timeoutMs: number;
  /** How long `slow` holds a webhook, and `delay`. */
  slowMs: number;
  delayMs: number;
  /** How long `reorder` holds a webhook at most, when no other one comes. */
  reorderMs: number;
  now(): Date;
  timers: Timers;
  faults: Faults;
}

interface Webhook {
  paymentId: string;
  url: string;
  body: string;
  signature: string;
}

export class Webhooks {
  readonly #options: WebhooksOptions;
  readonly #closing = new AbortController();
  /** Lets go the webhooks that wait to be overtaken. */
  #held: (() => void)[] = [];

  constructor(options: WebhooksOptions) {
    this.#options = options;
  }

  /** Returns at once: what is sent, in the form that is set or in the one that a fault asks for. */
  send(paymentId: string, url: string, write: (form?: AnswerForm) => object): object {
    const { faults, signingKey, signatureEncoding, timers, slowMs, delayMs, reorderMs } = this.#options;
    const fault = faults.takeForWebhook();
    const object = write(fault === 'sparse' ? 'sparse' : undefined);
    const body = stringifyJson(object);
    const signature = sign(Buffer.from(body), signingKey, signatureEncoding);
    const webhook = { paymentId, url, body, signature };
    const deliver = () => void this.#deliver(webhook);

    switch (fault) {
      case undefined:
      case 'sparse':
        deliver();
        break;
      case 'drop':
        this.#record(webhook, 1, this.#options.now(), null);
        break;
      case 'duplicate':
        deliver();
        deliver();
        break;
      case 'delay':
        timers.pause(delayMs).then(deliver);
        break;
      case 'slow':
        timers.pause(slowMs).then(deliver);
        break;
      case 'reorder': {
        const overtaken = new Promise<void>((resolve) => this.#held.push(resolve));
        Promise.race([overtaken, timers.pause(reorderMs)]).then(deliver);
        break;
      }
      default:
        fault satisfies never;
    }
    return object;
  }

  close(): void {
    this.#closing.abort();
  }

  async #deliver(webhook: Webhook): Promise<void> {
    const { attempts, retryMs, timers, now } = this.#options;
    const overtaken = this.#held.splice(0);
    for (let attempt = 1; attempt <= attempts; attempt++) {
      if (attempt > 1) await timers.pause(retryMs * 2 ** (attempt - 2));
      const time = now();
      const status = await this.#post(webhook);
      this.#record(webhook, attempt, time, status);
      if (attempt === 1) for (const letGo of overtaken) letGo();
      if (status === 200) return;
    }
  }

  async #post({ url, body, signature }: Webhook): Promise<number | null> {
    try {
      const response = await fetch(url, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'user-agent': 'paytech-simulator',
          signature,
        },
        body,
        redirect: 'manual',
        signal: AbortSignal.any([this.#closing.signal, AbortSignal.timeout(this.#options.timeoutMs)]),
      });
      await response.arrayBuffer();
      return response.status;
    } catch {
      return null;
    }
  }

  #record({ paymentId, body, signature }: Webhook, attempt: number, time: Date, status: number | null): void {
    this.#options.log.push({ time: time.toISOString(), paymentId, body, signature, attempt, status });
  }
}
