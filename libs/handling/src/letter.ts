/** A message that is put aside: under which name, with which stream, and why. */
import type { DeadLetter } from '@baton/ports';
import type { Delivery } from './delivery.ts';
import { uuidOf } from './event-id.ts';

/** What can be the name of a stream. A header may say anything, and Postgres takes no NUL. */
const STREAM = /^[a-z]+-[^\s\0]{1,490}$/;

export function letterOf(delivery: Delivery, reason: DeadLetter['reason'], cause: string): DeadLetter {
  const { consumer, subject, sequence, headers, body, deliveries } = delivery;
  const is_event = delivery.kind === 'event';
  // A forgery parks nobody's stream, and leaves the name of its letter to the event that has its position in the log.
  const forged = reason === 'forged-event';
  const named = headers['ce-subject'] ?? '';
  const message = is_event ? `${String(sequence)}${forged ? `\nforged\n${headers['ce-id'] ?? ''}` : ''}` : delivery.id;
  return {
    id: uuidOf(`dead-letter\n${consumer}\n${message}`),
    consumer,
    subject,
    position: is_event ? sequence : null,
    stream: is_event && !forged && STREAM.test(named) ? named : null,
    headers,
    body,
    reason,
    cause,
    deliveries,
  };
}
