/** After every `npm ci` and `npm install`: `npx cdk` and the like find the Node that came along. */
import { linkBundledNode } from './bundled-node.mjs';

try {
  linkBundledNode();
} catch (error) {
  // Installed it is all the same; install.mjs says so to whoever needs the link.
  console.error(`The Node of the dependencies could not be linked: ${error.message}`);
}
