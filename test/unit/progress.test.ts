import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { openProgress } from '../../infra/cli/progress.ts';

function streamOf({ isTTY }: { isTTY: boolean }) {
  const stream = new PassThrough();
  const chunks: string[] = [];
  stream.on('data', (chunk) => chunks.push(String(chunk)));
  return { stream: Object.assign(stream, { isTTY, columns: 100 }) as never, text: () => chunks.join('') };
}

function work(total: number | undefined, isTTY: boolean): string {
  const { stream, text } = streamOf({ isTTY });
  const shown = openProgress('Messages put back', total, stream);
  for (let step = 0; step < 50; step++) shown.step();
  shown.end();
  return text();
}

test('where nobody watches long work says a line now and then, without any control character', () => {
  const text = work(50, false);
  expect(text.split('\n').filter(Boolean)).toHaveLength(10);
  expect(text).toContain('Messages put back: 50 of 50\n');
  expect(text).toMatch(/^[\w :\n]*$/);
});

test('work whose end nobody knows only counts, and short work says nothing', () => {
  expect(work(undefined, false)).toBe('');
});

test('on a terminal it is a bar in one line', () => {
  const text = work(50, true);
  expect(text).toContain('Messages put back ');
  expect(text).toContain(' of 50');
  expect(text.split('\n')).toHaveLength(1);
});
