// @ts-check
/**
 * An amount for people, `€12.50`. Takes decimal strings with all their digits.
 * @param {string} amount
 * @param {string} currency ISO 4217, or a crypto symbol
 */
export function money(amount, currency) {
  return format(amount, currency, 'symbol') ?? withCode(amount, currency);
}

/**
 * The same with the currency's code behind it, `12.50 EUR`: for columns with several currencies.
 * @param {string} amount
 * @param {string} currency
 */
export function withCode(amount, currency) {
  const number = format(amount, currency, 'code')?.replace(currency, '').trim();
  return `${number ?? new Intl.NumberFormat('en', DIGITS).format(/** @type {any} */ (amount))} ${currency}`;
}

const DIGITS = { minimumFractionDigits: 2, maximumFractionDigits: 18 };

/**
 * undefined: the currency is none of ISO 4217.
 * @param {string} amount
 * @param {string} currency
 * @param {'symbol' | 'code'} currencyDisplay
 */
function format(amount, currency, currencyDisplay) {
  try {
    const format = { style: 'currency', currency, currencyDisplay, maximumFractionDigits: 18 };
    return new Intl.NumberFormat('en', /** @type {any} */ (format)).format(/** @type {any} */ (amount));
  } catch {
    return undefined;
  }
}
