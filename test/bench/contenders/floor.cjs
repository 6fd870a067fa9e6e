/**
 * The I/O floor of a webhook: verify the signature, queue the bytes with one HTTPS request, and nothing else. No
 * library, no retry, no credentials (the request is not signed), the key from the environment. Nobody could use
 * it; nothing that does the work could be faster.
 */
const { createHmac, timingSafeEqual } = require('node:crypto');
const https = require('node:https');

const { SIGNING_KEY, WEBHOOK_QUEUE_URL } = process.env;

exports.handler = async ({ body, headers }) => {
  const expected = createHmac('sha256', SIGNING_KEY).update(body).digest();
  if (!timingSafeEqual(Buffer.from(headers.signature, 'hex'), expected)) return { statusCode: 401 };
  const status = await post(
    JSON.stringify({ QueueUrl: WEBHOOK_QUEUE_URL, MessageBody: Buffer.from(body).toString('base64') }),
  );
  return { statusCode: status === 200 ? 200 : 500, body: '{"received":true}' };
};

function post(message) {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/x-amz-json-1.0', 'x-amz-target': 'AmazonSQS.SendMessage' };
    https
      .request(WEBHOOK_QUEUE_URL, { method: 'POST', headers }, (answer) => {
        answer.resume().on('end', () => resolve(answer.statusCode));
      })
      .on('error', reject)
      .end(message);
  });
}
