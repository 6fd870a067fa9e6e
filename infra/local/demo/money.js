// @ts-check
/**
 * An amount for people. Takes decimal strings with all their digits.
 * @param {string} amount
 * @param {string} currency ISO 4217, or a crypto symbol
 */
export function money(amount, currency) {
  const digits = { minimumFractionDigits: 2, maximumFractionDigits: 18 };
  const number = /** @type {any} */ (amount);
  try {
    return new Intl.NumberFormat('en', { ...digits, style: 'currency', currency }).format(number);
  } catch {
    return `${new Intl.NumberFormat('en', digits).format(number)} ${currency}`;
  }
}
