import { PROBLEMS, Problem } from '../../shared/http/problem.ts';

/** What the caller of a route gets. */
export interface Answer {
  status: number;
  code?: string;
  body?: { id: string; redirectUrl?: string };
}

export async function answerOf(route: () => Promise<{ status: number; body: unknown }>): Promise<Answer> {
  try {
    const { status, body } = await route();
    return { status, body: body as NonNullable<Answer['body']> };
  } catch (error) {
    if (!(error instanceof Problem)) return { status: 500, code: 'internal' };
    return { status: PROBLEMS[error.code].status, code: error.code };
  }
}
