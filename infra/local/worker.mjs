/**
 * Runs one bundle as Lambda's runtime does, one request at a time, in a process of its own: `workers.ts`
 * starts it with the bundle's folder and handler, sends events and gets one answer for each.
 * Plain JavaScript, because stripping types would add to every start.
 */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [folder, handlerName] = process.argv.slice(2);
const [file, name] = handlerName.split('.');

process.on('disconnect', () => process.exit());
// Ctrl-C and the end of a terminal reach the whole process group; it is the parent that decides when a worker goes.
for (const signal of ['SIGINT', 'SIGHUP']) process.on(signal, () => {});

const { [name]: handler } = await import(pathToFileURL(join(folder, `${file}.mjs`)).href);
if (typeof handler !== 'function') throw new TypeError(`${handlerName} is not a function`);

process.on('message', async ({ event, requestId, deadline }) => {
  const context = {
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: '$LATEST',
    memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    awsRequestId: requestId,
    callbackWaitsForEmptyEventLoop: true,
    getRemainingTimeInMillis: () => Math.max(0, deadline - Date.now()),
  };
  try {
    const value = await handler(event, context);
    process.send({ payload: JSON.stringify(value) ?? 'null' });
  } catch (error) {
    console.error('Invoke Error', error);
    process.send({ error: { name: error?.name ?? 'Error', message: error?.message ?? String(error) } });
  }
});

process.send({ ready: true });
