declare module 'spdx-satisfies' {
  /** Whether a licence expression can be met with the allowed licences. Throws at what is no SPDX expression. */
  export default function satisfies(expression: string, allowed: readonly string[]): boolean;
}
