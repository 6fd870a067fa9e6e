import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** A run ends with the first failure: what takes milliseconds goes first. */
class UnitFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isUnit = ({ moduleId }: TestSpecification) => moduleId.includes('/test/unit/');
    return files.toSorted((a, b) => Number(isUnit(b)) - Number(isUnit(a)));
  }
}

/** Without the tests that start processes, whose code no mutant is in, and those of the code's own form. */
export default defineConfig({
  root: new URL('../..', import.meta.url).pathname,
  test: {
    include: ['test/{unit,integration}/*.test.ts'],
    exclude: ['test/unit/{dependencies,documents,floors,install,progress,sizes,storefront}.test.ts'],
    sequence: { sequencer: UnitFirst },
    // Upper limits with instrumented code; a mutant that hangs is ended by Stryker.
    testTimeout: 300_000,
    hookTimeout: 300_000,
  },
});
