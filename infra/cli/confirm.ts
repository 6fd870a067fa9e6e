import { createInterface } from 'node:readline/promises';
import { Failure } from './failure.ts';
import { printable } from './printable.ts';

/** Asks before money moves or something is deleted. A script has nobody to ask and says `--yes`. */
export async function confirm(
  question: string | (() => Promise<string>),
  { yes }: { yes?: boolean | undefined },
): Promise<void> {
  if (yes) return;
  if (!process.stdin.isTTY) throw new Failure('No terminal to confirm on: pass --yes.', 2);
  const text = typeof question === 'string' ? question : await question();
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await terminal.question(`${printable(text)} [y/N] `);
  terminal.close();
  if (!/^y(es)?$/i.test(answer.trim())) throw new Failure('Nothing was done.');
}
