/** `npm run test:model`: 10,000 schedules, unless MODEL_SCHEDULES says otherwise. */
import { startVitest } from 'vitest/node';

process.env.MODEL_SCHEDULES ??= '10000';
await startVitest('test', [], { run: true, project: ['model'] });
