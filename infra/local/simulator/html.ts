/** HTML in which every value is escaped, and the frame of every page. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const STYLE = readFileSync(join(import.meta.dirname, 'checkout.css'), 'utf8');

/** What is safe in a page as it stands. */
class Html {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

export type { Html };

type Value = string | number | undefined | Html | readonly Html[];

/** HTML as it is written; what is put into it is escaped unless it is {@link Html} itself. */
export function html(texts: TemplateStringsArray, ...values: Value[]): Html {
  return new Html(texts.map((text, index) => text + asText(values[index])).join(''));
}

/** JSON that cannot end the script element it stands in. */
export function scriptLiteral(value: unknown): Html {
  return new Html(JSON.stringify(value).replaceAll('<', '\\u003c'));
}

export function page(title: string, body: Html): string {
  return html`<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta name="color-scheme" content="light dark">
  <title>${title} – paytech simulator</title>
  <link rel="icon" href="data:,">
  <style>${new Html(STYLE)}</style>
</head>
<body>
  <main>
    ${body}
  </main>
  <footer>Simulated checkout: no real money moves.</footer>
</body>
</html>
`.text;
}

function asText(value: Value): string {
  if (value === undefined) return '';
  if (value instanceof Html) return value.text;
  if (typeof value === 'object') return value.map(({ text }) => text).join('\n');
  return String(value).replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}

const ENTITIES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};
