/**
 * An Express server as a merchant would write it: the signature over the raw body, then the transition in one
 * transaction of a local database. The server starts with the process, and the handler is its client, so that the
 * first response counts the same things as a function's. It publishes nothing, and what it has lives on one machine.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import express from 'express';

const FINAL = new Set(['COMPLETED', 'DECLINED', 'CANCELLED']);

const database = new DatabaseSync(join(mkdtempSync(join(tmpdir(), 'express-')), 'payments.db'));
database.exec('PRAGMA journal_mode = WAL');
database.exec('CREATE TABLE payments (id TEXT PRIMARY KEY, state TEXT NOT NULL, amount TEXT, updated TEXT)');
const find = database.prepare('SELECT state FROM payments WHERE id = ?');
const save = database.prepare(
  'INSERT INTO payments VALUES (?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET state = excluded.state, amount = excluded.amount, updated = excluded.updated',
);

const app = express();
app.post('/webhooks/paytech', express.raw({ type: () => true, limit: '256kb' }), (request, response) => {
  const expected = createHmac('sha256', process.env.SIGNING_KEY).update(request.body).digest();
  const given = Buffer.from(request.get('signature') ?? '', 'hex');
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return response.sendStatus(401);
  const payment = JSON.parse(request.body);
  database.exec('BEGIN IMMEDIATE');
  const known = find.get(payment.id);
  if (!known || !FINAL.has(known.state))
    save.run(payment.id, payment.state, String(payment.amount), new Date().toISOString());
  database.exec('COMMIT');
  response.json({ received: true });
});

const server = app.listen(Number(process.env.PORT ?? 0), '127.0.0.1');
await new Promise((resolve) => server.once('listening', resolve));
const { port } = server.address();

export function handler({ body, isBase64Encoded, headers }) {
  const bytes = Buffer.from(body, isBase64Encoded ? 'base64' : 'utf8');
  return new Promise((resolve, reject) => {
    const request = http.request(
      {
        port,
        host: '127.0.0.1',
        method: 'POST',
        path: '/webhooks/paytech',
        headers: { ...headers, 'content-length': bytes.length },
      },
      (answer) => answer.resume().on('end', () => resolve({ statusCode: answer.statusCode })),
    );
    request.on('error', reject).end(bytes);
  });
}
