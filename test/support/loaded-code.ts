/** What a fresh process loads when it starts a bundle. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { bundlesFolder } from '../../infra/stack/bundles-folder.ts';
import { SETTINGS_VARIABLE } from '../../shared/runtime/settings.ts';
import { plainSettings } from './plain-settings.ts';

/** Prints the files that importing the module of the first argument loads, and the built-in modules. */
const PROBE = `
  import { registerHooks } from 'node:module';
  const files = [];
  registerHooks({ load(url, context, next) { if (url.startsWith('file:')) files.push(new URL(url).pathname); return next(url, context); } });
  await import(process.argv[1]);
  process.stdout.write(JSON.stringify({ files, builtIns: process.moduleLoadList }), () => process.exit());
`;

/** Enough for every function to start; nothing answers there. */
const ENVIRONMENT = {
  API_KEY_SECRET: 'api-key',
  AWS_ACCESS_KEY_ID: 'none',
  AWS_ENDPOINT_URL: 'https://127.0.0.1:9',
  AWS_REGION: 'eu-central-1',
  AWS_SECRET_ACCESS_KEY: 'none',
  FINGERPRINT_KEY_SECRET: 'fingerprint-key',
  ORDER_TOKEN_SECRET: 'order-token-keys',
  PAYMENTS_TABLE: 'payments',
  PAYMENT_EVENTS_TOPIC_ARN: 'arn:aws:sns:eu-central-1:000000000000:payment-events',
  POWERTOOLS_SERVICE_NAME: 'test',
  [SETTINGS_VARIABLE]: JSON.stringify(plainSettings),
  SIGNING_KEYS_SECRET: 'signing-keys',
  STACK_NAME: 'test',
  URL_SUFFIX: 'amazonaws.com',
  WEBHOOK_DLQ_URL: 'https://127.0.0.1:9/webhooks-dlq',
  WEBHOOK_QUEUE_URL: 'https://127.0.0.1:9/webhooks',
};

export interface LoadedCode {
  /** Of all files together, each by itself compressed. */
  gzipBytes: number;
  files: string[];
  /** The files' contents, one after the other. */
  code: string;
  /** Node's own modules, as `process.moduleLoadList` names them. */
  builtIns: string[];
}

/** Starts the bundle of a function, which must have been built into `folder`. */
export async function loadedCode(functionName: string, folder = bundlesFolder): Promise<LoadedCode> {
  const entry = pathToFileURL(join(folder, functionName, 'index.mjs')).href;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--input-type=module', '--eval', PROBE, entry],
    { env: ENVIRONMENT },
  );
  const { files, builtIns } = JSON.parse(stdout) as { files: string[]; builtIns: string[] };
  const contents = files.map((file) => readFileSync(file));
  return {
    gzipBytes: contents.reduce((sum, content) => sum + gzipSync(content).length, 0),
    files,
    code: Buffer.concat(contents).toString('utf8'),
    builtIns,
  };
}

const CALL = `
  const { handler } = await import(process.argv[1]);
  const answer = await handler(JSON.parse(process.argv[2]), { getRemainingTimeInMillis: () => 10_000 });
  process.stdout.write('\\n' + JSON.stringify(answer), () => process.exit());
`;

/** What the handler of a bundle answers, in a fresh process with these variables too. */
export async function invoked(
  functionName: string,
  event: object,
  folder: string,
  variables: Record<string, string>,
): Promise<unknown> {
  const entry = pathToFileURL(join(folder, functionName, 'index.mjs')).href;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--input-type=module', '--eval', CALL, entry, JSON.stringify(event)],
    { env: { ...ENVIRONMENT, ...variables } },
  );
  return JSON.parse(stdout.split('\n').at(-1)!);
}
