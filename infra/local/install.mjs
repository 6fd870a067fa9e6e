/**
 * Installs the dependencies when they are missing or no longer what package-lock.json says; otherwise silent.
 * Runs before `npm start` and `npm test`, under whatever Node the machine has: it must not import a package.
 */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const OLDEST_TO_INSTALL = 20;
const OLDEST_TO_RUN = 24;
const root = fileURLToPath(new URL('../../', import.meta.url));
const modules = join(root, 'node_modules');
// npm writes its own copy of the lock file last, so an interrupted installation has none.
const installedLock = join(modules, '.package-lock.json');

/** Why an installation is needed, or undefined. */
function reasonToInstall() {
  if (!existsSync(installedLock)) return 'the dependencies are not installed yet';
  const wanted = packagesOf(join(root, 'package-lock.json'));
  const installed = packagesOf(installedLock);
  const isCurrent = ([path, { version, optional, devOptional }]) =>
    installed[path] ? installed[path].version === version : optional || devOptional;
  const isWanted = (path) => path in wanted;
  if (Object.entries(wanted).every(isCurrent) && Object.keys(installed).every(isWanted)) return undefined;
  return 'package-lock.json has changed';
}

function packagesOf(lockFile) {
  const { '': _project, ...packages } = JSON.parse(readFileSync(lockFile, 'utf8')).packages;
  return packages;
}

/**
 * Whether npm succeeded. Optional and development dependencies are part of the run here. Only errors are
 * shown: the warnings are about the machine's Node, which is not the one that will run.
 */
async function install() {
  rmSync(installedLock, { force: true });
  const args = ['ci', '--include=dev', '--include=optional', '--loglevel=error'];
  const options = { cwd: root, stdio: 'inherit' };
  const npmScript = process.env.npm_execpath;
  // npm's own Node, because the one that runs this file may be about to be replaced.
  const node = process.env.npm_node_execpath ?? process.execPath;
  const isNpm = npmScript !== undefined && /npm-cli\.[cm]?js$/.test(npmScript);
  const npm = isNpm
    ? spawn(node, [npmScript, ...args], options)
    : spawn('npm', args, { ...options, shell: process.platform === 'win32' });
  // On Ctrl-C npm first ends what it is at: whoever tries again before that would meet its files.
  process.on('SIGINT', () => console.error('Waiting for npm to clean up.'));
  process.on('SIGTERM', () => npm.kill('SIGTERM'));
  return new Promise((resolve) => {
    npm.once('error', () => resolve(false));
    npm.once('exit', (code) => resolve(code === 0));
  });
}

function fail(message) {
  console.error(message);
  process.exit(1);
}

const major = Number.parseInt(process.versions.node, 10);
if (major < OLDEST_TO_INSTALL) {
  fail(
    `Node ${OLDEST_TO_INSTALL} or newer is needed to install (this is ${process.version}): https://nodejs.org/`,
  );
}

const reason = reasonToInstall();
if (reason) {
  if (process.platform === 'win32' && process.execPath.startsWith(modules + sep)) {
    fail(`Please run "npm ci" first (${reason}): Windows cannot replace the Node that is running this.`);
  }
  console.log(`Running "npm ci", because ${reason}; this takes a minute.`);
  if (!(await install()))
    fail('The installation failed; its output is above. Run the same command again to retry.');
}

const bundledNode = join(modules, '.bin', process.platform === 'win32' ? 'node.cmd' : 'node');
if (major < OLDEST_TO_RUN && !existsSync(bundledNode)) {
  fail(
    `Node ${OLDEST_TO_RUN} or newer is needed (this is ${process.version}), and none could be installed for ` +
      `${process.platform}-${process.arch} as a dependency: install it from https://nodejs.org/ and try again.`,
  );
}
