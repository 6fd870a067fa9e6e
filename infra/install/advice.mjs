/** What to do about a failed `npm ci`, by the error codes in npm's output. */
const ADVICE = [
  [
    /\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ENETUNREACH|ETIMEDOUT|ERR_SOCKET_TIMEOUT|ENOTCACHED)\b/,
    'npm could not reach the package registry: check the network, "npm config get registry" and, behind a proxy, "npm config get proxy".',
  ],
  [/\b(EACCES|EPERM|EROFS)\b/, 'npm may not write here: clone the repository into a folder of your own.'],
  [/\bENOSPC\b/, 'The disk is full.'],
  [/\bEINTEGRITY\b/, 'A download was damaged: "npm cache verify" removes it from the cache.'],
  [
    /\b(EUSAGE|EUNSUPPORTEDPROTOCOL|EBADDEVENGINES)\b/,
    'This npm may be too old: "npm install --global npm@10".',
  ],
];

/** One sentence for a person. */
export function adviceOn(complaints) {
  const [, advice] = ADVICE.find(([code]) => code.test(complaints)) ?? [];
  return advice ?? 'If they do not say what is wrong, delete node_modules and try once more.';
}
