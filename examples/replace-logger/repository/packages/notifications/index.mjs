import { log } from '../legacy-log/index.mjs';

/** The text that a customer gets, in a language that we have. */
export function notify(customer, event, texts) {
  const text = texts[customer.language] ?? texts.en;
  if (!texts[customer.language]) log.warn('language missing: %s for %s', customer.language, customer.name);
  log.info('customer notified: %s of %s', customer.name, event);
  return text.replace('{name}', customer.name);
}
