/** What the log says, followed as it grows: read as the auditor, past every outage of Postgres. */
import { parseStored, UnreadableEvent, type EventRecord, type EventType, type StoredEvent } from '@baton/contracts';
import { openEventStore, type EventStore } from '@baton/event-store';
import type { KeptDeadLetter } from '@baton/ports';

const PAGE_EVENTS = 2_000;
const ENDS: ReadonlySet<EventType> = new Set(['MissionCompleted', 'MissionFailed', 'MissionCancelled', 'MissionRejected']);

export interface Ledger {
  /** Reads what is new. Throws while Postgres cannot be reached. */
  refresh(): Promise<void>;
  readonly events: readonly EventRecord[];
  /** Mission → how it ended. */
  readonly ended: ReadonlyMap<string, EventType>;
  /** Positions of what a newer release could have written, or somebody by hand. */
  readonly unreadable: readonly number[];
  /** Those that are parked now. */
  letters(): Promise<readonly KeptDeadLetter[]>;
  /** Begins anew: the log is another one now. */
  forget(): void;
  close(): Promise<void>;
}

/** `url` is asked for at each connection: a stack that was started again may be somewhere else. */
export function openLedger(url: () => Promise<string>): Ledger {
  const events: EventRecord[] = [];
  const unreadable: number[] = [];
  const ended = new Map<string, EventType>();
  let opened: Promise<EventStore> | null = null;
  let reading: Promise<void> | null = null;
  const store = (): Promise<EventStore> =>
    (opened ??= url().then(
      (at) => openEventStore({ url: at, application_name: 'fault-suite', read_connections_max: 1 }),
      (error: unknown) => {
        opened = null;
        throw error;
      },
    ));

  async function read(): Promise<void> {
    const { log } = await store();
    for (;;) {
      const page = await log.readAfter(events.length + unreadable.length, PAGE_EVENTS);
      for (const stored of page) {
        const event = readable(stored);
        if (event === null) {
          unreadable.push(stored.position);
          continue;
        }
        events.push(event);
        if (ENDS.has(event.type)) ended.set((event.data as { mission_id: string }).mission_id, event.type);
      }
      if (page.length < PAGE_EVENTS) return;
    }
  }
  return {
    refresh: () =>
      (reading ??= read().finally(() => {
        reading = null;
      })),
    events,
    unreadable,
    ended,
    letters: async () => (await store()).deadLetters.list({ status: 'parked' }),
    forget: () => {
      events.length = 0;
      unreadable.length = 0;
      ended.clear();
      void opened?.then((one) => one.close()).catch(() => undefined);
      opened = null;
    },
    close: async () => {
      await reading?.catch(() => undefined);
      await opened?.then((one) => one.close());
    },
  };
}

function readable(stored: StoredEvent): EventRecord | null {
  try {
    return parseStored(stored);
  } catch (error) {
    if (error instanceof UnreadableEvent) return null;
    throw error;
  }
}
