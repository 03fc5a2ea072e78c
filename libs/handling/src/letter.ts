/** A message that is put aside: under which name, with which stream, and why. */
import type { DeadLetter, Delivery, InboundDelivery } from '@baton/ports';
import { uuidOf } from './event-id.ts';

/** What can be the name of a stream. A header may say anything, and Postgres takes no NUL. */
const STREAM = /^[a-z]+-[^\s\0]{1,490}$/;

export function letterOf(delivery: Delivery, reason: DeadLetter['reason'], cause: string): DeadLetter {
  const { consumer, subject, sequence, headers, body, deliveries } = delivery;
  const is_event = delivery.kind === 'event';
  // A forgery parks nobody's stream, and leaves the name of its letter to the event that has its position in the log.
  const forged = reason === 'forged-event';
  const named = headers['ce-subject'] ?? '';
  const message = is_event ? `${String(sequence)}${forged ? `\nforged\n${headers['ce-id'] ?? ''}` : ''}` : requestName(delivery);
  return {
    id: uuidOf(`dead-letter\n${consumer}\n${message}`),
    consumer,
    subject,
    position: is_event ? sequence : null,
    stream: is_event && !forged && STREAM.test(named) ? named : null,
    // A request in structured mode says its type in its body only as its sender wrote it: a replay has to know it.
    headers: delivery.kind === 'inbound' && delivery.type !== undefined ? { ...headers, 'ce-type': delivery.type } : headers,
    body,
    reason,
    cause,
    deliveries,
  };
}

/**
 * By its place in the stream, which a redelivery keeps: two senders may have given the same `ce-id`, or one of them twice, and
 * each request is kept. By its content as well: a stream that was made anew counts from 1 again.
 */
const requestName = ({ sequence, headers, body }: InboundDelivery): string =>
  `request\n${String(sequence)}\n${JSON.stringify(headers)}\n${body}`;
