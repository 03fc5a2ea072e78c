/** The bus of the simulation: what each consumer still has to settle. In order, or as the faults have it. */
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
  type PullMode,
} from '@baton/contracts';
import type { Delivery, Settlement } from '@baton/handling';
import type { Random } from './random.ts';

interface Message {
  readonly consumer: ConsumerName;
  readonly service: ServiceName;
  readonly make: (deliveries: number) => Delivery;
  deliveries: number;
  due_ms: number;
}

export interface MemoryBus {
  publish(stored: StoredEvent, event: EventRecord): void;
  request(name: InboundName, id: string, body: unknown): void;
  /** Something that can be delivered now: the first, or any where the order is disturbed. Taken until it is settled. */
  take(disturbed: boolean, mayTake: (service: ServiceName, pull: PullMode) => boolean): Message | null;
  settle(message: Message, settlement: Settlement, again: boolean): void;
  /** Its handler is gone: delivered again after the ack wait. */
  abandon(message: Message): void;
  nextDue(): number | null;
  /** Neither waiting nor being handled. */
  isEmpty(): boolean;
}
export type { Message };

/** How late a duplicate may come. */
const LATE_MS_MAX = 120_000;

export function memoryBus(now_ms: () => number, draw: Random): MemoryBus {
  const waiting: Message[] = [];
  let taken = 0;
  let requests = 0;
  const consumers = Object.entries(CONSUMERS) as [ConsumerName, (typeof CONSUMERS)[ConsumerName]][];
  const add = (consumer: ConsumerName, make: Message['make']): void =>
    void waiting.push({ consumer, service: CONSUMERS[consumer].service, make, deliveries: 0, due_ms: now_ms() });
  return {
    publish(stored, event) {
      for (const [consumer, { stream, takes }] of consumers) {
        if (stream !== EVENT_STREAM || !takes.includes(stored.type)) continue;
        const subject = subjectOf(stored.type as EventType);
        const headers = { 'ce-subject': stored.stream };
        add(consumer, (deliveries) => ({
          kind: 'event',
          consumer,
          subject,
          headers,
          body: stored.data,
          deliveries,
          sequence: stored.position,
          event: () => event,
        }));
      }
    },
    request(name, id, body) {
      const [consumer] = consumers.find(([, { takes }]) => takes.includes(name))!;
      const sequence = ++requests;
      add(consumer, (deliveries) => ({
        kind: 'inbound',
        name,
        id,
        consumer,
        subject: INBOUND[name].subject,
        headers: {},
        body: JSON.stringify(body),
        deliveries,
        sequence,
      }));
    },
    take(disturbed, mayTake) {
      const ready = waiting.filter(
        (message) => message.due_ms <= now_ms() && mayTake(message.service, CONSUMERS[message.consumer].pull),
      );
      const message = disturbed && ready.length > 0 ? draw.pick(ready) : ready[0];
      if (!message) return null;
      waiting.splice(waiting.indexOf(message), 1);
      message.deliveries += 1;
      taken += 1;
      return message;
    },
    settle(message, settlement, again) {
      taken -= 1;
      if (!settlement.ack) waiting.push({ ...message, due_ms: now_ms() + settlement.nak_delay_ms });
      else if (again) waiting.push({ ...message, deliveries: 0, due_ms: now_ms() + draw.int(LATE_MS_MAX) });
    },
    abandon(message) {
      taken -= 1;
      waiting.push({ ...message, due_ms: now_ms() + ACK_WAIT_MS });
    },
    nextDue: () =>
      waiting.reduce<number | null>((earliest, { due_ms }) => (earliest === null || due_ms < earliest ? due_ms : earliest), null),
    isEmpty: () => waiting.length === 0 && taken === 0,
  };
}
