/**
 * `npm run package`: writes `dist/package/`, what `npm install paytech-payments` puts into a CDK app. It is laid out as
 * the repository, so that a path from file to file is the same in both.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type BuildOptions, build, stop } from 'esbuild';
import { OLDEST_NODE } from '../package/needed-node.ts';
import { bundleFunctions } from '../stack/bundle.ts';
import { declarations } from './declarations.ts';
import { licencesOf } from './licences.ts';

const root = join(import.meta.dirname, '../..');
const folder = join(root, 'dist', 'package');

/** From the first version of the library with all that the construct uses; test/package/ tries both ends. */
const PEERS = { 'aws-cdk-lib': '>=2.252.0 <3', constructs: '>=10.5.0 <11' };

const CODE: BuildOptions = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  target: `node${OLDEST_NODE}`,
  mainFields: ['module', 'main'],
  outdir: folder,
  outbase: root,
  metafile: true,
  logLevel: 'warning',
};

rmSync(folder, { recursive: true, force: true });
await bundleFunctions();
cpSync(join(root, 'dist/functions'), join(folder, 'dist/functions'), { recursive: true });
const library = await build({
  ...CODE,
  entryPoints: ['infra/package/index.ts', 'infra/package/events.ts'],
  format: 'cjs',
  external: Object.keys(PEERS).flatMap((name) => [name, `${name}/*`]),
  define: { 'import.meta.dirname': '__dirname' },
});
const commandLine = await build({
  ...CODE,
  entryPoints: ['infra/package/paytech-ops.ts'],
  format: 'esm',
  outExtension: { '.js': '.mjs' },
  banner: {
    // Some of what is bundled calls require().
    js: `#!/usr/bin/env node
import { createRequire } from 'node:module';
const require = createRequire(import.meta.url);`,
  },
});
await stop();
writeTypes();
copy('shared/storefront/paytech-storefront.js', 'shared/storefront/paytech-storefront.mjs');
copy('shared/storefront/paytech-storefront.d.ts', 'shared/storefront/paytech-storefront.d.mts');
for (const file of ['LICENSE', 'CHANGELOG.md', 'payment-event.schema.json', 'openapi.json']) copy(file, file);
copy('infra/package/README.md', 'README.md');
write('THIRD-PARTY-LICENSES', licencesOf(root, [library.metafile!, commandLine.metafile!]));
write('package.json', `${JSON.stringify(manifest(), null, 2)}\n`);
console.log(`wrote ${folder}`);

/** What npm, Node and TypeScript need to know. Nothing is installed with it: what it needs is in it. */
function manifest() {
  const { name, version, description, license } = JSON.parse(
    readFileSync(join(root, 'package.json'), 'utf8'),
  );
  const events = './infra/package/events';
  const storefront = './shared/storefront/paytech-storefront';
  return {
    name,
    version,
    description,
    license,
    main: './infra/package/index.js',
    types: './infra/package/index.d.ts',
    exports: {
      '.': { types: './infra/package/index.d.ts', default: './infra/package/index.js' },
      './events': { types: `${events}.d.ts`, default: `${events}.js` },
      './storefront': { types: `${storefront}.d.mts`, default: `${storefront}.mjs` },
      './package.json': './package.json',
    },
    // For compilers that do not read `exports`.
    typesVersions: { '*': { events: [`${events}.d.ts`], storefront: [`${storefront}.d.mts`] } },
    bin: { 'paytech-ops': './infra/package/paytech-ops.mjs' },
    engines: { node: `>=${OLDEST_NODE}` },
    peerDependencies: PEERS,
  };
}

function writeTypes(): void {
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  execFileSync(process.execPath, [compiler, '-p', 'infra/package'], { cwd: root, stdio: 'inherit' });
  for (const [path, text] of declarations(root, ['infra/package/index', 'infra/package/events'])) {
    write(path, text);
  }
}

function copy(from: string, to: string): void {
  mkdirSync(dirname(join(folder, to)), { recursive: true });
  cpSync(join(root, from), join(folder, to));
}

function write(path: string, text: string): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), text);
}
