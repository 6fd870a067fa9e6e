/** The parts that the bench uses of packages that have no types. */
declare module 'mkcert' {
  interface Pair {
    key: string;
    cert: string;
  }
  export function createCA(about: {
    organization: string;
    countryCode: string;
    state: string;
    locality: string;
    validity: number;
  }): Promise<Pair>;
  export function createCert(about: { ca: Pair; domains: string[]; validity: number }): Promise<Pair>;
}

declare module 'dynalite/actions/*.js' {
  export default function act(
    store: unknown,
    request: object,
    callback: (error?: unknown, value?: unknown) => void,
  ): void;
}

declare module 'dynalite/validations/index.js' {
  /** Parses the expressions of a request into it; returns what is wrong with them. */
  export function validateExpressions(request: object): string | undefined;
}
