import { Logger } from '@aws-lambda-powertools/logger';
import { env } from '../../shared/config.ts';
import { httpHandler } from '../../shared/http/api.ts';
import { readPayment } from '../../shared/store/payments.ts';
import { openTable } from '../../shared/store/table.ts';
import { getPayment } from './pipeline.ts';

/** `GET /payments/{id}`: id → record → public view. */

const table = openTable(env('PAYMENTS_TABLE'));

export const handler = httpHandler(new Logger(), getPayment({ readPayment: (id) => readPayment(table, id) }));
