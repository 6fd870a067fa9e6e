/** The Python tools of requirements.txt, in a virtual environment of their own in the user's cache. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { mustRun, run } from './run.ts';

/** What the machine lacks, as a sentence for whoever has to install it. */
export class MissingTool extends Error {
  override name = 'MissingTool';
}

const OLDEST = '3.10';
const requirements = join(import.meta.dirname, 'requirements.txt');
const onWindows = process.platform === 'win32';

/** The Python of the environment if that is installed already. */
export function installedPython(): string | undefined {
  const python = pythonIn(environmentFolder());
  return existsSync(python) ? python : undefined;
}

/**
 * The Python of the environment, which is made on first use and after a change of requirements.txt.
 * @throws MissingTool where there is no suitable Python
 */
export async function python(): Promise<string> {
  const installed = installedPython();
  if (installed) return installed;
  const folder = environmentFolder();
  console.log(`Installing the Python tools of the rehearsal into ${folder}`);
  const base = await systemPython();
  // Made beside its place and moved there when it is whole: another run may be doing the same.
  const draft = `${folder}.${process.pid}`;
  await mkdir(dirname(folder), { recursive: true });
  try {
    await mustRun(base, ['-m', 'venv', draft]);
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--require-hashes'];
    await mustRun(pythonIn(draft), [...pip, '--only-binary', ':all:', '-r', requirements]);
    await rename(draft, folder).catch((error) => {
      if (!existsSync(pythonIn(folder))) throw error;
    });
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  return pythonIn(folder);
}

function environmentFolder(): string {
  const cache = process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache');
  const version = createHash('sha256').update(readFileSync(requirements)).digest('hex').slice(0, 12);
  return join(cache, 'paytech-payments', `python-${version}`);
}

/** Tools are called by `python -m`, which works wherever the environment was moved to. */
function pythonIn(folder: string): string {
  return onWindows ? join(folder, 'Scripts', 'python.exe') : join(folder, 'bin', 'python');
}

async function systemPython(): Promise<string> {
  const check = `import sys, venv, ensurepip; assert sys.version_info >= (${OLDEST.replace('.', ', ')})`;
  for (const candidate of ['python3', 'python']) {
    const found = await run(candidate, ['-c', check]).catch(() => undefined);
    if (found?.code === 0) return candidate;
  }
  throw new MissingTool(
    `Python ${OLDEST} or newer with its modules venv and pip is needed. On Debian and Ubuntu: apt-get install python3-venv`,
  );
}
