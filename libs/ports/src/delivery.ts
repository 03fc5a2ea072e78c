/** What arrives from the bus and what becomes of it: `libs/bus` makes deliveries, `libs/handling` settles them. */
import type { ConsumerName, EventRecord, InboundName } from '@baton/contracts';

interface Raw {
  readonly consumer: ConsumerName;
  readonly subject: string;
  readonly headers: Readonly<Record<string, string>>;
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
