/**
 * What arrives from the bus and what becomes of it; the same shape as the handling's own, which the bus must not import.
 */
import {
  CONSUMERS,
  EVENT_STREAM,
  INBOUND,
  UnreadableEvent,
  type ConsumerName,
  type EventRecord,
  type InboundName,
} from '@baton/contracts';
import type { Msg } from '@nats-io/nats-core';
import { decodeEvent, type Headers } from './cloud-event.ts';
import { headersOf } from './header-block.ts';
import { unwrapStructured } from './structured-mode.ts';

interface Raw {
  readonly consumer: ConsumerName;
  readonly subject: string;
  readonly headers: Headers;
  readonly body: string;
  /** 1 = first delivery. */
  readonly deliveries: number;
  /** Sequence in its JetStream stream; for events, the position in the log. */
  readonly sequence: number;
}

export interface EventDelivery extends Raw {
  readonly kind: 'event';
  /** Parses headers and body. Throws UnreadableEvent. */
  readonly event: () => EventRecord;
}

export interface InboundDelivery extends Raw {
  readonly kind: 'inbound';
  readonly name: InboundName;
  /** CloudEvents type, where the sender said one. */
  readonly type?: string | undefined;
  /** The message's own id, for causation: `ce-id`, or stream and sequence where it has none. */
  readonly id: string;
}

export type Delivery = EventDelivery | InboundDelivery;

/** `ack` only after everything that the delivery led to is committed; a `nak` always waits. */
export type Settlement = { readonly ack: true } | { readonly ack: false; readonly nak_delay_ms: number };

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
