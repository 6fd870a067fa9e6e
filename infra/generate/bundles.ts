/** `npm run build`. */
import { bundleFunctions, bundlesFolder } from '../stack/bundle.ts';

console.log(`bundled ${(await bundleFunctions()).join(', ')} into ${bundlesFolder}`);
