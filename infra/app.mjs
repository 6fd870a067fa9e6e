/** What the CDK CLI runs (`cdk.json`). A `cdk` that is not this project's brings whatever Node the machine has. */
import { isNewEnough, OLDEST_TO_RUN } from './install/bundled-node.mjs';

if (isNewEnough()) {
  await import('./app.ts');
} else {
  console.error(
    `Use "npx cdk": it brings a Node that is new enough. ${OLDEST_TO_RUN} is, this is ${process.version}.`,
  );
  process.exitCode = 1;
}
