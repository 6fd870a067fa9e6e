/** What `npm audit` says of the packages that ship. */
const FAILS: ReadonlySet<string> = new Set(['high', 'critical']);

interface Finding {
  name: string;
  severity: string;
}

export type Verdict =
  | { is: 'not-answered'; why: string }
  | { is: 'audited'; findings: Finding[]; fails: boolean };

/** What the JSON of `npm audit` says. Throws when it is neither a report nor npm's statement that there is none. */
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
