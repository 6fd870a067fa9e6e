/** Chance that a seed repeats. */

/** A number in [0, 1) that is always the same for the same payment, question and seed. */
export function chanceOf(seed: number, payment: number, question: number): number {
  let hash = Math.imul(payment ^ Math.imul(question, 0x9e3779b1), 0x85ebca6b) ^ seed;
  hash = Math.imul(hash ^ (hash >>> 16), 0x21f0aaad);
  hash = Math.imul(hash ^ (hash >>> 15), 0x735a2d97);
  return ((hash ^ (hash >>> 15)) >>> 0) / 2 ** 32;
}

/** The numbers of one sequence, each in [0, 1). */
export function chances(seed: number): () => number {
  let drawn = 0;
  return () => chanceOf(seed, drawn++, 0xc0ffee);
}
