/** The command line where the package is installed: `npx --no -- paytech-ops`. */
import { needed } from './needed-node.ts';

if (needed) {
  console.error(needed);
  process.exitCode = 2;
} else {
  await import('../cli/paytech-ops.ts');
}
