/** The oldest Node on which the package is tested. */
export const OLDEST_NODE = '22.12';

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);

/** What to tell whoever has an older one. */
export const needed =
  major > 22 || (major === 22 && minor >= 12)
    ? undefined
    : `paytech-payments needs Node ${OLDEST_NODE} or newer, and this is ${process.version}.`;
