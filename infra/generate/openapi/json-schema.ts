/** JSON Schema of the schemas that the handlers parse with. */
import * as z from 'zod/mini';
import {
  additionalParameters,
  anAmount,
  count,
  positiveAmount,
  total,
} from '../../../shared/http/payment-fields.ts';
import { object, text } from '../../../shared/http/validate.ts';
import { amount, signedAmount } from '../../../shared/payment/event-schema.ts';
import { AMOUNT_TEXT, SIGNED_AMOUNT_TEXT } from '../../../shared/payment/money.ts';

type JsonSchema = z.core.JSONSchema.BaseSchema;

const AN_AMOUNT = 'An exact decimal in major units: 11.12 is EUR 11.12.';
/** Requests may have a JSON number too; one type is what generated clients can call with. */
const OR_NUMBER = 'A JSON number is taken as well, exact to its last digit.';

/** The custom types, by the function that decides; one that is not here cannot be documented, which fails. */
const CUSTOM_TYPES = new Map<unknown, JsonSchema>([
  [functionIn(amount), { type: 'string', pattern: AMOUNT_TEXT.source, description: AN_AMOUNT }],
  [
    functionIn(signedAmount),
    {
      type: 'string',
      pattern: SIGNED_AMOUNT_TEXT.source,
      description: `${AN_AMOUNT} May be below zero.`,
    },
  ],
  [
    functionIn(anAmount),
    {
      type: 'string',
      pattern: AMOUNT_TEXT.source,
      description: `${AN_AMOUNT} At least 0.00001 (0 only with preAuth), at most 1000000000, at most 18 decimal places. ${OR_NUMBER}`,
    },
  ],
  [
    functionIn(positiveAmount),
    {
      type: 'string',
      pattern: AMOUNT_TEXT.source,
      description: `${AN_AMOUNT} At least 0.00001, at most 1000000000, at most 18 decimal places. ${OR_NUMBER}`,
    },
  ],
  [
    functionIn(total),
    { type: 'string', pattern: AMOUNT_TEXT.source, description: `${AN_AMOUNT} ${OR_NUMBER}` },
  ],
  [functionOf(count), { type: 'integer', minimum: 0 }],
]);

/** What an object is asked first: one that was made with `object`, and one of texts by name. */
const IS_OBJECT = ruleOf(object({})._zod.def.in);
const OF_OBJECTS = [IS_OBJECT, ruleOf(additionalParameters._zod.def.in)];
const UNINFORMATIVE = [IS_OBJECT, ruleOf(text(1))];

/** What must be sent so that it passes the schema. */
export function toJsonSchema(schema: z.ZodMiniType): JsonSchema {
  const { $schema: _, ...json } = z.toJSONSchema(schema, {
    io: 'input',
    unrepresentable: ({ zodSchema }) =>
      OF_OBJECTS.includes(ruleOf(zodSchema))
        ? 'any'
        : (CUSTOM_TYPES.get(functionOf(zodSchema)) ?? wholeNumber(zodSchema)),
    override: ({ zodSchema, jsonSchema }) => rewrite(zodSchema, jsonSchema),
  });
  return json;
}

function rewrite(schema: z.core.$ZodTypes, json: JsonSchema): void {
  const { def } = schema._zod;
  const isObject = def.type === 'pipe' && OF_OBJECTS.includes(ruleOf(def.in));
  if (isObject) Object.assign(json, toJsonSchema(def.out as z.ZodMiniType));
  // Also of what comes as a text: a query parameter.
  const range = wholeNumber(schema);
  if (range) Object.assign(json, range);
  // JavaScript's own bounds are no rule, and more than other languages' integers hold.
  if (json.maximum === Number.MAX_SAFE_INTEGER) delete json.maximum;
  if (json.minimum === Number.MIN_SAFE_INTEGER) delete json.minimum;
  // The pattern of a format is hard to read, and is in the format's name.
  if (json.format || range) delete json.pattern;
  const form = CUSTOM_TYPES.get(functionOf(def.type === 'pipe' ? def.in : schema))?.description;
  if (form && json.description && json.description !== form) json.description += ` ${form}`;
  const rule = ruleOf(schema);
  if (rule && !UNINFORMATIVE.includes(rule)) json.description ??= rule;
  for (const [name, field] of Object.entries(json.properties ?? {})) {
    const isRefused = typeof field === 'object' && field.not !== undefined;
    if (isRefused) delete json.properties?.[name];
  }
}

function functionOf(schema: z.core.$ZodType): unknown {
  return (schema._zod.def as Partial<z.core.$ZodCustomDef>).fn;
}

/** Of an amount, which is made a decimal once it is accepted. */
function functionIn({ _zod }: z.ZodMiniPipe): unknown {
  return functionOf(_zod.def.in);
}

function wholeNumber(schema: z.core.$ZodType): JsonSchema | undefined {
  const bounds = /^must be a whole number from (-?\d+) to (\d+)$/.exec(ruleOf(schema) ?? '');
  return bounds ? { type: 'integer', minimum: Number(bounds[1]), maximum: Number(bounds[2]) } : undefined;
}

/** The message with which a schema refuses: it says what is accepted. */
function ruleOf(schema: z.core.$ZodType): string | undefined {
  const { error } = schema._zod.def;
  const message = error?.({} as never);
  return typeof message === 'string' ? message : undefined;
}
