/** How a route is written down for the OpenAPI document. */
import type * as z from 'zod/mini';
import type { ProblemCode } from '../../../shared/http/problem.ts';

/** One route of our API. */
export interface RouteDescription {
  method: 'get' | 'post' | 'patch';
  /** As in the stack: `/payments/{id}`. */
  path: string;
  /** A name for generated clients, unique. */
  operationId: string;
  summary: string;
  description?: string;
  /**
   * Who may call: `open` to anyone, `iam` with a SigV4 signature, `open-or-iam` as the stack's settings say,
   * `paytech` with the signature of a webhook.
   */
  access: 'open' | 'iam' | 'open-or-iam' | 'paytech';
  /** Query parameters; path parameters are known from the path. */
  query?: z.ZodMiniType;
  body?: SchemaName;
  bodyIsOptional?: boolean;
  /** What a success looks like, by status. */
  answers: Record<number, { description: string; schema: SchemaName }>;
  /** What else the handler may answer; `internal` always may be. */
  problems: ProblemCode[];
}

/** A name in the document's `components.schemas`. */
export type SchemaName = string;

/** A group of routes with the schemas that only they use. */
export interface RouteGroup {
  description: string;
  routes: RouteDescription[];
  schemas: Record<SchemaName, z.ZodMiniType>;
  /** Schemas that are one of several. They have names, since generated clients cannot send an unnamed one. */
  unions?: Record<SchemaName, SchemaName[]>;
}
