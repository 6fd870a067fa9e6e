/** Why the simulator does not do what it is asked. Which HTTP status that becomes is for the routes to say. */
export type RefusalReason = 'invalid' | 'unknown' | 'wrong-state';

export interface FieldRefusal {
  field: string;
  message: string;
}

export class Refusal extends Error {
  readonly reason: RefusalReason;
  readonly fields: readonly FieldRefusal[];

  constructor(reason: RefusalReason, message: string, fields: readonly FieldRefusal[] = []) {
    super(message);
    this.reason = reason;
    this.fields = fields;
  }
}

/** One field of the request is wrong. */
export function invalidField(field: string, message: string): Refusal {
  return new Refusal('invalid', 'Validation failed', [{ field, message }]);
}
