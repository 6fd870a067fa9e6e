/** What a rehearsal checks: the end-to-end tests on the deployed stack, and that it can be changed and removed. */
import { deepStrictEqual } from 'node:assert/strict';
import { join } from 'node:path';
import { stackResources } from './account.ts';
import { functionLogs } from './function-logs.ts';
import { lintTemplate } from './lint.ts';
import { python } from './python.ts';
import type { Rehearsal } from './rehearsal.ts';
import { KEPT_TYPES, stillThere } from './removal.ts';
import { mustRun } from './run.ts';

const root = join(import.meta.dirname, '../..');
const LOG_LINES = 100;

export async function runSuite(rehearsal: Rehearsal, signal: AbortSignal): Promise<void> {
  const tests = (...files: string[]) => runTests(rehearsal, files, signal);
  try {
    await lint(rehearsal);
    // First, since these two look at everything that there is.
    await tests('service/reconcile');
    await tests('service/ops');
    await tests('service/service', 'service/operations', 'service/actions', 'deployed/permissions');
    await tests('deployed/operator');
    await tests('deployed/senders');
    await tests('deployed/doctor');
    await changeIt(rehearsal);
    await tests('service/order-tokens');
    await tests('deployed/getting-started');
    await tests('deployed/restore');
    await removeIt(rehearsal);
    await tests('deployed/removed');
  } catch (error) {
    if (!signal.aborted) await printLogs(rehearsal);
    throw error;
  }
}

async function lint({ templateFile }: Rehearsal): Promise<void> {
  const { code, output } = await lintTemplate(await python(), templateFile);
  if (code !== 0) throw new Error(`cfn-lint does not like the template:\n${output}`);
  console.log('cfn-lint has nothing against the template.');
}

function runTests(rehearsal: Rehearsal, files: string[], signal: AbortSignal): Promise<string> {
  const { client: _client, ...rehearsed } = rehearsal;
  const env = {
    ...rehearsal.env,
    TARGET: 'deployed',
    RECONCILE_PAYMENTS: '50',
    REHEARSAL: JSON.stringify(rehearsed),
  };
  return mustRun('vitest', ['run', '--project', 'deployed', ...files], {
    cwd: root,
    env,
    signal,
    show: true,
  });
}

/** Another setting is deployed over the first, and nothing is left to deploy then. */
async function changeIt(rehearsal: Rehearsal): Promise<void> {
  const before = await keptOf(rehearsal);
  // Not operatorRoles: the emulator has a session's ARN in aws:PrincipalArn, AWS that of its role.
  await rehearsal.deploy({ orderTokens: 'required' });
  deepStrictEqual(await keptOf(rehearsal), before, 'A changed setting must not replace what holds data.');
  await rehearsal.cdk('diff', '--fail');
  console.log('The stack was changed in place, and a second diff is empty.');
}

async function removeIt(rehearsal: Rehearsal): Promise<void> {
  const resources = await stackResources(rehearsal.stack, rehearsal.client);
  const kept = await keptOf(rehearsal);
  await rehearsal.cdk('destroy', '--force');
  const left = await stillThere(resources, rehearsal.client);
  deepStrictEqual(
    left.sort(),
    kept.map(({ type, logicalId }) => `${type} ${logicalId}`).sort(),
    'What holds data stays when the stack is destroyed, and nothing else.',
  );
  console.log(`The stack was destroyed; kept: ${left.join(', ')}`);
}

async function keptOf({ stack, client }: Rehearsal) {
  const resources = await stackResources(stack, client);
  const types: readonly string[] = KEPT_TYPES;
  return resources.filter(({ type }) => types.includes(type));
}

async function printLogs({ stack, client, log }: Rehearsal): Promise<void> {
  const lines = await functionLogs(await stackResources(stack, client), client);
  const own = lines.filter((line) => line.startsWith('{'));
  console.error(`The last lines of the functions:\n${own.slice(-LOG_LINES).join('\n')}`);
  console.error(`The end of the emulator's log:\n${await log()}`);
}
