/**
 * Why an order token was refused. On AWS only the log says so, since whoever tries forged ones is to learn nothing;
 * on this machine the answer says it too.
 */
import { LOCAL_KEYS } from './account.ts';
import type { ApiAnswer } from './api-event.ts';

export interface RefusedTokens {
  /** Takes a line of a function's log. */
  hear(line: string): void;
  /** Where the answer refuses a token, the same with the reason in its `detail`; else the answer. */
  explain(answer: ApiAnswer): Promise<ApiAnswer>;
}

/** The line is on its way before the answer is, by another pipe. */
const LINE_LIMIT_MS = 2_000;

export function openRefusedTokens(): RefusedTokens {
  const reasons = new Map<string, PromiseWithResolvers<string>>();

  const reasonFor = (requestId: string): PromiseWithResolvers<string> => {
    const reason = reasons.get(requestId) ?? Promise.withResolvers<string>();
    reasons.set(requestId, reason);
    return reason;
  };

  return {
    hear(line) {
      if (!line.includes('"order token refused"')) return;
      const { requestId, reason } = JSON.parse(line);
      reasonFor(requestId).resolve(reason);
    },
    async explain(answer) {
      const problem = answer.statusCode === 401 ? JSON.parse(answer.body.toString()) : {};
      if (problem.code !== 'order.token_invalid') return answer;
      const { promise, resolve } = reasonFor(problem.requestId);
      const tooLate = setTimeout(resolve, LINE_LIMIT_MS, 'see the log of create-payment');
      const reason = await promise;
      clearTimeout(tooLate);
      reasons.delete(problem.requestId);
      const detail = `${problem.detail} Of this one: ${reason}.${adviceOn(reason)}`;
      return { ...answer, body: Buffer.from(JSON.stringify({ ...problem, detail })) };
    },
  };
}

function adviceOn(reason: string): string {
  return reason.startsWith('signature') ? ` The key on this machine is ${LOCAL_KEYS.orderTokenKey}.` : '';
}
