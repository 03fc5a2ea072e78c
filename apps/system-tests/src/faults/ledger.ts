/** What the log says, followed as it grows: read as the auditor, past every outage of Postgres. */
import { parseStored, type EventRecord, type EventType } from '@baton/contracts';
import { openEventStore, type EventStore } from '@baton/event-store';

const PAGE_EVENTS = 2_000;
const ENDS: ReadonlySet<EventType> = new Set(['MissionCompleted', 'MissionFailed', 'MissionCancelled', 'MissionRejected']);

export interface Ledger {
  /** Reads what is new. Throws while Postgres cannot be reached. */
  refresh(): Promise<void>;
  readonly events: readonly EventRecord[];
  /** Mission → how it ended. */
  readonly ended: ReadonlyMap<string, EventType>;
  deadLetters(): Promise<number>;
  /** Begins anew: the log is another one now. */
  forget(): void;
  close(): Promise<void>;
}

/** `url` is asked for at each connection: a stack that was started again may be somewhere else. */
export function openLedger(url: () => Promise<string>): Ledger {
  const events: EventRecord[] = [];
  const ended = new Map<string, EventType>();
  let opened: EventStore | null = null;
  let reading: Promise<void> | null = null;
  const store = async (): Promise<EventStore> =>
    (opened ??= openEventStore({ url: await url(), application_name: 'fault-suite', read_connections_max: 1 }));

  async function read(): Promise<void> {
    const { log } = await store();
    for (;;) {
      const page = await log.readAfter(events.length, PAGE_EVENTS);
      for (const stored of page) {
        const event = parseStored(stored);
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
    ended,
    deadLetters: async () => (await (await store()).deadLetters.list({ status: 'parked' })).length,
    forget: () => {
      events.length = 0;
      ended.clear();
      void opened?.close();
      opened = null;
    },
    close: async () => {
      await reading?.catch(() => undefined);
      await opened?.close();
    },
  };
}
