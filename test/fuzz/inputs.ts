/** How many inputs are tried, and which: `FUZZ_INPUTS` in all, from `FUZZ_SEED`. */
import type { Parameters } from 'fast-check';

const ALL = Number(process.env.FUZZ_INPUTS ?? 1_000);
/** Over HTTP, where each takes longer. */
export const HTTP_INPUTS = Number(process.env.FUZZ_HTTP_INPUTS ?? 3_000);

export const seed = process.env.FUZZ_SEED === undefined ? {} : { seed: Number(process.env.FUZZ_SEED) };

/** Parts of the whole, by route: where bodies are read and money is moved, more. */
const SHARES: Record<string, number> = {
  'POST /payments': 0.15,
  'POST /operations/refunds': 0.08,
  'POST /operations/withdrawals': 0.1,
  'POST /webhooks/paytech': 0.1,
  'webhooks behind the signature': 0.15,
};
const SHARE_OF_ANY_OTHER = 0.025;

/** The settings of fast-check for one part; a failure names the seed that repeats it. `atOnce` inputs make one run. */
export function inputsFor(part: string, atOnce = 1): Parameters<unknown> {
  return { numRuns: Math.ceil((ALL * (SHARES[part] ?? SHARE_OF_ANY_OTHER)) / atOnce), ...seed };
}
