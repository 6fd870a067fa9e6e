/**
 * The example: `npx cdk deploy --app "node infra/example/app.ts"`. With `-c paytechUrl=…` against a simulator in
 * paytech's place.
 */
import { App } from 'aws-cdk-lib';
import { bundleFunctions } from '../bundle.ts';
import { ShopStack } from './shop-stack.ts';

await bundleFunctions();
const app = new App();
const paytechUrl = app.node.tryGetContext('paytechUrl');
new ShopStack(app, 'paytech-shop-example', { payments: { ...(paytechUrl && { paytechUrl }) } });
app.synth();
