/** `npm run build`. */
import { bundleFunctions } from '../stack/bundle.ts';
import { bundlesFolder } from '../stack/bundles-folder.ts';

console.log(`bundled ${(await bundleFunctions()).join(', ')} into ${bundlesFolder}`);
