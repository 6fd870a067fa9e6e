import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { expect, test } from 'vitest';

/**
 * Imports run one way, by floor: infra, then functions, then what is asked for and called, then what stores, sends and
 * speaks to paytech, then what runs, and the pure rules at the bottom. Types may come from anywhere on the same floor.
 */
const FLOORS = [
  ['shared/payment'],
  ['shared/runtime'],
  ['shared/store', 'shared/messaging', 'shared/paytech'],
  ['shared/calls', 'shared/http'],
  ['functions'],
  ['infra'],
];
const floorOf = (file: string) =>
  FLOORS.findIndex((folders) => folders.some((each) => file.startsWith(`${each}/`)));

const IMPORT = /^(?:import|export)\s[^'"]*?from '(\.[^']*)'|^import '(\.[^']*)'/gm;

test('imports run one way, from floor to floor', () => {
  const wrong: string[] = [];
  for (const found of globSync('{shared,functions}/**/*.ts')) {
    const file = found.replaceAll('\\', '/');
    for (const [, from, alone] of readFileSync(file, 'utf8').matchAll(IMPORT)) {
      const target = normalize(join(dirname(file), from ?? alone!)).replaceAll('\\', '/');
      if (floorOf(target) > floorOf(file)) wrong.push(`${file} imports ${target}`);
    }
  }
  expect(wrong).toEqual([]);
});

test('every shared file is on a floor', () => {
  const files = globSync('shared/**/*.ts').map((each) => each.replaceAll('\\', '/'));
  const outside = files.filter((each) => floorOf(each) < 0 && !each.startsWith('shared/storefront/'));
  expect(outside).toEqual([]);
});
