#!/usr/bin/env node
/** The command line of whoever operates the service: `npm run ops -- --help`. */
import { CommanderError } from 'commander';
import { stringifyWithTexts } from '../../shared/payment/json.ts';
import { Failure, messageOf } from './failure.ts';
import { progress, type Result } from './output.ts';
import { printableJson, printableLines } from './printable.ts';
import { program } from './program.ts';
import { useProxyOf } from './proxy.ts';
import { version } from './version.ts';

const wantsJson = process.argv.includes('--json');

// Whoever reads may have seen enough: paytech-ops … | head.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}

process.exitCode = await run(async () => {
  useProxyOf(process.env);
  let result: Result | undefined;
  const root = program((each) => {
    result = each;
  });
  const told = wantsJson ? JSON.stringify({ version: version() }) : version();
  // After a command it is an option of that command's: replay has one.
  if (!root.commands.some((each) => process.argv.includes(each.name())))
    root.version(told, '--version', 'print the version');
  await root.parseAsync();
  return result;
});

/** 0: done; 1: failed or not found; 2: usage error. */
async function run(command: () => Promise<Result | undefined>): Promise<number> {
  try {
    const result = await command();
    if (!result) return 0;
    print(result.document, result.text);
    return result.failed ? 1 : 0;
  } catch (error) {
    if (error instanceof CommanderError) {
      // It has printed its help or its complaint already.
      const isHelp = error.exitCode === 0;
      if (wantsJson && !isHelp) printJson({ error: complaintOf(error) });
      return isHelp ? 0 : 2;
    }
    const message = messageOf(error);
    if (wantsJson) printJson({ error: message });
    else progress(message);
    return error instanceof Failure ? error.exitCode : 1;
  }
}

/** Called without a command it shows its help, of which the error says nothing. */
function complaintOf({ code, message }: CommanderError): string {
  return code === 'commander.help' ? 'Which command? --help lists them.' : message;
}

function print(document: unknown, text: string): void {
  if (wantsJson) printJson(document);
  else process.stdout.write(`${printableLines(text)}\n`);
}

function printJson(document: unknown): void {
  process.stdout.write(`${printableJson(stringifyWithTexts(document))}\n`);
}
