import { type Figure, isMet } from './figures.ts';

/** The figures as rows of text: what, target, measured, interval, met. */
export function rowsOf(figures: readonly Figure[]): string[][] {
  return figures.map((figure) => {
    const { value, low, high } = figure.estimate;
    const met = isMet(figure);
    return [
      figure.what,
      targetOf(figure),
      rounded(value),
      low === high ? '' : `${rounded(low)} to ${rounded(high)}`,
      met === undefined ? '' : met ? 'yes' : 'NO',
    ];
  });
}

export const HEADINGS = ['what', 'target', 'measured', '95 % interval', 'met'];

export function printTable(figures: readonly Figure[]): void {
  const rows = [HEADINGS, ...rowsOf(figures)];
  const widths = HEADINGS.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  for (const row of rows)
    console.log(
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    );
}

function targetOf({ atMost, atLeast, goal }: Figure): string {
  const wished = goal === undefined ? '' : `; goal ${goal}`;
  if (atMost !== undefined) return `≤ ${atMost}${wished}`;
  return atLeast === undefined ? '' : `≥ ${atLeast}${wished}`;
}

const rounded = (value: number) => (value >= 100 ? value.toFixed(0) : value.toFixed(value >= 10 ? 1 : 3));
