/** What the CDK CLI runs (`cdk.json`): bundles the functions, then synthesizes the stack. Works offline. */
import { buildApp } from './stack/build-app.ts';
import { bundleFunctions } from './stack/bundle.ts';
import { SettingsError } from './stack/settings.ts';

try {
  await bundleFunctions();
  buildApp().app.synth();
} catch (error) {
  if (!(error instanceof SettingsError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
