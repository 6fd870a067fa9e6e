/** openapi.json in the hands of those who generate clients: linted, and one payment made by each client. */
import { cp, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { mustRun } from '../../infra/rehearsal/run.ts';
import { root } from '../support/documents.ts';
import { itWith } from '../support/languages.ts';
import { sharedService } from '../support/service.ts';

const service = await sharedService();
const here = import.meta.dirname;
const document = join(root, 'openapi.json');

const tool = (name: string, ...args: string[]) => {
  const env = { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' };
  return mustRun(join(here, 'node_modules/.bin', name), args, { env });
};

/** The client's program in a folder of its own, where `generate` puts what it needs. */
async function programIn(language: string, generate: (folder: string) => Promise<unknown>) {
  const folder = await mkdtemp(join(tmpdir(), `client-${language}-`));
  onTestFinished(() => rm(folder, { recursive: true }));
  await cp(join(here, 'generated', language), folder, { recursive: true });
  await generate(folder);
  return async (program: string, ...args: string[]) => {
    const env = { ...process.env, API_URL: service.apiUrl, SIMULATOR_URL: service.simulatorUrl };
    const printed = await mustRun(program, args, { cwd: folder, env });
    expect(JSON.parse(printed)).toEqual({
      state: 'COMPLETED',
      amount: '999999999.123456789012345678',
      code: 'payment.reference_conflict',
    });
  };
}

it('Spectral finds nothing in it', async () => {
  const rules = join(here, 'spectral.yaml');
  await tool('spectral', 'lint', document, '--ruleset', rules, '--fail-severity', 'hint');
});

it('Redocly finds nothing in it', async () => {
  const said = await tool('redocly', 'lint', document, '--extends', 'recommended');
  expect(said).not.toMatch(/\d+ warning/);
});

it('a TypeScript client pays', async () => {
  const run = await programIn('typescript', async (folder) => {
    await symlink(join(here, 'node_modules'), join(folder, 'node_modules'));
    await writeFile(join(folder, 'package.json'), '{"type":"module"}');
    await tool('openapi-typescript', document, '--output', join(folder, 'api.d.ts'));
    const strictly = ['--strict', '--noUncheckedIndexedAccess', '--exactOptionalPropertyTypes'];
    const asNode = ['--module', 'nodenext', '--target', 'esnext', '--allowImportingTsExtensions', '--noEmit'];
    const types = ['--types', 'node', '--typeRoots', join(root, 'node_modules/@types')];
    await mustRun('tsc', [...strictly, ...asNode, ...types, 'pay.ts'], { cwd: folder });
  });
  await run(process.execPath, 'pay.ts');
});

itWith('python3')('a Python client pays', async () => {
  let python = '';
  const run = await programIn('python', async (folder) => {
    await mustRun('python3', ['-m', 'venv', join(folder, 'venv')]);
    python = join(folder, 'venv/bin/python');
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--require-hashes'];
    await mustRun(python, [...pip, '--requirement', join(folder, 'requirements.txt')]);
    const generate = ['-m', 'openapi_python_client', 'generate', '--meta', 'none', '--path', document];
    await mustRun(python, [...generate, '--output-path', join(folder, 'paytech_payments_client')]);
  });
  await run(python, 'pay.py');
});

itWith('go')('a Go client pays', async () => {
  const run = await programIn('go', async (folder) => {
    await mustRun('mkdir', ['paytech'], { cwd: folder });
    const options = ['-generate', 'types,client', '-package', 'paytech', '-o', 'paytech/client.gen.go'];
    await mustRun('go', ['tool', 'oapi-codegen', ...options, document], { cwd: folder });
  });
  await run('go', 'run', '.');
});
