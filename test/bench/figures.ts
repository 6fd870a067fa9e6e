import type { FunctionName } from '../../shared/runtime/settings.ts';
import type { Estimate } from './statistics.ts';

export interface Target {
  atMost?: number;
  atLeast?: number;
  /** Better than the target: what was hoped for. */
  goal?: number;
}

/** A line of the table: what was measured against what was promised. Without a target it is for information. */
export interface Figure extends Target {
  what: string;
  estimate: Estimate;
}

/** What one contender did, round by round. */
export interface Measurement {
  /** A part of the bench; of the cold starts, the function. */
  subject: FunctionName | 'consumer' | 'service' | 'cost';
  name: string;
  /** By quantity; the name has the unit. */
  values: Record<string, number[]>;
  /** By action, for one event or one request. */
  requests?: Record<string, number>;
}

/** What one part of the bench found out. */
export interface Part {
  figures: Figure[];
  measured: Measurement[];
}

export const compared = (what: string, target: Target, estimate: Estimate): Figure => ({
  what,
  ...target,
  estimate,
});

/** Undefined without a target. */
export function isMet({ atMost, atLeast, estimate: { value } }: Figure): boolean | undefined {
  if (atMost !== undefined) return value <= atMost;
  return atLeast === undefined ? undefined : value >= atLeast;
}
