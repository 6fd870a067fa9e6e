declare module 'dynalite' {
  import type { Server } from 'node:http';

  /** https://github.com/architect/dynalite#usage; durations in milliseconds. */
  export default function dynalite(options: {
    createTableMs?: number;
    deleteTableMs?: number;
    updateTableMs?: number;
  }): Server;
}

/** Every action calls these as they stand in the module. */
declare module 'dynalite/db/index.js' {
  export interface Dynalite {
    /** The error to answer when the request's condition does not hold for the item that stands. */
    checkConditional(
      request: Record<string, unknown>,
      item: object | undefined,
    ): { body: Record<string, unknown> } | null | undefined;
  }
  const db: Dynalite;
  export default db;
}

/** The parameters of an action. */
declare module 'dynalite/validations/*.js' {
  const validation: { types: Record<string, object> };
  export default validation;
}
