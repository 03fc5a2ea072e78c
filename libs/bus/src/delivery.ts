/** Messages of JetStream as deliveries. */
import {
  CONSUMERS,
  EVENT_STREAM,
  INBOUND,
  UnreadableEvent,
  type ConsumerName,
  type EventRecord,
  type InboundName,
} from '@baton/contracts';
import type { Delivery } from '@baton/ports';
import type { Msg } from '@nats-io/nats-core';
import { decodeEvent, type Headers } from './cloud-event.ts';
import { headersOf } from './header-block.ts';
import { unwrapStructured } from './structured-mode.ts';

const INBOUND_NAMES: ReadonlyMap<string, InboundName> = new Map(
  (Object.keys(INBOUND) as InboundName[]).map((name) => [INBOUND[name].subject, name]),
);

export interface Received {
  readonly message: Msg;
  readonly deliveries: number;
  readonly sequence: number;
}

/** Null = a subject that nobody declared: the consumer's filter is wrong, not the message. */
export function toDelivery(consumer: ConsumerName, { message, deliveries, sequence }: Received): Delivery | null {
  const headers = headersOf(message);
  const body = Buffer.from(message.data.buffer, message.data.byteOffset, message.data.length).toString();
  const raw = { consumer, subject: message.subject, headers, body, deliveries, sequence };
  if (CONSUMERS[consumer].stream === EVENT_STREAM)
    return { kind: 'event', ...raw, event: () => eventAt(sequence, headers, body) };
  const name = INBOUND_NAMES.get(message.subject);
  if (!name) return null;
  const { id, type, data } = unwrapStructured(headers, body);
  return { kind: 'inbound', ...raw, body: data, name, type, id: id ?? `${CONSUMERS[consumer].stream}-${sequence}` };
}

function eventAt(sequence: number, headers: Headers, body: string): EventRecord {
  const event = decodeEvent(headers, body);
  if (event.position !== sequence)
    throw new UnreadableEvent(
      'invalid',
      `the message with sequence ${sequence} says it is position ${event.position} of the log`,
    );
  return event;
}

/**
 * Reads `$JS.ACK.<stream>.<consumer>.<deliveries>.<sequence>.…`, or the same with domain and account in front, from the
 * reply subject. Null = the message did not come from a consumer.
 */
export function deliveryInfo(reply: string | undefined): { deliveries: number; sequence: number } | null {
  if (!reply?.startsWith('$JS.ACK.')) return null;
  const tokens = reply.split('.');
  const at = tokens.length === 9 ? 4 : 6;
  const deliveries = Number(tokens[at]);
  const sequence = Number(tokens[at + 1]);
  return Number.isSafeInteger(deliveries) && Number.isSafeInteger(sequence) ? { deliveries, sequence } : null;
}
