/** `stages` in cdk.json: what differs between the sandbox and production, of which each is a stack of its own. */
import { SettingsError } from './settings.ts';
import type { SettingsInput } from './settings-types.ts';

type Stage = SettingsInput['stage'];

/** What `context.paytech` in cdk.json holds. */
export interface ProjectSettings extends SettingsInput {
  stages?: Partial<Record<Stage, Partial<Omit<SettingsInput, 'stage'>>>>;
}

/**
 * The settings of one stage, unchecked: `stage`, else the one that they name.
 * @param given as in cdk.json, or its JSON text (`cdk deploy -c paytech='{…}'`)
 * @throws SettingsError
 */
export function settingsOfStage(given: unknown, stage?: unknown): unknown {
  const settings = typeof given === 'string' ? fromJson(given) : given;
  if (!isObject(settings)) return settings;
  const { stages = {}, ...common } = settings;
  if (!isObject(stages)) throw wrong('stages', 'must be an object');
  const chosen = String(stage ?? common.stage);
  for (const [name, each] of Object.entries(stages)) {
    if (name !== 'sandbox' && name !== 'production')
      throw wrong(`stages.${name}`, 'is no stage: there are sandbox and production');
    if (!isObject(each) || 'stage' in each)
      throw wrong(`stages.${name}`, 'must be an object of settings other than stage');
  }
  return { ...common, ...(stages[chosen] as object | undefined), stage: chosen };
}

function fromJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new SettingsError('The context value "paytech" is neither an object nor JSON text');
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function wrong(path: string, message: string): SettingsError {
  return new SettingsError(`These settings (cdk.json, context) are wrong:\n  paytech.${path}: ${message}`);
}
