/** A service as it runs in production, with its own work, on a record in memory: what is done to it, and what it then wrote. */
import { hash } from 'node:crypto';
import {
  parseStored,
  type BatonEvent,
  type ConsumerName,
  type DataOf,
  type EventRecord,
  type EventType,
  type ServiceName,
  type StoredEvent,
} from '@baton/contracts';
import { createService, noInstruments, type ServiceDefinition } from '@baton/handling';
import { memoryRecord, type MemoryRecord } from '@baton/simulation';
import { eventually } from '@baton/tools';
import { deliveryOf, recorded } from './recorded.ts';

const WORK_WITHIN_MS = 20_000;
const SLOTS = 2;
const STOP_GRACE_MS = 0;

export function serviceBench(define: (record: MemoryRecord) => ServiceDefinition) {
  let ahead_ms = 0;
  const record = memoryRecord({ now_ms: () => performance.now() + ahead_ms, sha256: (bytes) => hash('sha256', bytes, 'buffer') });
  const faults: string[] = [];
  const runtime = createService(define(record), {
    log: record.log,
    dead_letters: record.deadLetters,
    holder: 'spec',
    slots: SLOTS,
    instruments: {
      ...noInstruments,
      deadlineFailed: (stream, key, error) => void faults.push(`deadline ${key} of ${stream}: ${String(error)}`),
      fault: (what, error) => void faults.push(`${what}: ${String(error)}`),
    },
  });
  const events = async (stream: string): Promise<readonly EventRecord[]> => (await record.log.load(stream)).map(parseStored);
  return {
    record,
    runtime,
    /** What the service reports as gone wrong. */
    faults,
    recorded: (by: ServiceName, stream: string, event: BatonEvent): Promise<StoredEvent> =>
      recorded(record.log, by, stream, event),
    /** Resolves when it is acknowledged; the work that it starts may go on. */
    deliver: async (stored: StoredEvent, consumer: ConsumerName, deliveries = 1): Promise<void> => {
      const settlement = await runtime.receive(deliveryOf(stored, consumer, deliveries));
      if (!settlement.ack) throw new Error(`${stored.type} was not acknowledged: ${faults.join('; ')}`);
    },
    workEnds: () =>
      eventually(() => runtime.stats().running_work === 0, { within_ms: WORK_WITHIN_MS, what: 'the end of the work' }),
    types: async (stream: string): Promise<readonly EventType[]> => (await events(stream)).map(({ type }) => type),
    /** The data of the last event of this type. */
    last: async <T extends EventType>(stream: string, type: T): Promise<DataOf<T>> => {
      const found = (await events(stream)).findLast((event) => event.type === type);
      if (!found) throw new Error(`${type} did not happen to ${stream}; faults: ${faults.join('; ')}`);
      return found.data as DataOf<T>;
    },
    /** So much time goes by for deadlines, and what is due is taken over. */
    pass: async (ms: number): Promise<void> => {
      ahead_ms += ms;
      await runtime.sweep();
    },
    stop: () => runtime.stop(STOP_GRACE_MS),
  };
}
