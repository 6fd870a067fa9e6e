import { execFile } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from '../support/documents.ts';

/** What paytech-ops says before it reaches anything: nothing is running for it here. */

const ENTRY = join(root, 'infra/cli/paytech-ops.ts');

function ops(...args: string[]): Promise<{ code: unknown; said: string }> {
  // Without the keys, profiles and region of whoever runs the tests.
  const env = { PATH: process.env.PATH, HOME: join(tmpdir(), 'nobody'), AWS_EC2_METADATA_DISABLED: 'true' };
  return new Promise((resolve) => {
    execFile(process.execPath, [ENTRY, ...args], { env }, (error, stdout, stderr) =>
      resolve({ code: error?.code ?? 0, said: stdout + stderr }),
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
    expect(said).toMatch(/--since <when> .*\n?.*\(default: 7d\)/);
  });

  it('takes durations and times for --since, and says so', async () => {
    const { code, said } = await ops('reconcile', '--since', 'yesterday');
    expect(code).toBe(2);
    expect(said).toMatch(/a duration such as 2h or 3d, or a time such as 2026-11-23/);
  });
});
