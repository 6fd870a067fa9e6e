import * as z from 'zod/mini';
import { isDecimal } from '../payment/money.ts';
import { type FieldProblem, Problem } from './problem.ts';

/** Reads a parsed body by its schema. Throws `request.invalid` naming every field that is wrong, never a value. */
export function validated<T extends z.ZodMiniType>(schema: T, json: unknown): z.output<T> {
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  throw invalid(...result.error.issues.flatMap(fieldProblems));
}

/** `request.invalid` for these fields. */
export function invalid(...errors: FieldProblem[]): Problem {
  const detail = 'Correct the fields listed under errors and send the request again.';
  return new Problem('request.invalid', detail, { errors });
}

function fieldProblems(issue: z.core.$ZodIssue): FieldProblem[] {
  const path = issue.path.map(String);
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ field: [...path, key].join('.'), message: 'is not a known field' }));
  }
  return [{ field: path.join('.') || '(body)', message: issue.message }];
}

const isJsonObject = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !isDecimal(value);

/** An object with these fields and no others. Numbers are decimals here, which are objects to the schema. */
export const object = <T extends z.core.$ZodLooseShape>(fields: T) =>
  z.pipe(
    z.custom<z.input<z.ZodMiniObject<T, z.core.$strict>>>(isJsonObject, { error: 'must be a JSON object' }),
    z.strictObject(fields),
  );

/** A text of `min` to `max` characters. */
export const text = (max: number, min = 1) =>
  z
    .string({ error: 'must be a string' })
    .check(
      z.minLength(min, { error: `must have at least ${min} character${min === 1 ? '' : 's'}` }),
      z.maxLength(max, { error: `must have at most ${max} characters` }),
    );

/** A field that may be left out, for which an empty text, as forms send it, says the same. */
export const absentOr = <T extends z.ZodMiniType>(schema: T) =>
  z.optional(
    z.pipe(
      z.transform((value: unknown) => (value === '' ? undefined : value)),
      z.optional(schema),
    ),
  );

/** A text of a certain form, of which nothing more is asked where it has another. */
export const matching = (form: RegExp, error: string) =>
  z.string({ error }).check(z.regex(form, { error, abort: true }));

/** A field that exists at paytech and is refused here, with the reason. */
export const refused = (reason: string) => z.optional(z.never({ error: reason }));
