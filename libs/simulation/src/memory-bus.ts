/**
 * The bus of the simulation: a copy of the log under the log's numbers, and what each durable consumer still has to settle.
 * It keeps the promises of `libs/testing/src/suites/bus.suite.ts`, as JetStream does.
 */
import {
  ACK_WAIT_MS,
  CONSUMERS,
  EVENT_STREAM,
  INBOUND,
  subjectOf,
  type ConsumerName,
  type EventRecord,
  type EventType,
  type InboundName,
  type ServiceName,
  type StoredEvent,
} from '@baton/contracts';
import type { Delivery, Settlement } from '@baton/ports';

export interface Message {
  readonly consumer: ConsumerName;
  readonly service: ServiceName;
  /** Of an event: its position. */
  readonly sequence: number;
  readonly kind: 'event' | 'inbound';
  readonly make: (deliveries: number) => Delivery;
  deliveries: number;
  due_ms: number;
  /** `lost` = the bus was wiped before it was settled. */
  state: 'waiting' | 'taken' | 'done' | 'lost';
}
export interface AskedFor {
  readonly name: InboundName;
  readonly id: string;
  readonly body: string;
}

export interface MemoryBus {
  /** Stores the next event; refused where another one was stored last, or where the stream is gone. */
  publish(stored: StoredEvent, event: EventRecord, last_sequence: number): 'stored' | 'wrong-sequence' | 'no-stream';
  /** Null: the stream is gone. */
  lastSequence(): number | null;
  /** Makes the stream anew: its next message is the one after `last_sequence`; each consumer begins after its watermark. */
  create(last_sequence: number, watermarks: ReadonlyMap<string, number>): void;
  /** All is lost. Returns the requests from outside that nobody had settled. */
  wipe(): readonly AskedFor[];
  /** Up to which position a consumer has settled all. */
  handledUpTo(consumer: ConsumerName): number;
  request(request: AskedFor): void;
  /** What can be delivered now, first come first. */
  ready(mayTake: (message: Message) => boolean): readonly Message[];
  take(message: Message): Delivery;
  settle(message: Message, settlement: Settlement): void;
  /** Not settled in time (or asked for again by an operator): delivered again, to anybody. */
  deliverAgain(message: Message, after_ms?: number): void;
  /** A message that was settled comes again, as if it never had been. Null: the stream is gone. */
  repeat(message: Message, after_ms: number): Message | null;
  nextDue(): number | null;
  /** Neither waiting nor being handled. */
  isEmpty(): boolean;
}

const CONSUMERS_OF_EVENTS = (Object.keys(CONSUMERS) as ConsumerName[]).filter((name) => CONSUMERS[name].stream === EVENT_STREAM);
const takesOf = (consumer: ConsumerName): readonly string[] => CONSUMERS[consumer].takes;
const consumerOf = (name: InboundName): ConsumerName =>
  (Object.keys(CONSUMERS) as ConsumerName[]).find((consumer) => takesOf(consumer).includes(name))!;

export function memoryBus(now_ms: () => number): MemoryBus {
  let open = new Set<Message>();
  let last: number | null = 0;
  let starts = new Map<ConsumerName, number>();
  let requests = 0;
  const known = new Set<string>();
  const add = (message: Omit<Message, 'service' | 'deliveries' | 'due_ms' | 'state'>, due_ms = now_ms()): Message => {
    const added: Message = { ...message, service: CONSUMERS[message.consumer].service, deliveries: 0, due_ms, state: 'waiting' };
    open.add(added);
    return added;
  };
  return {
    publish(stored, event, last_sequence) {
      if (last === null) return 'no-stream';
      if (last_sequence !== last) return 'wrong-sequence';
      last += 1;
      const sequence = last;
      for (const consumer of CONSUMERS_OF_EVENTS) {
        if (!takesOf(consumer).includes(stored.type) || sequence <= (starts.get(consumer) ?? 0)) continue;
        const subject = subjectOf(stored.type as EventType);
        const headers = { 'ce-subject': stored.stream, 'ce-id': stored.id, 'ce-correlationid': event.meta.correlation_id };
        const make = (deliveries: number): Delivery => ({
          kind: 'event',
          consumer,
          subject,
          headers,
          body: stored.data,
          deliveries,
          sequence,
          event: () => event,
        });
        add({ consumer, sequence, kind: 'event', make });
      }
      return 'stored';
    },
    lastSequence: () => last,
    create(last_sequence, watermarks) {
      last = last_sequence;
      starts = new Map(CONSUMERS_OF_EVENTS.map((name) => [name, watermarks.get(name) ?? 0]));
    },
    wipe() {
      const lost = [...open].flatMap((message): AskedFor[] => {
        const delivery = message.make(0);
        message.state = 'lost';
        return delivery.kind === 'inbound' ? [{ name: delivery.name, id: delivery.id, body: delivery.body }] : [];
      });
      open = new Set();
      known.clear();
      last = null;
      return lost;
    },
    handledUpTo(consumer) {
      const unsettled = [...open].filter((message) => message.consumer === consumer).map((message) => message.sequence);
      return unsettled.length > 0 ? Math.min(...unsettled) - 1 : Math.max(last ?? 0, starts.get(consumer) ?? 0);
    },
    request({ name, id, body }) {
      // Said twice under one id within the window: taken once.
      if (known.has(id)) return;
      known.add(id);
      const consumer = consumerOf(name);
      const sequence = ++requests;
      const { subject } = INBOUND[name];
      const make = (deliveries: number): Delivery => ({
        kind: 'inbound',
        name,
        id,
        consumer,
        subject,
        headers: {},
        body,
        deliveries,
        sequence,
      });
      add({ consumer, sequence, kind: 'inbound', make });
    },
    ready: (mayTake) =>
      [...open].filter((message) => message.state === 'waiting' && message.due_ms <= now_ms() && mayTake(message)),
    take(message) {
      message.state = 'taken';
      message.deliveries += 1;
      return message.make(message.deliveries);
    },
    settle(message, settlement) {
      if (message.state === 'done' || message.state === 'lost') return;
      if (settlement.ack) {
        // Whoever says it, and however late: it is settled.
        message.state = 'done';
        open.delete(message);
      } else if (message.state === 'taken') {
        message.state = 'waiting';
        message.due_ms = now_ms() + settlement.nak_delay_ms;
      }
    },
    deliverAgain(message, after_ms = ACK_WAIT_MS) {
      if (message.state !== 'taken') return;
      message.state = 'waiting';
      message.due_ms = now_ms() + after_ms;
    },
    repeat: ({ consumer, sequence, kind, make }, after_ms) =>
      last === null ? null : add({ consumer, sequence, kind, make }, now_ms() + after_ms),
    nextDue() {
      let earliest: number | null = null;
      for (const { state, due_ms } of open)
        if (state === 'waiting' && (earliest === null || due_ms < earliest)) earliest = due_ms;
      return earliest;
    },
    isEmpty: () => open.size === 0,
  };
}
