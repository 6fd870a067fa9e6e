import { readFileSync } from 'node:fs';
import { join, posix } from 'node:path';

/** In which the types of the decimal library are part of the package. */
const DECIMALS = 'shared/payment/big';

/**
 * The declarations that the compiler wrote to `dist/types`, as far as these entries lead to them, by their path; they
 * import each other as JavaScript does, and nothing but CDK beside.
 */
export function declarations(root: string, entries: string[]): Map<string, string> {
  const found = new Map([
    [`${DECIMALS}.d.ts`, readFileSync(join(root, 'node_modules/@types/big.js/index.d.ts'), 'utf8')],
  ]);
  const add = (module: string) => {
    const path = `${module}.d.ts`;
    if (found.has(path)) return;
    const text = readFileSync(join(root, 'dist/types', path), 'utf8');
    const toDecimals = `./${posix.relative(posix.dirname(module), DECIMALS)}.js`;
    found.set(
      path,
      text
        .replace(/import Big from 'big\.js'/, `import Big = require('${toDecimals}')`)
        .replace(/(from |import\()(['"]\.[^'"]*)\.ts(['"])/g, '$1$2.js$3'),
    );
    for (const [, imported] of text.matchAll(/(?:from |import\()['"](\.[^'"]*)\.ts['"]/g)) {
      add(posix.join(posix.dirname(module), imported!));
    }
  };
  entries.forEach(add);
  return found;
}
