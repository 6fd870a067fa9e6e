/** `npm run settings`: writes `docs/settings.md`. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { settingsReference } from './settings-reference.ts';

writeFileSync(join(import.meta.dirname, '..', '..', 'docs', 'settings.md'), settingsReference());
