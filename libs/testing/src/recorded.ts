/** Events of other services: put on the record, and brought to the service under test. */
import { randomUUID } from 'node:crypto';
import { parseStored, type BatonEvent, type ServiceName, type StoredEvent } from '@baton/contracts';
import type { EventDelivery, EventLog, NewDeadline } from '@baton/ports';
import { storedBy } from './suites/event-log.suite.ts';

export const metaBy = (service: ServiceName, mission_id: string): string =>
  JSON.stringify({
    schema_version: 1,
    correlation_id: mission_id,
    causation_id: 'spec',
    actor: { kind: 'service', id: service },
  });

/** Puts the event at the end of its stream, as the service would that owns it. */
export async function recorded(
  log: Pick<EventLog, 'load' | 'append'>,
  service: ServiceName,
  stream: string,
  { type, data }: BatonEvent,
  deadline: NewDeadline | null = null,
): Promise<StoredEvent> {
  const event = { id: randomUUID(), type, meta: metaBy(service, data.mission_id), data: JSON.stringify(data) };
  const expected_version = (await log.load(stream)).length;
  const [stored] = storedBy(await log.append({ stream, expected_version, events: [event], deadline }));
  if (stored === undefined) throw new Error(`${type} was appended to ${stream} and not given back`);
  return stored;
}

/** With the one header that services look at. */
export const deliveryOf = (stored: StoredEvent, consumer: EventDelivery['consumer'], deliveries = 1): EventDelivery => ({
  kind: 'event',
  consumer,
  subject: `baton.event.${stored.stream.split('-', 1).join()}.${stored.type}`,
  headers: { 'ce-subject': stored.stream },
  body: stored.data,
  deliveries,
  sequence: stored.position,
  event: () => parseStored(stored),
});
