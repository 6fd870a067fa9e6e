/**
 * `npm run dependency-audit`: known holes in what ships, as the registry knows them. A registry that answers no
 * audits is said to be one: then nothing is known, which is no failure of the code.
 */
import { spawnSync } from 'node:child_process';

const FAILS: ReadonlySet<string> = new Set(['high', 'critical']);

interface Finding {
  name: string;
  severity: string;
}

export type Verdict =
  | { is: 'not-answered'; why: string }
  | { is: 'audited'; findings: Finding[]; fails: boolean };

/** What the JSON of `npm audit` says. Throws when it is neither a report nor npm's word that there is none. */
export function verdictOf(json: string): Verdict {
  const report = JSON.parse(json);
  if (report.vulnerabilities === undefined) {
    const why = report.message ?? report.error?.summary;
    if (!why) throw new Error(`npm audit answered neither a report nor an error: ${json.slice(0, 200)}`);
    return { is: 'not-answered', why };
  }
  const findings = Object.values<Finding>(report.vulnerabilities).map(({ name, severity }) => ({
    name,
    severity,
  }));
  return { is: 'audited', findings, fails: findings.some(({ severity }) => FAILS.has(severity)) };
}

if (import.meta.main) {
  const { stdout, error } = spawnSync('npm', ['audit', '--omit=dev', '--json'], { encoding: 'utf8' });
  if (error) throw error;
  const verdict = verdictOf(stdout);
  if (verdict.is === 'not-answered') {
    console.log(
      'NOT AUDITED: the package registry answers no audits here, so that nothing is known of holes.',
    );
    // Without the address, which may be that of a mirror.
    console.log(`It said: ${verdict.why.replace(/https?:\/\/\S+/g, '…')}`);
  } else {
    for (const { name, severity } of verdict.findings) console.log(`${severity}: ${name}`);
    console.log(
      `Audited: ${verdict.findings.length} known holes${verdict.fails ? ', and of high severity' : ''}.`,
    );
    process.exitCode = verdict.fails ? 1 : 0;
  }
}
