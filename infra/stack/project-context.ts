import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SettingsInput } from './settings-types.ts';
import { type ProjectSettings, settingsOfStage } from './stages.ts';

const file = join(import.meta.dirname, '../../cdk.json');

/** Whether this is the repository: the package has neither a project nor the local run. */
export const isRepository = (): boolean => existsSync(file);

/** The context in `cdk.json`, for whoever runs without the CDK's CLI. */
export function projectContext(): Record<string, unknown> & { paytech: ProjectSettings } {
  return JSON.parse(readFileSync(file, 'utf8')).context;
}

/** The settings of the sandbox in `cdk.json`, unchecked, for whoever runs on this machine and changes some of them. */
export function projectSettings(): SettingsInput {
  return settingsOfStage(projectContext().paytech, 'sandbox') as SettingsInput;
}
