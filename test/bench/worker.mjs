/**
 * Runs one contender as Lambda's runtime does: `sandbox.ts` starts it with the file of the handler, sends events,
 * and gets an answer and the process's peak memory for each. Plain JavaScript, because stripping types would add
 * to every start.
 */
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const [file] = process.argv.slice(2);

process.on('disconnect', () => process.exit());

// As Lambda does: what is CommonJS is required.
const { handler } = file.endsWith('.cjs')
  ? createRequire(import.meta.url)(file)
  : await import(pathToFileURL(file).href);

process.on('message', async ({ event, deadline }) => {
  const context = {
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: '$LATEST',
    memoryLimitInMB: '1024',
    awsRequestId: 'bench',
    getRemainingTimeInMillis: () => Math.max(0, deadline - Date.now()),
  };
  const before = process.cpuUsage();
  try {
    const answer = await handler(event, context);
    process.send({
      answer,
      cpuMs: milliseconds(process.cpuUsage(before)),
      totalCpuMs: milliseconds(process.cpuUsage()),
      peakKb: process.resourceUsage().maxRSS,
    });
  } catch (error) {
    process.send({ error: String(error?.stack ?? error) });
  }
});

function milliseconds({ user, system }) {
  return (user + system) / 1000;
}

process.send({ ready: true });
