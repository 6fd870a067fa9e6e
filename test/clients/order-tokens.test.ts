/** The programs of docs/order-tokens.md: what they sign is taken. */
import { expect } from 'vitest';
import { LOCAL_KEYS } from '../../infra/local/local-service.ts';
import { quotes, readDocument } from '../support/documents.ts';
import { itIn, runProgram } from '../support/languages.ts';
import { sharedService } from '../support/service.ts';

const service = await sharedService({ orderTokens: 'required' });

for (const { language, text } of quotes(readDocument('docs/order-tokens.md'))) {
  itIn(language)(`signs an order in ${language}`, async () => {
    const referenceId = `order-in-${language}`;
    const program = text.replaceAll('order-1', referenceId);
    const printed = await runProgram(language, program, { ORDER_TOKEN_KEY: LOCAL_KEYS.orderTokenKey });
    const answer = await service.api('POST', '/payments', JSON.stringify({ orderToken: printed.trim() }));
    expect(answer.status, answer.text).toBe(201);
    expect(answer.json()).toMatchObject({ referenceId, amount: '11.12', currency: 'EUR' });
  });
}
