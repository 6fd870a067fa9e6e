/**
 * `node infra/install/with-node.mjs <entry.ts> [arguments]`: runs an entry with a Node that is new enough, also where
 * nobody has linked the one among the dependencies yet (`npm ci --ignore-scripts`), or a `cdk` that is not this
 * project's has brought the machine's own.
 */
import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { bundledNode, isNewEnough, linkBundledNode, OLDEST_TO_RUN } from './bundled-node.mjs';

const [entry, ...args] = process.argv.slice(2);

if (isNewEnough()) {
  // As if it had been called itself.
  process.argv.splice(1, 1);
  await import(pathToFileURL(resolve(entry)).href);
} else if (linkedOrRunnable()) {
  const { status } = spawnSync(bundledNode, [entry, ...args], { stdio: 'inherit' });
  process.exitCode = status ?? 1;
} else {
  console.error(
    `Node ${OLDEST_TO_RUN} or newer is needed: this is ${process.version}, and none is among the dependencies yet. Run "npm start" or "npm test" once, which install it.`,
  );
  process.exitCode = 1;
}

/** In a folder that may not be written the link is missing, and the Node is there all the same. */
function linkedOrRunnable() {
  try {
    return linkBundledNode();
  } catch {
    return true;
  }
}
