import { log } from '../legacy-log/index.mjs';

const LINES_MAX = 100;

/** An order that is ready to be paid, or null where it cannot be taken. */
export function placeOrder(order) {
  if (order.lines.length === 0 || order.lines.length > LINES_MAX) {
    log.warn('order refused: %s has %s lines', order.id, order.lines.length);
    return null;
  }
  const total = order.lines.reduce((sum, line) => sum + line.price * line.count, 0);
  log.info('order placed: %s by %s for %s', order.id, order.customer, total);
  return { ...order, total };
}
