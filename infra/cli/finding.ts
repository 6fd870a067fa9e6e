/** What a check of `doctor` found. `warn`: worth a look; `fail`: payments suffer. */
export interface Finding {
  is: 'ok' | 'warn' | 'fail';
  detail: string;
}
