/** The value of an environment variable that the stack sets. Throws when it is missing: a fault of the stack. */
export function env(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`environment variable ${name} is not set`);
  return value;
}
