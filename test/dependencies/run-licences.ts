/** `npm run licences`: whether everything that ships, or runs in its place on another machine, may be used freely. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type LockedPackage, licenceProblems } from './licences.ts';

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
