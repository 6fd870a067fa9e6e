import { join } from 'node:path';
import type { Part } from './figures.ts';

export const RESULTS_FILE = join(import.meta.dirname, 'dist', 'results.json');

/** What a run leaves, and the report is made from. */
export interface Results {
  /** ISO 8601, UTC. */
  at: string;
  machine: string;
  parts: Record<string, Part & { rounds: number }>;
}
