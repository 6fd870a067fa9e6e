/** CDK apps as people have them, with what the documents tell them to write. */
import { globSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { readDocument, root } from '../support/documents.ts';

/** Writes the files of an app; those that are there are replaced. */
export function writeFiles(folder: string, files: Record<string, string>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
}

/** The stack of docs/getting-started.md, as it stands there. */
export const documentedStack = (): string => {
  const [, code] = /```ts\n([^`]*class ShopStack.*?)```/s.exec(readDocument('docs/getting-started.md')) ?? [];
  if (code === undefined) throw new Error('docs/getting-started.md has no ShopStack');
  return code;
};

/** Every import from the package that a document shows, as it stands there. */
export function documentedImports(): string[] {
  const documents = globSync(['README.md', 'docs/*.md'], { cwd: root }).map(readDocument);
  const imports = documents.flatMap((text) =>
    [...text.matchAll(/import \{[^}]*\} from 'paytech-payments[^']*'/g)].map(([found]) => found),
  );
  return [...new Set(imports)];
}

export const PROGRAM = `import { App } from 'aws-cdk-lib';
import { ShopStack } from './shop-stack';

const app = new App();
new ShopStack(app, 'Shop');
app.synth();
`;

export const JEST_TEST = `import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { readPaymentEvent } from 'paytech-payments/events';
import { ShopStack } from '../lib/shop-stack';

test('has the service', () => {
  const template = Template.fromStack(new ShopStack(new App(), 'Shop'));
  template.resourcePropertiesCountIs('AWS::Lambda::Function', { Handler: 'index.handler' }, 6);
  template.hasOutput('WebhookUrl', {});
});

test('reads an event', () => {
  expect(() => readPaymentEvent('{}')).toThrow();
});
`;

/** As strict as a compiler can be told to be. */
export const STRICT = {
  compilerOptions: {
    target: 'es2022',
    lib: ['es2022', 'dom'],
    module: 'nodenext',
    types: ['node'],
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    noImplicitOverride: true,
    noPropertyAccessFromIndexSignature: true,
    isolatedModules: true,
  },
};
