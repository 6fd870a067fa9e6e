/** The settings as TypeScript types, without the library that checks them. */
import type { core } from 'zod';
import { settingsJsonSchema } from '../stack/settings.ts';
import { interfacesOf } from './typescript.ts';

type JsonSchema = core.JSONSchema.BaseSchema;

/** The types as they are kept in `infra/stack/settings-types.ts`. */
export function settingsTypes(): string {
  const settings = settingsJsonSchema() as JsonSchema;
  const { throttle, subscribers, domain } = settings.properties as Record<string, JsonSchema>;
  const subscriber = subscribers!.items as JsonSchema;
  const filter = subscriber.properties!.filter as JsonSchema;
  const defaulted = Object.entries(settings.properties!)
    .filter(([, each]) => (each as JsonSchema).default !== undefined)
    .map(([name]) => `'${name}'`);
  return `// Made by \`npm run settings\`, from infra/stack/settings.ts.

${interfacesOf({
  SettingsInput: {
    ...settings,
    description: 'Settings as they are written; those with a default may be left out.',
  },
  Throttle: {
    ...throttle!,
    default: undefined,
    description: 'Requests per second, and how many at once beyond that.',
  },
  Domain: { ...domain!, description: 'A domain of the API; its certificate is in the same Region.' },
  Subscriber: { ...subscriber, description: 'A downstream system: a queue of payment events of its own.' },
  EventFilter: {
    ...filter,
    description: 'Which events a subscriber gets; an attribute that is left out may have any value.',
  },
})}
/** Settings as the stack uses them: with the defaults. */
export type Settings = SettingsInput & {
  [Name in ${["'paytechUrl'", ...defaulted].join(' | ')}]: NonNullable<SettingsInput[Name]>;
};
`;
}
