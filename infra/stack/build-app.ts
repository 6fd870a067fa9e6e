/** The CDK app: one stack, which holds `PaytechPayments`. The CLI, the local run and the tests build the same. */
import { App, Stack } from 'aws-cdk-lib';
import recommendedFlags from 'aws-cdk-lib/recommended-feature-flags.json' with { type: 'json' };
import { addOutputs } from './outputs.ts';
import { PaytechPayments } from './paytech-payments.ts';
import { projectContext } from './project-context.ts';
import { parseSettings } from './settings.ts';
import type { SettingsInput } from './settings-types.ts';
import { settingsOfStage } from './stages.ts';

export interface BuildAppOptions {
  /** Where `app.synth()` writes; default: where the CDK CLI says, else a temporary folder. */
  outdir?: string;
  /** Used instead of those in the context (`cdk.json`, or `-c paytech=…` and `-c stage=…` of the CLI). */
  settings?: SettingsInput;
}

/**
 * Builds the app; the bundles must be there (`bundleFunctions()`).
 * @throws SettingsError when a setting is wrong
 */
export function buildApp({ outdir, settings }: BuildAppOptions = {}) {
  const app = new App({
    ...(outdir !== undefined && { outdir }),
    // What this version of the library recommends; test/infra/released.test.ts says if one replaces what holds data.
    // The CLI would say the others too. They name resources and bundles in the template, which the local run needs.
    context: {
      ...recommendedFlags,
      ...projectContext(),
      'aws:cdk:enable-path-metadata': true,
      'aws:cdk:enable-asset-metadata': true,
    },
  });
  const { node } = app;
  const given = settings ?? settingsOfStage(node.tryGetContext('paytech'), node.tryGetContext('stage'));
  const checked = parseSettings(given);
  // The stage is in the name, so that changing it makes another stack and never turns a sandbox into production.
  const stack = new Stack(app, `${checked.name}-${checked.stage}`, {
    description: `paytech payments (${checked.stage})`,
    terminationProtection: checked.stage === 'production',
  });
  const payments = new PaytechPayments(stack, 'PaytechPayments', checked);
  addOutputs(payments);
  return { app, stack, payments, settings: checked };
}
