import { median, quantileSorted, sampleWithReplacement, shuffle } from 'simple-statistics';

/** A median with its 95 % interval. */
export interface Estimate {
  value: number;
  low: number;
  high: number;
}

const RESAMPLES = 2000;

/** The median, and the interval in which 95 % of the medians of bootstrap resamples lie. */
export function estimate(sample: number[]): Estimate {
  const medians = Array.from({ length: RESAMPLES }, () =>
    median(sampleWithReplacement(sample, sample.length)),
  );
  medians.sort((a, b) => a - b);
  return {
    value: median(sample),
    low: quantileSorted(medians, 0.025),
    high: quantileSorted(medians, 0.975),
  };
}

/** What is counted and does not vary. */
export const exactly = (value: number): Estimate => ({ value, low: value, high: value });

/** The ratio of two contenders: both were measured in each round, so that what slows a round slows both. */
export function ratio(numerators: number[], denominators: number[]): Estimate {
  return estimate(numerators.map((each, round) => each / denominators[round]!));
}

/** Measures each contender once a round, in another random order each time; the results by contender. */
export async function interleave<T, R>(
  contenders: readonly T[],
  rounds: number,
  measure: (contender: T, round: number) => Promise<R>,
): Promise<Map<T, R[]>> {
  const results = new Map<T, R[]>(contenders.map((each) => [each, []]));
  for (let round = 0; round < rounds; round++) {
    for (const contender of shuffle([...contenders])) {
      results.get(contender)!.push(await measure(contender, round));
    }
  }
  return results;
}
