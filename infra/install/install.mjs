/**
 * Installs the dependencies when they are missing or no longer what package-lock.json says; otherwise silent.
 * Runs before `npm start` and `npm test`, under whatever Node the machine has: it must not import a package.
 */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join, sep } from 'node:path';
import { adviceOn } from './advice.mjs';
import {
  bundledNode,
  bundledPackage,
  isNewEnough,
  linkBundledNode,
  modules,
  OLDEST_TO_RUN,
  root,
} from './bundled-node.mjs';

const OLDEST_TO_INSTALL = 20;
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
  if (!Object.entries(wanted).every(isCurrent) || !Object.keys(installed).every(isWanted)) {
    return 'package-lock.json has changed';
  }
  const leftOut = Object.keys(wanted).filter((path) => !installed[path] && isForThisMachine(wanted[path]));
  if (leftOut.length > 0) return 'optional dependencies were left out, and this machine needs them';
  const isGone = `node_modules/${bundledPackage}` in installed && !existsSync(bundledNode);
  return isGone ? 'a part of the dependencies is gone' : undefined;
}

/** A package with a binary; those that merely may be there, such as peers, name no platform. */
function isForThisMachine({ optional, os, cpu, libc }) {
  const isNamed = (names, name) => [names].flat().includes(name);
  if (!optional || !os || !cpu || !isNamed(os, process.platform) || !isNamed(cpu, process.arch)) return false;
  return !libc || isNamed(libc, process.report.getReport().header.glibcVersionRuntime ? 'glibc' : 'musl');
}

function packagesOf(lockFile) {
  const { '': _project, ...packages } = JSON.parse(readFileSync(lockFile, 'utf8')).packages;
  return packages;
}

/**
 * Undefined when npm succeeded, else what it complained of. Optional and development dependencies are part of the
 * run here, which .npmrc says. Only errors are shown: the warnings are about the machine's Node, which is not the
 * one that will run.
 */
async function install() {
  rmSync(installedLock, { force: true });
  const args = ['ci', '--loglevel=error'];
  const options = { cwd: root, stdio: ['inherit', 'inherit', 'pipe'] };
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
  let complaints = '';
  npm.stderr.on('data', (chunk) => {
    process.stderr.write(chunk);
    complaints += chunk;
  });
  return new Promise((resolve) => {
    npm.once('error', (error) => resolve(error.message));
    npm.once('close', (code) => resolve(code === 0 ? undefined : complaints));
  });
}

function linked() {
  try {
    return linkBundledNode();
  } catch (error) {
    return fail(
      `The Node of the dependencies could not be linked: ${error.message}. ${adviceOn(error.message)}`,
    );
  }
}

function fail(message) {
  console.error(message);
  process.exit(1);
}

if (Number.parseInt(process.versions.node, 10) < OLDEST_TO_INSTALL) {
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
  const complaints = await install();
  if (complaints !== undefined) {
    fail(
      `The installation failed; npm's messages are above. ${adviceOn(complaints)}\nThen run the same command again.`,
    );
  }
  if (reasonToInstall()) {
    fail(
      'npm left out packages that this machine needs. Try "npm ci --include=optional" and read its output.',
    );
  }
}

if (!linked() && !isNewEnough()) {
  const why = bundledPackage
    ? `the one among the dependencies (${bundledPackage}) does not run on this machine`
    : `there is none among the dependencies for ${process.platform}-${process.arch}`;
  fail(
    `Node ${OLDEST_TO_RUN} or newer is needed: this is ${process.version}, and ${why}. ` +
      'Install one from https://nodejs.org/ or your package manager, and try again.',
  );
}
