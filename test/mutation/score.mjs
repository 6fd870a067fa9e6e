import { relative } from 'node:path';

/** The states in which a mutant was noticed, and those in which it was not; all others say nothing of the tests. */
const NOTICED = new Set(['Killed', 'Timeout']);
const UNNOTICED = new Set(['Survived', 'NoCoverage']);

/**
 * What became of mutants, by file, and last of all of them together.
 * @param {{ fileName: string, status: string, mutatorName: string, replacement?: string,
 *   location: { start: { line: number } } }[]} mutants
 */
export function addUp(mutants) {
  const byFile = Map.groupBy(mutants, ({ fileName }) => relative(process.cwd(), fileName));
  const files = [...byFile].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, own]) => scored(name, own));
  return [...files, { ...scored('all', mutants), lives: [] }];
}

function scored(name, mutants) {
  const killed = mutants.filter(({ status }) => NOTICED.has(status)).length;
  const lives = mutants.filter(({ status }) => UNNOTICED.has(status));
  const all = killed + lives.length;
  return { name, killed, all, lives, score: all === 0 ? 100 : (100 * killed) / all };
}

/** One line a file, and under it one for each mutant that lives. */
export function written(files) {
  return files.flatMap((file) => [lineOf(file), ...file.lives.map(lifeOf)]).join('\n');
}

function lineOf({ name, killed, all, score }) {
  return `${score.toFixed(1).padStart(6)} %  ${String(killed).padStart(5)} of ${String(all).padStart(5)}  ${name}`;
}

const SHOWN = 70;

function lifeOf({ location, mutatorName, replacement = '', status }) {
  const text = replacement.replaceAll(/\s+/g, ' ');
  const shown = text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text;
  const reached = status === 'NoCoverage' ? ', which no test reaches' : '';
  return `            line ${location.start.line}: ${mutatorName} ${shown}${reached}`;
}
