import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Of the service that this command line is part of. */
export function version(): string {
  return JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8')).version;
}
