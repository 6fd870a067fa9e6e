/** `npm run settings`: writes `docs/settings.md`, and the settings' types. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { settingsReference } from './settings-reference.ts';
import { settingsTypes } from './settings-types.ts';

const root = join(import.meta.dirname, '..', '..');
writeFileSync(join(root, 'docs', 'settings.md'), settingsReference());
writeFileSync(join(root, 'infra', 'stack', 'settings-types.ts'), settingsTypes());
