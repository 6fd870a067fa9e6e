import type { ChildProcess } from 'node:child_process';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, watch, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bundleFunctions } from '../../infra/stack/bundle.ts';

/** Builds beside and after each other. */

const outdir = mkdtempSync(join(tmpdir(), 'paytech-bundles-'));
beforeAll(() => bundleFunctions(outdir), 240_000);
afterAll(() => rmSync(outdir, { recursive: true, force: true }));

const contents = () =>
  readdirSync(outdir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => [join(parentPath, name), readFileSync(join(parentPath, name), 'utf8')])
    .sort();

test('two builds at once, over the leftovers of another, give the same files', async () => {
  const first = contents();
  mkdirSync(join(outdir, 'removed-function'));
  writeFileSync(join(outdir, 'removed-function', 'index.mjs'), '');
  writeFileSync(join(outdir, 'get-payment', 'chunk-OLD.mjs'), '');
  writeFileSync(join(outdir, 'get-payment', 'index.mjs'), 'edited');
  await Promise.all([bundleFunctions(outdir), bundleFunctions(outdir)]);
  expect(contents()).toEqual(first);
}, 240_000);

test('nothing of the bundler is left running after a build, and no build ends it under another', async () => {
  const started: ChildProcess[] = [];
  const note = (message: unknown) => {
    started.push((message as { process: ChildProcess }).process);
  };
  const elsewhere = mkdtempSync(join(tmpdir(), 'paytech-bundles-'));
  const watcher = watch(elsewhere);
  subscribe('child_process', note);
  try {
    const first = bundleFunctions(elsewhere);
    // It is about to be ready when it writes.
    await Promise.all([first, once(watcher, 'change').then(() => bundleFunctions(outdir))]);
  } finally {
    unsubscribe('child_process', note);
    watcher.close();
    rmSync(elsewhere, { recursive: true, force: true });
  }
  expect(started.map(({ spawnfile }) => spawnfile)).toContainEqual(expect.stringContaining('esbuild'));
  expect(started.filter(({ killed }) => !killed)).toEqual([]);
}, 240_000);
