import { startVitest } from 'vitest/node';

/* What one process plays of a long run, see long-run.ts. */
await startVitest('test', [], { run: true, project: ['model'] });
