/** TypeScript of JSON Schemas: types for whoever compiles against them without the library that the schemas are made with. */
import type { core } from 'zod';
import { AMOUNT_TEXT, SIGNED_AMOUNT_TEXT } from '../../shared/payment/money.ts';

type JsonSchema = core.JSONSchema.BaseSchema;
/** What part of a schema is called, by what it says. */
type Names = ReadonlyMap<string, string>;

/** One exported interface per schema, under its name; where one is part of another, by its name. */
export function interfacesOf(schemas: Record<string, JsonSchema>): string {
  const names = new Map(Object.entries(schemas).map(([name, schema]) => [identityOf(schema), name]));
  return Object.entries(schemas)
    .map(([name, schema]) => `${comment(schema)}export interface ${name} ${objectText(schema, names, '')}\n`)
    .join('\n');
}

function typeText(schema: JsonSchema, names: Names, indent: string): string {
  const name = names.get(identityOf(schema));
  if (name !== undefined) return name;
  if (schema.pattern === AMOUNT_TEXT.source || schema.pattern === SIGNED_AMOUNT_TEXT.source) return 'Decimal';
  if (schema.anyOf) return unionOf(schema.anyOf.map((each) => typeText(each as JsonSchema, names, indent)));
  if (schema.const !== undefined) return literal(schema.const);
  if (schema.enum) return unionOf(schema.enum.map(literal));
  if (schema.type === 'array') return listOf(typeText(schema.items as JsonSchema, names, indent));
  if (schema.type === 'integer') return 'number';
  if (schema.type !== 'object') return String(schema.type);
  if (schema.properties) return objectText(schema, names, indent);
  const keys = typeText((schema.propertyNames as JsonSchema) ?? { type: 'string' }, names, indent);
  const record = `Record<${keys}, ${typeText(schema.additionalProperties as JsonSchema, names, indent)}>`;
  return keys === 'string' ? record : `Partial<${record}>`;
}

function objectText({ properties = {}, required = [], ...rest }: JsonSchema, names: Names, indent: string) {
  const inner = `${indent}  `;
  const isDefaulted = (schema: JsonSchema) => schema.default !== undefined;
  const lines = Object.entries(properties).map(([name, each]) => {
    const schema = each as JsonSchema;
    const isThere = required.includes(name) && !isDefaulted(schema);
    const type = typeText(schema, names, inner);
    const key = /^\w+$/.test(name) ? name : literal(name);
    return `${comment(schema, inner)}${inner}${key}${isThere ? '' : '?'}: ${type}${isThere ? '' : ' | undefined'};\n`;
  });
  if (lines.length === 0) throw new Error(`an object without properties: ${JSON.stringify(rest)}`);
  return `{\n${lines.join('')}${indent}}`;
}

function comment({ description, default: byDefault }: JsonSchema, indent = ''): string {
  const parts = [description, byDefault !== undefined && `Default: \`${JSON.stringify(byDefault)}\`.`];
  // Links are those of a page.
  const text = parts
    .filter(Boolean)
    .join(' ')
    .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1');
  return text === '' ? '' : `${indent}/** ${text} */\n`;
}

function unionOf(types: string[]): string {
  return [...new Set(types)].join(' | ');
}

function listOf(type: string): string {
  return /^\w+$/.test(type) ? `${type}[]` : `(${type})[]`;
}

function literal(value: unknown): string {
  return typeof value === 'string' ? `'${value}'` : JSON.stringify(value);
}

function identityOf({
  description: _,
  default: __,
  $schema: ___,
  title: ____,
  ...schema
}: JsonSchema): string {
  return JSON.stringify(schema);
}
