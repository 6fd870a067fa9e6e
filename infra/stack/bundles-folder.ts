import { join } from 'node:path';

/** The folder that holds one folder per bundled function; the package is laid out as the repository is. */
export const bundlesFolder = join(import.meta.dirname, '../../dist/functions');
