#!/usr/bin/env node
/** The command line of whoever operates the service: `npm run ops -- --help`. */
import { CommanderError } from 'commander';
import { stringifyWithTexts } from '../../shared/payment/json.ts';
import { Failure } from './failure.ts';
import { progress, type Result } from './output.ts';
import { printableJson, printableLines } from './printable.ts';
import { program } from './program.ts';

const wantsJson = process.argv.includes('--json');

process.exitCode = await run(async () => {
  let result: Result | undefined;
  await program((each) => {
    result = each;
  }).parseAsync();
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
      if (wantsJson && !isHelp) printJson({ error: error.message });
      return isHelp ? 0 : 2;
    }
    const message = messageOf(error);
    if (wantsJson) printJson({ error: message });
    else progress(message);
    return error instanceof Failure ? error.exitCode : 1;
  }
}

function print(document: unknown, text: string): void {
  if (wantsJson) printJson(document);
  else process.stdout.write(`${printableLines(text)}\n`);
}

function printJson(document: unknown): void {
  process.stdout.write(`${printableJson(stringifyWithTexts(document))}\n`);
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // The SDK and Node put every address that they tried into one error without a message of its own.
  const causes = error instanceof AggregateError ? error.errors : [error];
  const isUnreachable = causes.some((each) => (each as NodeJS.ErrnoException).code === 'ECONNREFUSED');
  if (isUnreachable)
    return 'Nothing answers there. Is the local run running (npm start), or is --stack missing?';
  if (error instanceof Failure) return error.message;
  if (error.name === 'CredentialsProviderError')
    return `There are no AWS credentials to use (${error.message}). Sign in, or name a profile with --profile.`;
  if (error.message === 'Region is missing')
    return 'In which region is the stack? Name it with --region or AWS_REGION.';
  return `${error.name}: ${error.message}`;
}
