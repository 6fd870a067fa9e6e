/** Something that the reader of the terminal can do something about. The exit code 2 says: call it differently. */
export class Failure extends Error {
  override name = 'Failure';
  readonly exitCode: 1 | 2;

  constructor(message: string, exitCode: 1 | 2 = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** What to tell of an error, in words that the reader can do something about where there are any. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (isUnreachable(error))
    return process.env.AWS_ENDPOINT_URL === undefined
      ? 'Nothing answers there. Is the local run running (npm start), or is --stack missing?'
      : 'Nothing answers there. Is what AWS_ENDPOINT_URL names still running, or the local run (npm start)?';
  if (error instanceof Failure) return error.message;
  if (error.name === 'CredentialsProviderError')
    return `There are no AWS credentials to use (${error.message}). Sign in, or name a profile with --profile.`;
  if (error.message === 'Region is missing')
    return 'In which region is the stack? Name it with --region or AWS_REGION.';
  return `${error.name}: ${error.message}`;
}

/** Where nobody listens; `fetch` hides that in a cause, and Node puts every address that it tried into one error. */
function isUnreachable(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if ((error as NodeJS.ErrnoException).code === 'ECONNREFUSED') return true;
  return [error.cause, ...(error instanceof AggregateError ? error.errors : [])].some(isUnreachable);
}
