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

declare module 'dynalite/db/index.js' {
  export interface Dynalite {
    /** What the item takes as it is, or 1 where there is none; to write it, where not said otherwise. */
    capacityUnits(item: object | undefined, isRead?: boolean, isConsistent?: boolean): number;
  }
}

declare module 'dynalite/db/*Parser.js' {
  interface Context {
    attrNames?: Record<string, string>;
    attrVals?: Record<string, Record<string, unknown>>;
    /** Of those given; the parser deletes what the expression names. */
    unusedAttrNames: Record<string, true>;
    unusedAttrVals: Record<string, true>;
  }
  const parser: {
    /** The tree, with the values in it; what is wrong with the expression as a text. */
    parse(text: string, options: { context: Context }): object | string;
  };
  export default parser;
}

declare module 'dynalite/validations/index.js' {
  /** Parses the expressions of a request into it; returns what is wrong with them. */
  export function validateExpressions(request: object): string | undefined;
}
