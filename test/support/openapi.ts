/** Checks what goes over the wire against the OpenAPI document. */
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';

// biome-ignore lint/suspicious/noExplicitAny: an OpenAPI document is JSON of any shape
type Json = any;

export interface HttpAnswer {
  status: number;
  headers: Headers;
  text: string;
}

/** Answers of the functions have no fields that are not documented; clients should not count on that. */
export function validatorOf(document: Json) {
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  addFormats.default(ajv);
  ajv.addSchema(closed(document), 'api');
  const check = (pointer: string, value: unknown): string | undefined => {
    const validate = ajv.getSchema(`api#${pointer}`);
    if (!validate) throw new Error(`openapi.json has nothing at ${pointer}`);
    return validate(value) ? undefined : ajv.errorsText(validate.errors);
  };

  return {
    /** A check against one of the named schemas: what is wrong, or undefined. */
    schema: (name: string) => (value: unknown) => check(`/components/schemas/${name}`, value),

    /** What is wrong with an answer to `POST /payments` or the like, or undefined. */
    answer(route: string, { status, headers, text }: HttpAnswer): string | undefined {
      const [method = '', path = ''] = route.split(' ');
      const responses = document.paths[path]?.[method.toLowerCase()]?.responses;
      if (!responses) return `${route} is not documented`;
      const response = responses[status];
      if (!response) return `${route} does not document ${status}`;
      const type = headers.get('content-type') ?? 'none';
      if (!response.content[type]) return `${route} does not document ${status} as ${type}`;
      for (const [name, { required, schema }] of Object.entries<Json>(response.headers ?? {})) {
        const value = headers.get(name);
        if (value === null && required) return `${route} answers ${status} without ${name}`;
        const typed = schema.type === 'integer' ? Number(value) : value;
        if (value !== null && !ajv.validate(schema, typed)) return `${route} answers ${name}: ${value}`;
      }
      const steps = ['paths', path, method.toLowerCase(), 'responses', status, 'content', type, 'schema'];
      return check(steps.map((step) => `/${escaped(String(step))}`).join(''), JSON.parse(text));
    },
  };
}

/** The same, with every object that lists its properties closed to others. */
export function closed(value: Json): Json {
  if (Array.isArray(value)) return value.map(closed);
  if (typeof value !== 'object' || value === null) return value;
  const copy = Object.fromEntries(Object.entries(value).map(([key, each]) => [key, closed(each)]));
  const isObjectSchema = copy.type === 'object' && copy.properties && copy.additionalProperties === undefined;
  return isObjectSchema ? { ...copy, additionalProperties: false } : copy;
}

/** Source: RFC 6901 (JSON Pointer), in a URI fragment. */
function escaped(step: string): string {
  return encodeURIComponent(step.replaceAll('~', '~0').replaceAll('/', '~1'));
}
