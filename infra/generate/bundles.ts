/** `npm run build`. */
import { bundleFunctions, bundlesFolder } from '../bundle.ts';

console.log(`bundled ${(await bundleFunctions()).join(', ')} into ${bundlesFolder}`);
