/** `npm run fuzz`: 50,000 inputs, unless FUZZ_INPUTS says otherwise. */
import { startVitest } from 'vitest/node';

process.env.FUZZ_INPUTS ??= '50000';
await startVitest('test', [], { run: true, project: ['fuzz', 'fuzz-http'] });
