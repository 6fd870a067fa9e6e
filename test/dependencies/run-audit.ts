/**
 * `npm run dependency-audit`: known holes in what ships, as the registry knows them. A registry that answers no
 * audits is said to be one: then nothing is known, which is no failure of the code.
 */
import { spawnSync } from 'node:child_process';
import { verdictOf } from './audit.ts';

const { stdout, error } = spawnSync('npm', ['audit', '--omit=dev', '--json'], { encoding: 'utf8' });
if (error) throw error;
const verdict = verdictOf(stdout);
if (verdict.is === 'not-answered') {
  console.log('NOT AUDITED: the package registry answers no audits here, so that nothing is known of holes.');
  // Without the address, which may be that of a mirror.
  console.log(`It said: ${verdict.why.replace(/https?:\/\/\S+/g, '…')}`);
} else {
  for (const { name, severity } of verdict.findings) console.log(`${severity}: ${name}`);
  console.log(
    `Audited: ${verdict.findings.length} known holes${verdict.fails ? ', and of high severity' : ''}.`,
  );
  process.exitCode = verdict.fails ? 1 : 0;
}
