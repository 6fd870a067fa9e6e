/** Trouble with an embedded part: what happens to its requests while it lasts. */
export type Trouble = 'refusing' | 'stalling';

/** What every request of an embedded part goes through. It is open until somebody makes trouble. */
export interface Gate {
  /** `refusing` rejects requests, `stalling` lets them wait; undefined ends both. */
  set(trouble: Trouble | undefined): void;
  /** False when the request is to be rejected; of a stalled one only when the trouble ends. */
  pass(): Promise<boolean>;
}

export function openGate(): Gate {
  let trouble: Trouble | undefined;
  let changed = Promise.withResolvers<void>();
  return {
    set: (next) => {
      trouble = next;
      changed.resolve();
      changed = Promise.withResolvers();
    },
    pass: async () => {
      while (trouble === 'stalling') await changed.promise;
      return trouble !== 'refusing';
    },
  };
}
