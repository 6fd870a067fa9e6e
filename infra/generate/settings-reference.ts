/** `docs/settings.md`, made from the schema of the settings. */
import { settingsJsonSchema } from '../stack/settings.ts';

interface JsonSchema {
  type?: string;
  description?: string;
  default?: unknown;
  enum?: unknown[];
  anyOf?: JsonSchema[];
  const?: unknown;
  items?: JsonSchema;
  minimum?: number;
  maximum?: number;
  properties?: Record<string, JsonSchema>;
  propertyNames?: JsonSchema;
  additionalProperties?: boolean | JsonSchema;
  required?: string[];
}

const INTRODUCTION = `# Settings

A stack is set up in [\`cdk.json\`](../cdk.json) under \`context.paytech\`. What differs between the sandbox and production, each a stack of its own, goes into \`stages\`:

\`\`\`json
"paytech": {
  "stage": "sandbox",
  "subscribers": [{ "name": "ledger" }],
  "stages": {
    "sandbox": { "allowedOrigins": ["https://test.shop.example"] },
    "production": { "allowedOrigins": ["https://shop.example"], "alarmEmails": ["on-call@shop.example"] }
  }
}
\`\`\`

\`npx cdk deploy -c stage=production\` chooses the stage; without it the one in \`stage\` is meant. \`-c paytech='{…}'\` takes the place of all that is there. [A stack of your own](getting-started.md#your-own-stack) gives the same to \`new PaytechPayments(this, 'Payments', {…})\`. A wrong setting stops the deployment and is named with its path. \`npm start\` takes the settings of \`cdk.json\` too, such as \`openAmounts\` and \`eventParameters\`; its hosts, origins, order tokens and alarms are its own, and \`hostToHost\` is on.

This page is made from [\`infra/stack/settings.ts\`](../infra/stack/settings.ts) by \`npm run settings\`.
`;

const FILTERS = `## Filters

A subscriber with a \`filter\` gets the events that match every attribute that it names. Their values are lists of exact values, \`{"anything-but": [values]}\` or \`{"exists": true}\`:

\`\`\`json
{ "name": "order-mail", "filter": { "paymentType": ["DEPOSIT"], "state": ["COMPLETED", "DECLINED", "CANCELLED"] } }
\`\`\`

A filter on COMPLETED alone, or on \`paidAsRequested\`, misses the correction that takes a payment [away from it](subscribers.md).
`;

/** The reference as it is kept in `docs/settings.md`. */
export function settingsReference(): string {
  const { properties = {}, required = [] } = settingsJsonSchema() as JsonSchema;
  const rows = Object.entries(properties).map(([name, setting]) => {
    const isRequired = required.includes(name) && setting.default === undefined;
    return `| \`${name}\` | ${typeOf(setting)} | ${isRequired ? 'required' : defaultOf(setting)} | ${setting.description} |`;
  });
  const table = ['| setting | value | default | |', '|---|---|---|---|', ...rows].join('\n');
  const { filter } = properties.subscribers?.items?.properties ?? {};
  const attributes = Object.entries(filter?.properties ?? {}).map(
    ([name, { items }]) => `| \`${name}\` | ${typeOf(items?.anyOf?.[0])} |`,
  );
  const filterTable = ['| attribute | values |', '|---|---|', ...attributes].join('\n');
  return `${INTRODUCTION}\n${table}\n\n${FILTERS}\n${filterTable}\n`;
}

function typeOf(schema: JsonSchema = {}): string {
  if (schema.anyOf) return schema.anyOf.map(typeOf).join(', ');
  const values = schema.enum ?? (schema.const === undefined ? undefined : [schema.const]);
  if (values) return values.map((value) => `\`${value}\``).join(', ');
  if (schema.type === 'array') return `list of ${plural(schema.items)}`;
  if (schema.propertyNames) return `object: ${typeOf(schema.propertyNames)} → ${numberType(schema)}`;
  if (schema.properties) return `\`{${Object.keys(schema.properties).join(', ')}}\``;
  if (schema.type === 'integer') return range(schema);
  return schema.type === 'string' ? 'text' : (schema.type ?? '');
}

function plural(items: JsonSchema = {}): string {
  return items.type === 'string' ? 'texts' : typeOf(items);
}

function numberType({ additionalProperties }: JsonSchema): string {
  return typeof additionalProperties === 'object' ? typeOf(additionalProperties) : '';
}

function range({ minimum, maximum }: JsonSchema): string {
  return maximum === Number.MAX_SAFE_INTEGER ? `from ${minimum}` : `${minimum} to ${maximum}`;
}

function defaultOf(setting: JsonSchema): string {
  return setting.default === undefined ? 'none' : `\`${JSON.stringify(setting.default)}\``;
}
