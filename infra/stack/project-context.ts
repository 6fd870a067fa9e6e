import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SettingsInput } from './settings.ts';

/** The context in `cdk.json`, for whoever runs without the CDK's CLI. */
export function projectContext(): Record<string, unknown> & { paytech: SettingsInput } {
  return JSON.parse(readFileSync(join(import.meta.dirname, '..', '..', 'cdk.json'), 'utf8')).context;
}
