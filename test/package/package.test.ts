/** `npm run package`, and the tarball of it in CDK apps as people have them. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readDocument, root } from '../support/documents.ts';
import { freshEnvironment, hasNodePairs, installPair, run } from '../support/node-pair.ts';
import { documentedImports, documentedStack, JEST_TEST, PROGRAM, STRICT, writeFiles } from './apps.ts';

/** The oldest that it says it runs on, with its npm, and the one of the deployed functions. */
const OLDEST = { node: '22.12.0', npm: '10.9.0' };
const NEWEST = { node: '24.21.0', npm: '11.19.1' };
const TOO_OLD = { node: '20.20.2', npm: '10.8.2' };
/** What the ranges of the peers begin with. */
const OLDEST_PEERS = ['aws-cdk-lib@2.252.0', 'constructs@10.5.0'];

const folder = mkdtempSync(join(tmpdir(), 'package-'));
const packaged = join(root, 'dist', 'package');
const { version } = JSON.parse(readDocument('package.json'));
const tarball = join(folder, `paytech-payments-${version}.tgz`);

beforeAll(() => {
  execFileSync('npm', ['run', '--silent', 'package'], { cwd: root });
  execFileSync('npm', ['pack', '--silent', '--pack-destination', folder], { cwd: packaged });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const files = (parent: string) =>
  readdirSync(parent, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));

describe('what is in it', () => {
  test('it installs nothing beside itself, and may be published', () => {
    const manifest = JSON.parse(readFileSync(join(packaged, 'package.json'), 'utf8'));
    const { dependencies, optionalDependencies, scripts, private: isPrivate, peerDependencies } = manifest;
    expect([dependencies, optionalDependencies, scripts, isPrivate]).toEqual([...Array(4)]);
    expect(Object.keys(peerDependencies)).toEqual(['aws-cdk-lib', 'constructs']);
    for (const peer of OLDEST_PEERS) {
      const [, name, from] = /^(.*)@(.*)$/.exec(peer)!;
      expect(peerDependencies[name!]).toContain(`>=${from} <`);
    }
    execFileSync('npm', ['publish', '--dry-run', '--silent'], { cwd: packaged });
  });

  test('its README shows what the documents show', () => {
    expect(readFileSync(join(packaged, 'README.md'), 'utf8')).toContain(documentedStack());
  });

  test('the functions are byte for byte those of the repository', () => {
    const built = join(root, 'dist', 'functions');
    const names = files(built).map((path) => path.slice(built.length));
    expect(names.length).toBeGreaterThan(10);
    const copied = join(packaged, 'dist', 'functions');
    expect(files(copied).map((path) => path.slice(copied.length))).toEqual(names);
    for (const name of names) {
      expect(readFileSync(join(copied, name)).equals(readFileSync(join(built, name))), name).toBe(true);
    }
  });

  test('its types lead to nothing but CDK', () => {
    const declarations = files(packaged).filter((path) => /\.d\.m?ts$/.test(path));
    expect(declarations.length).toBeGreaterThan(10);
    const imported = declarations.flatMap((path) =>
      [...readFileSync(path, 'utf8').matchAll(/(?:from |import\(|require\()['"]([^'".][^'"]*)['"]/g)].map(
        ([, name]) => name!.split('/')[0],
      ),
    );
    expect(new Set(imported)).toEqual(new Set(['aws-cdk-lib', 'constructs']));
  });
});

describe.skipIf(!hasNodePairs)('installed', () => {
  let oldest: NodeJS.ProcessEnv;
  let newest: NodeJS.ProcessEnv;

  beforeAll(() => {
    const home = join(folder, 'home');
    mkdirSync(home);
    oldest = freshEnvironment(installPair(join(folder, 'oldest'), OLDEST), home);
    newest = freshEnvironment(installPair(join(folder, 'newest'), NEWEST), home);
  });

  describe('in what `cdk init` writes', () => {
    const app = join(folder, 'shop');
    beforeAll(() => {
      mkdirSync(app);
      const cdk = join(root, 'node_modules', 'aws-cdk', 'bin', 'cdk');
      run('node', [cdk, 'init', 'app', '--language', 'typescript', '--generate-only'], newest, app);
      run('npm', ['install', '--silent', tarball], newest, app);
      writeFiles(app, {
        'lib/shop-stack.ts': documentedStack(),
        'bin/shop.ts': PROGRAM.replace('./shop-stack', '../lib/shop-stack'),
        'test/shop.test.ts': JEST_TEST,
      });
      rmSync(join(app, 'lib/shop-stack.js'), { force: true });
    });

    test.each([
      ['the oldest Node', () => oldest],
      ['the newest Node', () => newest],
    ])('on %s: types, tsx, jest, the command line', (_, environment) => {
      // `cdk.json` of the app: npx tsc && npx tsx bin/shop.ts
      run('npx', ['cdk', 'synth', '--quiet'], environment(), app);
      const template = JSON.parse(readFileSync(join(app, 'cdk.out', 'Shop.template.json'), 'utf8'));
      expect(template.Outputs).toHaveProperty('PaymentWebhookUrl');
      run('npx', ['jest'], environment(), app);
      expect(run('npx', ['--no', '--', 'paytech-ops', '--version'], environment(), app)).toBe(`${version}\n`);
    });

    test('without a stack the command line says where the local run is', () => {
      expect(() => run('npx', ['--no', '--', 'paytech-ops', 'doctor'], newest, app)).toThrow(
        'Name a stack with --stack: the local run is in the repository.',
      );
    });

    test('a Node that is too old is told so in a line', () => {
      const tooOld = freshEnvironment(installPair(join(folder, 'too-old'), TOO_OLD), join(folder, 'home'));
      const line = 'paytech-payments needs Node 22.12 or newer, and this is v20.20.2.';
      expect(() => run('npx', ['--no', '--', 'paytech-ops', '--version'], tooOld, app)).toThrow(line);
      expect(() => run('node', ['-e', "require('paytech-payments')"], tooOld, app)).toThrow(line);
    });
  });

  describe('beside the oldest CDK', () => {
    const app = join(folder, 'other');
    beforeAll(() => {
      mkdirSync(app);
      writeFiles(app, { 'package.json': '{ "private": true }' });
      const tools = ['typescript@5.9.3', 'ts-node@10.9.2', '@types/node@24.19.2'];
      run('npm', ['install', '--silent', tarball, ...OLDEST_PEERS, ...tools], oldest, app);
    });

    test('as ES modules, which Node runs as they are', () => {
      writeFiles(join(app, 'esm'), {
        'package.json': '{ "type": "module" }',
        'shop-stack.ts': documentedStack(),
        'shop.ts': PROGRAM.replace('./shop-stack', './shop-stack.ts'),
        'tsconfig.json': JSON.stringify({
          // With the types of the library, of which CDK's own do not pass exactOptionalPropertyTypes.
          compilerOptions: {
            ...STRICT.compilerOptions,
            allowImportingTsExtensions: true,
            skipLibCheck: false,
            exactOptionalPropertyTypes: false,
          },
        }),
      });
      run('npx', ['tsc', '-p', 'esm'], oldest, app);
      run('node', ['esm/shop.ts'], newest, app);
    });

    test('as CommonJS, by ts-node', () => {
      writeFiles(join(app, 'commonjs'), {
        'shop-stack.ts': documentedStack(),
        'shop.ts': PROGRAM,
        'tsconfig.json': JSON.stringify({
          compilerOptions: { target: 'es2022', module: 'commonjs', strict: true, types: ['node'] },
        }),
      });
      run('npx', ['ts-node', '--project', 'commonjs/tsconfig.json', 'commonjs/shop.ts'], oldest, app);
    });

    test.each(documentedImports())('%s compiles alone, with the strictest types', (imported) => {
      const [, names] = /\{([^}]*)\}/.exec(imported)!;
      writeFiles(join(app, 'strict'), {
        'package.json': '{ "type": "module" }',
        'alone.ts': `${imported};\nexport const all = [${names}];\n`,
        'tsconfig.json': JSON.stringify(STRICT),
      });
      run('npx', ['tsc', '-p', 'strict'], oldest, app);
    });
  });
});
