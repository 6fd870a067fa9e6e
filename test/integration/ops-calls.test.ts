import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text as readText } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { readDocument, root } from '../support/documents.ts';

/** What paytech-ops says before it reaches anything: nothing is running for it here. */

const ENTRY = join(root, 'infra/cli/paytech-ops.ts');

const NOBODY_LISTENS = { PORT: '65530', PAYTECH_PORT: '65531', SQS_PORT: '65532', DYNAMODB_PORT: '65533' };

function ops(...args: string[]): Promise<{ code: unknown; out: string; said: string }> {
  // Without the keys, profiles and region of whoever runs the tests.
  const env = {
    PATH: process.env.PATH,
    HOME: join(tmpdir(), 'nobody'),
    AWS_EC2_METADATA_DISABLED: 'true',
    ...NOBODY_LISTENS,
  };
  return new Promise((resolve) => {
    execFile(process.execPath, [ENTRY, ...args], { env }, (error, stdout, stderr) =>
      resolve({ code: error?.code ?? 0, out: stdout, said: stdout + stderr }),
    );
  });
}

describe.concurrent('paytech-ops', () => {
  it('asks for the region of a stack, and how to sign in', async () => {
    const [noRegion, noKeys] = await Promise.all([
      ops('doctor', '--stack', 'shop'),
      ops('doctor', '--stack', 'shop', '--region', 'eu-west-1'),
    ]);
    expect(noRegion).toMatchObject({ code: 1, said: expect.stringContaining('--region or AWS_REGION') });
    expect(noKeys).toMatchObject({ code: 1, said: expect.stringContaining('There are no AWS credentials') });
    expect(noKeys.said).toContain('--profile');
  });

  it('says how far keys looks back, in words', async () => {
    const { said } = await ops('keys', '--help');
    expect(said.replace(/\s+/g, ' ')).toMatch(/--since <when> from when on to look: [^(]*\(default: 7d\)/);
  });

  it('takes durations and times for --since, and says so', async () => {
    const [help, { code, said }] = await Promise.all([
      ops('reconcile', '--help'),
      ops('reconcile', '--since', 'yesterday'),
    ]);
    const inWords = 'how long ago, such as 2h or 3d, or a UTC time, such as 2026-11-23 or 2026-11-23T08:00';
    expect(code).toBe(2);
    expect(said).toContain(`Give ${inWords}`);
    expect(help.said.replace(/\s+/g, ' ')).toContain(inWords);
  });

  it('tells its version, to programs too', async () => {
    const { version } = JSON.parse(readDocument('package.json'));
    const [forPeople, forPrograms] = await Promise.all([ops('--version'), ops('--json', '--version')]);
    expect(forPeople).toMatchObject({ code: 0, said: `${version}\n` });
    expect(JSON.parse(forPrograms.said)).toEqual({ version });
    expect(await ops('replay', 'p-1', '--version', '1')).toMatchObject({ code: 1 });
  });

  it('says to programs what it lacks when it is called without a command', async () => {
    const { code, out } = await ops('--json');
    expect(code).toBe(2);
    expect(JSON.parse(out)).toEqual({ error: 'Which command? --help lists them.' });
  });

  it('asks whether the local run is up, where nothing answers', async () => {
    const { said } = await ops('doctor');
    expect(said).toContain('Is the local run running (npm start)');
    expect(said).not.toContain('fetch failed');
  });

  it('is silent when its reader has seen enough', async () => {
    const child = spawn(process.execPath, [ENTRY, '--help'], { stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.destroy();
    const [said, [code]] = await Promise.all([readText(child.stderr), once(child, 'exit')]);
    expect({ said, code }).toEqual({ said: '', code: 0 });
  });
});
