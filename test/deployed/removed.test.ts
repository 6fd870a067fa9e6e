import { execFile } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { clientFor } from '../../infra/local/account.ts';
import { stillThere } from '../../infra/rehearsal/removal.ts';
import { rehearsed } from '../support/deployed-target.ts';
import { commandBlocks, readDocument, root } from '../support/documents.ts';

/** The end of docs/getting-started.md, after the stacks were destroyed: what they kept is deleted by hand. */

const { env, endpoint } = rehearsed();
const list = join(root, 'kept.txt');

it('deletes what the stacks have kept', async ({ skip }) => {
  if (!existsSync(list)) skip('getting-started.md was not followed');
  const resources = readFileSync(list, 'utf8')
    .trim()
    .split('\n')
    .map((line) => line.split('\t'))
    .map(([type = '', physicalId = '']) => ({ type, physicalId, logicalId: physicalId }));
  const kept = await stillThere(resources, clientFor(endpoint));
  expect(kept.filter((each) => each.startsWith('AWS::DynamoDB::GlobalTable'))).toHaveLength(2);

  const block = commandBlocks(readDocument('docs/getting-started.md')).find(
    ({ mark }) => mark === 'rehearsed: when all is destroyed',
  );
  const script = block!.script
    .replaceAll('aws sqs ', 'aws sqs --endpoint-url "$AWS_ENDPOINT_URL" ')
    // The emulator changes a table at once, and names no state for which to wait.
    .replaceAll(/^.*aws dynamodb wait .*$/gm, '');
  // As in a shell, where one that is gone already does not keep the rest.
  await promisify(execFile)('bash', ['-c', script], { cwd: root, env: { ...process.env, ...env } });
  const isSecret = (each: string) => each.startsWith('AWS::SecretsManager');
  // Those can be described until their recovery window is over.
  expect((await stillThere(resources, clientFor(endpoint))).filter((each) => !isSecret(each))).toEqual([]);
  rmSync(list);
}, 300_000);
