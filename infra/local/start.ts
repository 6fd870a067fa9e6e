/**
 * `npm start`: the service on this machine, until Ctrl-C. Every start is a clean slate. Settings, all from the
 * environment:
 *   PORT 3000           the API, the demo storefront at / and the control room at /control-room
 *   PAYTECH_PORT 3001   the paytech simulator
 *   SQS_PORT 3002       the embedded SQS and SNS
 *   DYNAMODB_PORT 3003  the embedded DynamoDB
 *   ORDER_TOKENS off    "required": POST /payments needs an order token (npm run order-token)
 *   ALLOWED_ORIGINS     pages that may call the API beside those on this machine, with commas: https://shop.test
 *   PAYTECH_ANSWERS whole  "sparse": the simulator says the least that paytech's contract allows; "random": a mixture
 *   LOG short           "json": what the functions log, whole
 */
import { styleText } from 'node:util';
import type { LocalService } from './local-service.ts';
import { forTerminal } from './log-line.ts';

/** The last is what a terminal sends that is closed. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

const ports = {
  PORT: portFrom('PORT', 3000),
  PAYTECH_PORT: portFrom('PAYTECH_PORT', 3001),
  SQS_PORT: portFrom('SQS_PORT', 3002),
  DYNAMODB_PORT: portFrom('DYNAMODB_PORT', 3003),
};
const orderTokens = oneOf('ORDER_TOKENS', ['off', 'required'] as const);
const pageOrigins = originsFrom('ALLOWED_ORIGINS');
const answers = oneOf('PAYTECH_ANSWERS', ['whole', 'sparse', 'random'] as const);
const logForm = oneOf('LOG', ['short', 'json'] as const);

const { startLocal, LOCAL_KEYS } = await import('./local-service.ts');
const starting = startLocal({
  port: ports.PORT,
  paytechPort: ports.PAYTECH_PORT,
  sqsPort: ports.SQS_PORT,
  dynamoDbPort: ports.DYNAMODB_PORT,
  orderTokens,
  pageOrigins,
  simulator: { answers: { form: answers } },
  controlRoom: true,
  onLog: (functionName, line) => {
    const said = forTerminal(line, logForm);
    if (said !== undefined) console.log(styleText('dim', `[${functionName}] ${said}`));
  },
});
let isStopping = false;
for (const signal of SIGNALS) process.once(signal, shutDown);
try {
  const service = await starting;
  if (!isStopping) announce(service);
} catch (error) {
  if (!isStopping) explain(error as NodeJS.ErrnoException & { port?: number });
}

async function shutDown(): Promise<void> {
  isStopping = true;
  // Nobody reads any more what the terminal was told.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
  // A second Ctrl-C does not wait.
  for (const signal of SIGNALS) process.on(signal, () => process.exit(1));
  // Ctrl-C in the middle of a start ends the bundler too, which fails the start.
  const service = await starting.catch(() => undefined);
  await service?.close();
  process.exit(0);
}

function announce({ apiUrl, simulatorUrl, sqsUrl, dynamoDbUrl, notEmulated }: LocalService): void {
  console.log(`Keys here: shop API key ${LOCAL_KEYS.apiKey}, signing key ${LOCAL_KEYS.signingKey},
  order-token key ${LOCAL_KEYS.orderTokenKey}, AWS access key and secret local/local.
Order tokens: ${orderTokens} (ORDER_TOKENS). The simulator's answers: ${answers} (PAYTECH_ANSWERS).
Pages that may call the API: those on localhost and 127.0.0.1, of cdk.json${pageOrigins.map((each) => `, ${each}`).join('')} (ALLOWED_ORIGINS).
Of the stack, these resource types are not emulated: ${notEmulated.join(', ')}.
Try:
  curl ${apiUrl}/payments -H 'content-type: application/json' -d ${exampleOrder()}
  curl ${simulatorUrl}/simulator/payments/<id>/pay -H 'content-type: application/json' -d '{"cardNumber":"4000000000000408"}'
  curl ${apiUrl}/payments/<id>
ready: API and storefront ${apiUrl}/, control room ${apiUrl}/control-room, simulator ${simulatorUrl}, SQS and SNS ${sqsUrl}, DynamoDB ${dynamoDbUrl}`);
}

/** A body as a shell takes it. */
function exampleOrder(): string {
  if (orderTokens === 'off') return `'{"referenceId":"order-1","amount":"11.12","currency":"EUR"}'`;
  const token = '$(npm run --silent order-token -- --reference order-1 --amount 11.12 --currency EUR)';
  return `"{\\"orderToken\\":\\"${token}\\"}"`;
}

function portFrom(variable: string, usual: number): number {
  const text = process.env[variable] ?? String(usual);
  if (/^\d{1,5}$/.test(text) && Number(text) < 65_536) return Number(text);
  return exitWith(`${variable} must be a port number, and is "${text}".`);
}

function originsFrom(variable: string): string[] {
  const origins = (process.env[variable] ?? '').split(',').map((text) => text.trim());
  return origins.filter(Boolean).map((text) => {
    if (URL.canParse(text) && new URL(text).origin === text) return text;
    return exitWith(
      `${variable} must be origins with commas between them, such as http://localhost:8080, without a path; "${text}" is none.`,
    );
  });
}

/** The first is the usual one. */
function oneOf<Value extends string>(variable: string, values: readonly [Value, ...Value[]]): Value {
  const text = process.env[variable] ?? values[0];
  return (
    values.find((value) => value === text) ??
    exitWith(`${variable} must be ${values.join(' or ')}, and is "${text}".`)
  );
}

function explain(error: NodeJS.ErrnoException & { port?: number }): never {
  if (error.code !== 'EADDRINUSE') throw error;
  const [variable] = Object.entries(ports).find(([, port]) => port === error.port) ?? [];
  return exitWith(
    `Port ${error.port} is taken. Stop what uses it, or choose another: ${variable}=<port> npm start`,
  );
}

function exitWith(message: string): never {
  console.error(message);
  process.exit(1);
}
