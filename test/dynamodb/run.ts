/**
 * `npm run test:dynamodb`: the store, the pipelines and 400 schedules of the model on a DynamoDB that is stricter than
 * the embedded one: it counts the size of an item in bytes, stores no more than 38 digits, and its answer to a failed
 * condition is its own. It is that of the rehearsal's emulator, MiniStack, installed on first use; no code of AWS's.
 *
 * DYNAMODB_URL: another one to test on, which has no table `payments` and takes the keys local/local.
 * Where there is no Python for the emulator, the suite is skipped and says so; with CI_STRICT that is a failure.
 */
import { startEmulator } from '../../infra/rehearsal/ministack.ts';
import { MissingTool } from '../../infra/rehearsal/python.ts';
import { mustRun } from '../../infra/rehearsal/run.ts';

await using started = new AsyncDisposableStack();
try {
  const { url, certificate } = await dynamoDb();
  const env = {
    ...process.env,
    DYNAMODB_URL: url,
    ...(certificate && { NODE_EXTRA_CA_CERTS: certificate }),
    MODEL_SCHEDULES: process.env.MODEL_SCHEDULES ?? '400',
  };
  // One after the other: both have a table named payments.
  for (const project of ['dynamodb', 'model']) {
    await mustRun('vitest', ['run', '--project', project], { env, show: true });
  }
} catch (error) {
  if (error instanceof MissingTool) {
    console.log(`1 suite skipped: test:dynamodb. ${error.message}`);
    if (process.env.CI_STRICT) process.exitCode = 1;
  } else {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}

async function dynamoDb(): Promise<{ url: string; certificate?: string }> {
  const given = process.env.DYNAMODB_URL;
  if (given) return { url: given };
  const emulator = started.adopt(await startEmulator(), (each) => each.close());
  return { url: emulator.endpoint, ...(emulator.certificate && { certificate: emulator.certificate }) };
}
