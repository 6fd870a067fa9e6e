/** Bundles the functions and synthesizes the stack in this process, which is much faster than the CDK CLI. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundleFunctions } from '../stack/bundle.ts';
import { projectSettings } from '../stack/project-context.ts';
import type { SettingsInput } from '../stack/settings-types.ts';
import { type CloudFormationTemplate, openAssets } from './template.ts';

export interface Synthesized {
  template: CloudFormationTemplate;
  /** The folder of an asset by its key. */
  folderOf(s3Key: string): string;
  remove(): Promise<void>;
}

/** Writes into a folder of its own, so that several runs do not meet. */
export async function synthesize(settings: Partial<SettingsInput>): Promise<Synthesized> {
  // esbuild works in a process of its own, while this one loads the CDK.
  const [{ buildApp }] = await Promise.all([import('../stack/build-app.ts'), bundleFunctions()]);
  // The deployment and its tests validate the template; here that would be a third of the start.
  process.env.CDK_VALIDATION = 'false';
  const folder = await mkdtemp(join(tmpdir(), 'paytech-payments-'));
  const remove = () => rm(folder, { recursive: true, force: true });
  try {
    const { app, stack } = buildApp({ outdir: folder, settings: { ...projectSettings(), ...settings } });
    app.synth();
    const template = await readFile(join(folder, stack.templateFile), 'utf8');
    const folderOf = openAssets(join(folder, `${stack.artifactId}.assets.json`), folder);
    return { template: JSON.parse(template), folderOf, remove };
  } catch (error) {
    await remove();
    throw error;
  }
}
