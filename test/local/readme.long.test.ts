import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LocalService, startLocal } from '../../infra/local/local-service.ts';
import { type CommandBlock, commandBlocks, readDocument, root } from '../support/documents.ts';

/** What a reader does on the own machine: the walk-throughs, line by line as printed */

let service: LocalService;
let folder: string;
beforeAll(async () => {
  service = await startLocal();
  folder = await mkdtemp(join(tmpdir(), 'walkthrough-'));
});
afterAll(async () => {
  await service.close();
  await rm(folder, { recursive: true });
});

async function shell(script: string): Promise<string> {
  const child = spawn('bash', ['-e', '-c', script], { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] });
  const [output] = await Promise.all([
    text(child.stdout),
    new Promise((resolve) => child.once('close', resolve)),
  ]);
  return output;
}

/** As printed, on the ports of this service. */
function scriptOf(blocks: CommandBlock[]): string {
  return blocks
    .map((block) => block.script)
    .join('\n')
    .replaceAll('http://127.0.0.1:3000', service.apiUrl)
    .replaceAll('http://127.0.0.1:3001', service.simulatorUrl)
    .replaceAll('http://127.0.0.1:3002', service.sqsUrl)
    .replaceAll('http://127.0.0.1:3003', service.dynamoDbUrl);
}

const walkthroughOf = (path: string) =>
  commandBlocks(readDocument(path)).filter(({ mark }) => mark === 'walkthrough');

describe('the README', () => {
  it('walks from curl to the subscriber’s queue and the table', async ({ skip }) => {
    const blocks = walkthroughOf('README.md');
    expect(blocks).toHaveLength(4);
    const script = scriptOf(blocks);
    const hasAws = (await shell('command -v aws || true')).trim() !== '';
    const output = await shell(hasAws ? script : script.split('export AWS_')[0]!);
    expect(output).toContain('"redirectUrl"');
    expect(output).toMatch(/"state":"COMPLETED","final":true,"amount":"11.12"/);
    if (!hasAws) skip('the aws command is not installed here: the last block was not run');
    const [received, scanned] = output.slice(output.indexOf('{\n')).split(/\n(?=\{\n)/);
    const { Messages } = JSON.parse(received!);
    expect(Messages).toHaveLength(1);
    expect(JSON.parse(Messages[0].Body)).toMatchObject({
      type: 'paytech.payment.completed',
      data: { version: 2 },
    });
    expect(JSON.parse(scanned!).Items).toContainEqual(
      expect.objectContaining({ state: { S: 'COMPLETED' }, amount: { N: '11.12' } }),
    );
  });
});

describe('the page of the API', () => {
  it('captures, pays back, pays out and approves by signed calls, and charges again', async ({ skip }) => {
    const version = /^curl (\d+)\.(\d+)/
      .exec(await shell('curl --version'))!
      .slice(1)
      .map(Number);
    if (version[0]! < 7 || (version[0] === 7 && version[1]! < 75)) skip('this curl does not sign');
    const blocks = walkthroughOf('docs/api.md');
    expect(blocks).toHaveLength(6);
    const answers = [...(await shell(scriptOf(blocks))).matchAll(/\{.*\}/g)].map(([line]) => line);
    expect(
      answers.filter((each) => /"code":/.test(each) && !each.includes('payment.state_conflict')),
    ).toEqual([]);
    const output = answers.join('\n');
    expect(output).toMatch(/"state":"COMPLETED","amount":"15"/);
    expect(output).toContain('"refundId":"refund-1"');
    expect(output).toMatch(/"payments":\[\{[^}]*"referenceId":"payout-1"/);
    for (const made of ['by-card-1', 'to-card-1', 'renewal-1', 'refund-2']) {
      expect(output).toMatch(
        new RegExp(`"referenceId":"${made}","paymentType":"\\w+","state":"(PENDING|COMPLETED)"`),
      );
    }
    expect(output).toMatch(/"state":"CANCELLED","cycles":\[\{"sequence":1,"type":"REGULAR"/);
  });
});

describe('the page of faults', () => {
  it('loses a webhook, and the payment is known all the same', async () => {
    const blocks = walkthroughOf('docs/faults.md');
    expect(blocks).toHaveLength(1);
    expect(await shell(scriptOf(blocks))).toMatch(/"state":"COMPLETED"/);
    const left = await (await fetch(`${service.simulatorUrl}/simulator/faults`)).json();
    expect(left).toEqual([]);
  });
});

describe('npm start', () => {
  it.each([
    ['ALLOWED_ORIGINS', 'http://localhost:8080/shop'],
    ['ALLOWED_ORIGINS', 'http://localhost:8080 http://localhost:8081'],
    ['PORT', 'http'],
    ['ORDER_TOKENS', 'on'],
  ])('says what is wrong with %s=%s', async (variable, value) => {
    const script = `${variable}='${value}' ${process.execPath} ${join(root, 'infra/local/start.ts')} 2>&1 || echo "code $?"`;
    const output = await shell(script);
    expect(output).toMatch(new RegExp(`^${variable} must be [^]*"${value}"[^]*code 1`));
  });
});
