import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export const root = join(import.meta.dirname, '..', '..');

export const readDocument = (path: string): string => readFileSync(join(root, path), 'utf8');

export interface CommandBlock {
  /** What the comment above says: `walkthrough`, `rehearsed`, …; undefined where there is none. */
  mark: string | undefined;
  script: string;
}

/** The blocks of shell commands in a document, in order. Indented ones are found too. */
export function commandBlocks(markdown: string): CommandBlock[] {
  const blocks = markdown.matchAll(
    /(?:^[ \t]*<!-- ([^>]*) -->\n)?^[ \t]*```(?:sh|bash|shell)\n(.*?)^[ \t]*```/gms,
  );
  return [...blocks].map(([, mark, script]) => ({ mark, script: script! }));
}

export interface Quote {
  /** What the comment above it says: the path of a file, or the name of a sample. */
  mark: string;
  language: string;
  text: string;
}

/** The blocks of code with a comment above that says what they are, in order; those of shell commands aside. */
export function quotes(markdown: string): Quote[] {
  const blocks = markdown.matchAll(/^<!-- ([^>]*) -->\n```(?!sh|bash|shell)(\w+)\n(.*?)^```/gms);
  return [...blocks].map(([, mark, language, text]) => ({ mark: mark!, language: language!, text: text! }));
}
