/** Builds the contenders. */
import { join } from 'node:path';
import { build } from 'esbuild';
import { bundlesFolder } from '../../infra/stack/bundles-folder.ts';

const root = join(import.meta.dirname, '..', '..');
// Below the contenders' own packages, where the SDK of the project is found as well.
const outdir = join(import.meta.dirname, 'dist');

/**
 * Bundles `source` (from the project's root) as CDK's NodejsFunction does by default: one CommonJS file, not
 * minified, the SDK left to the runtime, which here is the project's own. Source: aws-cdk-lib,
 * aws-lambda-nodejs/lib/bundling.js, with the feature flags of a new project. Returns the file.
 */
export async function bundleAsCdkDoes(source: string): Promise<string> {
  const outfile = join(outdir, `${source.replaceAll('/', '-').replace(/\.ts$/, '')}.cjs`);
  await build({
    absWorkingDir: root,
    entryPoints: [source],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'cjs',
    external: ['@aws-sdk/*', '@smithy/*'],
    logLevel: 'error',
  });
  return outfile;
}

/** The file of a function as it is deployed. */
export const ourBundle = (name: string) => join(bundlesFolder, name, 'index.mjs');
