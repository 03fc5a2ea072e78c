import { log } from '../legacy-log/index.mjs';

/** What is left to pay; refuses to take more than that. */
export function takePayment(account, amount) {
  if (amount > account.open) {
    log.error('payment refused: %s of %s open on %s', amount, account.open, account.id);
    throw new RangeError(`${amount} is more than the ${account.open} that are open`);
  }
  const open = account.open - amount;
  log.info('payment taken: %s on %s', amount, account.id);
  return { ...account, open };
}
