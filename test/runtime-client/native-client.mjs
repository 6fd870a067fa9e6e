/**
 * Puts plain JavaScript in the place of the native part of AWS's runtime client, which needs a compiler to install.
 * It speaks the same protocol: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
 */
import { request } from 'node:http';
import { registerHooks } from 'node:module';

const [hostname, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(':');
/** What was told last, which the native client waits for. */
let told = Promise.resolve();

function call(method, path, body, headers = {}) {
  return new Promise((resolve, reject) => {
    const sent = request(
      { hostname, port, method, path: `/2018-06-01/runtime/${path}`, headers },
      (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (chunk) => {
          text += chunk;
        });
        answer.once('end', () => resolve({ bodyJson: text, headers: answer.headers }));
      },
    );
    sent.once('error', reject).end(body);
  });
}

const json = { 'content-type': 'application/json' };

globalThis.rapidClient = {
  async next() {
    await told;
    return call('GET', 'invocation/next');
  },
  done(id, body) {
    told = call('POST', `invocation/${id}/response`, body, json);
  },
  error(id, body) {
    told = call('POST', `invocation/${id}/error`, body, json);
  },
};

registerHooks({
  resolve: (specifier, context, next) =>
    specifier.endsWith('/rapid-client.node')
      ? { url: 'native:client', format: 'commonjs', shortCircuit: true }
      : next(specifier, context),
  load: (url, context, next) =>
    url === 'native:client'
      ? { format: 'commonjs', source: 'module.exports = globalThis.rapidClient;', shortCircuit: true }
      : next(url, context),
});
