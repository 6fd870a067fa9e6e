/** Support: the stack's template as the CLI and the local run get it, and ways to read it. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { AwsSolutionsChecks } from 'cdk-nag';
import { buildApp } from '../../infra/stack/build-app.ts';
import { bundleFunctions } from '../../infra/stack/bundle.ts';
import type { SettingsInput } from '../../infra/stack/settings-types.ts';

// biome-ignore lint/suspicious/noExplicitAny: a template is JSON of any shape; the assertions are its types
export type Json = any;
export type Resource = { logicalId: string; Properties: Json; DeletionPolicy?: string };

let bundled: Promise<string[]> | undefined;

export const minimal: SettingsInput = { stage: 'sandbox' };

export async function synthesize(settings: SettingsInput = minimal) {
  bundled ??= bundleFunctions();
  await bundled;
  const outdir = mkdtempSync(join(tmpdir(), 'paytech-infra-'));
  try {
    const built = buildApp({ settings, outdir });
    return { ...built, template: Template.fromStack(built.stack) };
  } finally {
    rmSync(outdir, { recursive: true, force: true });
  }
}

/** What cdk-nag's AwsSolutions pack has against the app, one line each. */
export function violationsOf(app: App): string[] {
  const { violations } = new AwsSolutionsChecks(app).validateScope(app);
  return violations.map(
    ({ ruleName, description, violatingResources }) =>
      `${ruleName}: ${description} ${violatingResources.map(({ constructPath }) => constructPath).join(', ')}`,
  );
}

/** The resources of a type, by the last id in their construct path, which must tell them apart. */
export function resources(template: Template, type: string): Record<string, Resource> {
  const named: Record<string, Resource> = {};
  for (const [logicalId, resource] of Object.entries<Json>(template.findResources(type))) {
    const name = leafId(resource);
    if (named[name]) throw new Error(`Two resources of type ${type} are named ${name}`);
    named[name] = { logicalId, ...resource };
  }
  return named;
}

/** The only resource of a type. */
export function onlyResource(template: Template, type: string): Resource {
  const found = Object.values(resources(template, type));
  if (found.length !== 1) throw new Error(`${found.length} resources of type ${type}`);
  return found[0]!;
}

/** What a Ref or GetAtt in a template points at, by the last id in its construct path; text stays as it is. */
export function target(template: Template, value: Json): string {
  const logicalId = value?.Ref ?? value?.['Fn::GetAtt']?.[0];
  const resource = template.toJSON().Resources[logicalId];
  return resource === undefined ? JSON.stringify(value) : leafId(resource);
}

/** The last part of the stack's id, which only a deployment knows. */
const UNIQUE_TO_STACK = { 'Fn::Select': [2, { 'Fn::Split': ['/', { Ref: 'AWS::StackId' }] }] };

/** A text of a template, with what only a deployment knows named as {@link target} does. */
export function textOf(template: Template, value: Json): string {
  if (typeof value === 'string') return value;
  if (isDeepStrictEqual(value, UNIQUE_TO_STACK)) return 'unique-to-stack';
  const parts: Json[] | undefined = value['Fn::Join']?.[1];
  return parts ? parts.map((each) => textOf(template, each)).join('') : target(template, value);
}

/** The variables of a function. */
export function variablesOf(template: Template, name: string): Record<string, Json> {
  return resources(template, 'AWS::Lambda::Function')[name]!.Properties.Environment.Variables;
}

/** The settings that a function gets. */
export function settingsOf(template: Template, name: string): Json {
  return JSON.parse(textOf(template, variablesOf(template, name).SETTINGS));
}

function leafId(resource: Json): string {
  const ids = resource.Metadata['aws:cdk:path'].split('/');
  return ids.at(-1) === 'Resource' ? ids.at(-2) : ids.at(-1);
}
