/** The programs of docs/reading-events.md: they keep every digit, of today's events and of older ones. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { mustRun } from '../../infra/rehearsal/run.ts';
import { quotes, readDocument } from '../support/documents.ts';
import { itIn, itWith, runProgram } from '../support/languages.ts';

const JACKSON = 'com.fasterxml.jackson.core:jackson-databind:2.18.2';
const AMOUNT = '999999999.123456789012345678';
const [example] =
  readDocument('docs/subscribers.md').match(/(?<=```json\n)\{\n {2}"specversion".*?(?=```)/s) ?? [];

for (const { language, text } of quotes(readDocument('docs/reading-events.md'))) {
  const itHere = language === 'java' ? itWith('java', 'mvn') : itIn(language);
  itHere(`reads an event in ${language}`, async () => {
    const env: Record<string, string> = language === 'java' ? { CLASSPATH: await jackson() } : {};
    const today = example!.replace('"amount": "11.12"', `"amount": "${AMOUNT}"`);
    const older = today.replace(`"amount": "${AMOUNT}"`, `"amount": ${AMOUNT}`);
    for (const event of [today, older]) {
      const printed = await runProgram(language, text, env, [event]);
      expect(printed.trim()).toBe(`6cdb0c7e5f0d4f5b9a4f0c3a1d2e3f40 2 COMPLETED ${AMOUNT} EUR`);
    }
  });
}

/** The library's folder, as a classpath. */
async function jackson(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'jackson-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  for (const part of ['annotations', 'core', 'databind']) {
    const artifact = JACKSON.replace('databind', part);
    await mustRun('mvn', ['-q', 'dependency:copy', `-Dartifact=${artifact}`, `-DoutputDirectory=${folder}`]);
  }
  return join(folder, '*');
}
