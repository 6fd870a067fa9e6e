import * as z from 'zod/mini';

/** Reads as absent what is not as it should be. */
export const lenient = <T extends z.ZodMiniType>(schema: T) => otherwise(z.nullish(schema), undefined);

/** Reads as `fallback` what is not as it should be: `z.catch`, which has all of zod's helpers loaded at a cold start. */
export function otherwise<T extends z.ZodMiniType>(innerType: T, fallback: z.output<T>): z.ZodMiniCatch<T> {
  return new z.ZodMiniCatch({ type: 'catch', innerType, catchValue: () => fallback }) as z.ZodMiniCatch<T>;
}
