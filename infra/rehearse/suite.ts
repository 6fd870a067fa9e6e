/** What a rehearsal checks: the end-to-end tests on the deployed stack, and that it can be changed and removed. */
import { join } from 'node:path';
import type { Rehearsal } from './rehearsal.ts';
import { mustRun } from './run.ts';

const root = join(import.meta.dirname, '../..');

export async function runSuite(rehearsal: Rehearsal, signal: AbortSignal): Promise<void> {
  const tests = (...files: string[]) =>
    mustRun('vitest', ['run', '--project', 'deployed', ...files], {
      cwd: root,
      signal,
      show: true,
      env: {
        ...process.env,
        TARGET: 'deployed',
        RECONCILE_PAYMENTS: '50',
        REHEARSAL: JSON.stringify(rehearsal),
      },
    });
  await tests('reconcile.test');
  await tests('service.test', 'operations.test', 'actions.test');
}
