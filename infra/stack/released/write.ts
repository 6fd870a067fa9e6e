/** `npm run released`: writes down what of the default stack the next versions must not replace. Run at a release. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { synthesize } from '../../local/synthesize.ts';
import { projectSettings } from '../project-context.ts';
import { statefulOf, type TemplateResources } from './stateful.ts';

const { template, remove } = await synthesize(projectSettings());
await remove();
const released = { Resources: statefulOf(template as TemplateResources) };
writeFileSync(join(import.meta.dirname, 'stateful.json'), `${JSON.stringify(released, undefined, 2)}\n`);
