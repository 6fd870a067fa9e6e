import * as z from 'zod/mini';

/** Reads as absent what is not as it should be. */
export const lenient = <T extends z.ZodMiniType>(schema: T) => otherwise(z.nullish(schema), undefined);

/** Reads as `fallback` what is not as it should be: `z.catch`, which has all of zod's helpers loaded at a cold start. */
export function otherwise<T extends z.ZodMiniType>(innerType: T, fallback: z.output<T>): z.ZodMiniCatch<T> {
  return new z.ZodMiniCatch({ type: 'catch', innerType, catchValue: () => fallback }) as z.ZodMiniCatch<T>;
}

/** A text of at most 256 characters; anything else reads as absent. */
export const shortText = lenient(z.string().check(z.minLength(1), z.maxLength(256)));

/** Those of the fields that were told. */
export function present<T extends object>(fields: T): { [Name in keyof T]?: NonNullable<T[Name]> } {
  const told = Object.entries(fields).filter(([, value]) => value !== undefined && value !== null);
  return Object.fromEntries(told) as { [Name in keyof T]?: NonNullable<T[Name]> };
}

/** paytech's times are UTC and may come without a zone. */
export function utc(time: string | null | undefined): string | undefined {
  if (!time) return undefined;
  const date = new Date(/(Z|[+-]\d\d:?\d\d)$/.test(time) ? time : `${time}Z`);
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString();
}
