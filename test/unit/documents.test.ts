/** The documents: their links lead somewhere, and their commands are run by a test. */
import { execFileSync } from 'node:child_process';
import { existsSync, globSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, test } from 'vitest';
import { CALLS, KINDS, WHAT_HAPPENS } from '../../infra/local/simulator/faults.ts';
import { commandBlocks, quotes, readDocument, root } from '../support/documents.ts';

const documents = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.md'], {
  cwd: root,
  encoding: 'utf8',
})
  .split('\n')
  .filter((path) => path && existsSync(join(root, path)));

const withoutCode = (markdown: string) =>
  markdown
    .replace(/^[ \t]*```.*?^[ \t]*```/gms, '')
    .replace(/`[^`\n]*`/g, (code) => code.replace(/[[\]()]/g, ''));

/** Source: what GitHub makes of a heading; https://github.com/Flet/github-slugger */
function slug(heading: string): string {
  return heading
    .replace(/<[^>]*>/g, '')
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\p{M} _-]/gu, '')
    .replaceAll(' ', '-');
}

function anchorsOf(path: string): Set<string> {
  const markdown = withoutCode(readDocument(path));
  const headings = [...markdown.matchAll(/^#{1,6} (.*)$/gm)].map(([, heading]) => slug(heading!));
  const explicit = [...markdown.matchAll(/<a (?:id|name)="([^"]+)"/g)].map(([, id]) => id!);
  return new Set([...headings, ...explicit]);
}

/** Links and pictures within the repository, as written. */
function linksOf(path: string): string[] {
  const markdown = withoutCode(readDocument(path));
  const inline = [...markdown.matchAll(/\]\(<?([^)\s>]+)>?(?: "[^"]*")?\)/g)].map(([, link]) => link!);
  const html = [...markdown.matchAll(/<(?:img|a|source)\b[^>]*?(?:src|href|srcset)="([^"]+)"/g)].map(
    ([, link]) => link!,
  );
  return [...inline, ...html].filter((link) => !/^[a-z]+:/.test(link));
}

/** What is wrong with a link of a document, or undefined. */
function problemOf(path: string, link: string): string | undefined {
  const [file = '', anchor] = link.split('#');
  const wanted = file === '' ? path : relative(root, join(root, dirname(path), decodeURIComponent(file)));
  if (!existsSync(join(root, wanted))) return 'there is no such file';
  if (anchor === undefined || statSync(join(root, wanted)).isDirectory()) return undefined;
  if (!wanted.endsWith('.md')) return undefined;
  return anchorsOf(wanted).has(anchor) ? undefined : 'there is no such heading';
}

test.each(documents)('%s: every link within the repository leads somewhere', (path) => {
  const broken = linksOf(path).flatMap((link) => {
    const problem = problemOf(path, link);
    return problem === undefined ? [] : [`${link}: ${problem}`];
  });
  expect(broken).toEqual([]);
});

test('the check of links notices what is broken', () => {
  expect(problemOf('README.md', 'docs/nowhere.md')).toBe('there is no such file');
  expect(problemOf('README.md', 'SECURITY.md#nowhere')).toBe('there is no such heading');
  expect(problemOf('docs/api.md', '../SECURITY.md#rotation')).toBeUndefined();
  expect(linksOf('README.md').length).toBeGreaterThan(10);
});

test('every file that CONTRIBUTING.md names is there', () => {
  const named = [...readDocument('CONTRIBUTING.md').matchAll(/`([\w./-]+\.(?:ts|mjs|json|md))`/g)].map(
    ([, path]) => path!,
  );
  const paths = named.filter((path) => path.includes('/'));
  expect(paths.length).toBeGreaterThan(40);
  expect(paths.filter((path) => !existsSync(join(root, path)))).toEqual([]);
});

describe('every block of commands is run by a test', () => {
  /** By each run of the tests, from a fresh clone. */
  const ONCE = ['npm ci', 'npm start', 'npm test'];
  const rehearsed = commandBlocks(readDocument('docs/getting-started.md'))
    .filter(({ mark }) => mark?.startsWith('rehearsed'))
    .map(({ script }) => script)
    .join('');

  test.each(
    documents.flatMap((path) => commandBlocks(readDocument(path)).map((block) => ({ path, ...block }))),
  )('$path, $mark: $script', ({ path, mark, script }) => {
    switch (mark?.split(':')[0]) {
      case 'walkthrough':
        // test/local/readme.long.test.ts
        return expect(['README.md', 'docs/api.md', 'docs/faults.md']).toContain(path);
      case 'rehearsed':
        // npm run rehearse, which takes its commands from there.
        return script
          .trim()
          .split('\n')
          .forEach((line) => void expect(rehearsed).toContain(line));
      case 'restored':
        // npm run rehearse as well: test/deployed/restore.test.ts.
        return expect(path).toBe('docs/runbook.md');
      case 'once':
        return expect(ONCE).toContain(script.trim());
      default:
        throw new Error(
          'say above the block who runs it: <!-- walkthrough -->, <!-- rehearsed --> or <!-- once -->',
        );
    }
  });
});

// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStackResources.html
test('no command asks for the resources of a stack by the call that names the first hundred only', () => {
  const scripts = documents.flatMap((path) => commandBlocks(readDocument(path)));
  expect(scripts.filter(({ script }) => script.includes('list-stack-resources')).length).toBeGreaterThan(2);
  expect(scripts.filter(({ script }) => script.includes('describe-stack-resources'))).toEqual([]);
});

// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateTable.html: an update that goes on after its answer
test('a table that is updated is waited for before anything else is done with it', () => {
  const commands = documents
    .flatMap((path) => commandBlocks(readDocument(path)))
    .flatMap(({ script }) => script.split('\n').map((line) => line.trim()));
  const next = commands.flatMap((line, at) =>
    line.startsWith('aws dynamodb update-table ') ? [commands[at + 1]] : [],
  );
  expect(next.length).toBeGreaterThan(1);
  for (const line of next) expect(line).toMatch(/^aws dynamodb wait table-exists /);
});

test('the page of faults says of every kind what happens, as the control room does, and names the calls', () => {
  const page = readDocument('docs/faults.md');
  const rows = [...page.matchAll(/^\| (`.*`) \| (.*) \| (.*) \|$/gm)].slice(1);
  const told = rows.flatMap(([, kinds, what]) =>
    [...kinds!.matchAll(/`([^`]+)`/g)].map(([, kind]) => [kind!, what!]),
  );
  expect(Object.fromEntries(told)).toEqual(WHAT_HAPPENS);
  expect(told.map(([kind]) => kind).sort()).toEqual([...KINDS].sort());
  for (const call of CALLS) expect(page).toContain(`\`${call}\``);
});

test('what a document quotes is the file, word for word', () => {
  const files = documents
    .flatMap((path) => quotes(readDocument(path)))
    .filter(({ mark }) => mark.includes('/'));
  expect(files.length).toBeGreaterThanOrEqual(3);
  for (const { mark, text } of files) expect(text, mark).toBe(readDocument(mark));
});

test('every npm script that a document or a workflow names is there', () => {
  const { scripts } = JSON.parse(readDocument('package.json'));
  const workflows = globSync('.github/workflows/*.yml', { cwd: root });
  expect(workflows).toHaveLength(2);
  const named = [...documents, ...workflows].flatMap((path) =>
    [...readDocument(path).matchAll(/npm run (?:--silent |-s )?([\w:-]+)/g)].map(([, name]) => name!),
  );
  expect([...new Set(named)].filter((name) => !(name in scripts))).toEqual([]);
});
