/**
 * Builds every `functions/<name>/index.ts` into the folder that is deployed as it is:
 * `dist/functions/<name>/index.mjs` and its chunks.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { build, type Plugin, stop } from 'esbuild';
import { bundlesFolder } from './bundles-folder.ts';

const root = join(import.meta.dirname, '../..');

let running = 0;

/**
 * Bundles all functions, one folder each, and answers their names, sorted. The same sources give the same
 * bytes, and what an earlier build left over is removed.
 */
export async function bundleFunctions(outdir = bundlesFolder): Promise<string[]> {
  const entries = await readdir(join(root, 'functions'), { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  running++;
  try {
    await Promise.all(names.map((name) => bundleFunction(name, join(outdir, name))));
  } finally {
    running--;
    // esbuild builds in one process for all, and would keep it, with some 450 MB, for as long as this one lives.
    if (running === 0) await stop();
  }
  await removeAllBut(names, outdir);
  return names.sort();
}

/**
 * Splitting makes esbuild write what the SDK imports lazily as chunks that are loaded only when needed,
 * which is why one folder, not one file, is shipped: it starts about a fifth faster than a single file.
 */
async function bundleFunction(name: string, folder: string): Promise<void> {
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: [`functions/${name}/index.ts`],
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    mainFields: ['module', 'main'],
    alias: {
      '@aws-sdk/credential-provider-node': './shared/runtime/credentials.ts',
      '@aws-sdk/endpoint-cache': './shared/runtime/endpoint-cache.ts',
    },
    plugins: [boundWithoutEffect],
    // Less to read at a start. Names and lines stay, so that a stack trace in a log still says something.
    minifySyntax: true,
    minifyWhitespace: true,
    lineLimit: 120,
    write: false,
    logLevel: 'warning',
  });
  await Promise.all(outputFiles.map(({ path, contents }) => writeIfChanged(path, contents)));
  const fresh = outputFiles.map(({ path }) => relative(folder, path));
  await removeAllBut(fresh, folder);
}

/**
 * What the SDK's core binds when it is loaded, such as its retry middleware, is left out where nobody uses it: esbuild
 * cannot see that binding has no effect.
 */
const boundWithoutEffect: Plugin = {
  name: 'bound-without-effect',
  setup({ onLoad }) {
    onLoad(
      { filter: /@smithy[\\/]core[\\/]dist-es[\\/]submodules[\\/]\w+[\\/]index\.js$/ },
      async ({ path }) => {
        const source = await readFile(path, 'utf8');
        return { contents: source.replace(/(?<== |extends )(?=bind\w+\()/g, '/* @__PURE__ */ ') };
      },
    );
  },
};

/** Two builds may run at once (tests do): a file that is right is left alone, and none is ever half written. */
async function writeIfChanged(path: string, contents: Uint8Array): Promise<void> {
  const present = await readFile(path).catch(() => undefined);
  if (present?.equals(contents)) return;
  const folder = dirname(path);
  await mkdir(folder, { recursive: true });
  // Beside the function's folder, because whatever is in that is deployed.
  const temporary = join(dirname(folder), `.${randomUUID()}`);
  await writeFile(temporary, contents);
  await rename(temporary, path);
}

async function removeAllBut(kept: string[], folder: string): Promise<void> {
  const stale = (await readdir(folder)).filter((name) => !kept.includes(name) && !name.startsWith('.'));
  await Promise.all(stale.map((name) => rm(join(folder, name), { recursive: true, force: true })));
}
