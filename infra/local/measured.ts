/** What AWS would measure of the local run: how each invocation of a function and each request of a route ended. */
export type Measured =
  | { of: 'function'; name: string; failed: boolean }
  | { of: 'route'; method: string; path: string; status: number; milliseconds: number };

export type OnMeasured = (measured: Measured) => void;
