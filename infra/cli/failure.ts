/** Something that the reader of the terminal can do something about. The exit code 2 says: call it differently. */
export class Failure extends Error {
  override name = 'Failure';
  readonly exitCode: 1 | 2;

  constructor(message: string, exitCode: 1 | 2 = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}
