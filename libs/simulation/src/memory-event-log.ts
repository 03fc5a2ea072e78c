/** The record in memory: same promises as Postgres keeps, by a clock and a digest that are given, so every run is alike. */
import { EVENT_DATA_BYTES_MAX, categoryOf, type StoredEvent } from '@baton/contracts';
import type { Append, Appended, DueDeadline, EventLog, RecordedEvent } from '@baton/ports';

export interface MemoryEventLogOptions {
  readonly now_ms: () => number;
  readonly sha256: (bytes: Uint8Array) => Uint8Array;
}

interface Deadline {
  readonly key: string;
  readonly holder: string | null;
  readonly due_ms: number;
}

/** The log, and what only somebody beside it may see: the rows as they are. */
export interface MemoryEventLog extends EventLog {
  readonly events: readonly StoredEvent[];
  readonly deadlines: ReadonlyMap<string, Deadline>;
}
export type { Deadline };

const EVENT_META_BYTES_MAX = 16_384;
const GENESIS_HASH = '0'.repeat(64);

export function memoryEventLog({ now_ms, sha256 }: MemoryEventLogOptions): MemoryEventLog {
  const events: StoredEvent[] = [];
  const streams = new Map<string, StoredEvent[]>();
  const ids = new Set<string>();
  const deadlines = new Map<string, Deadline>();
  let last_ms = 0;
  let hash: Uint8Array = new Uint8Array(32);

  const holds = (event: RecordedEvent): boolean => {
    const stored = events[event.position - 1];
    return stored !== undefined && SAME.every((field) => stored[field] === event[field]);
  };

  function append({ stream, expected_version, events: added, deadline, answers }: Append): Appended {
    const earlier = streams.get(stream) ?? [];
    if (answers !== undefined && !holds(answers)) return { status: 'forged-cause' };
    if (added.some((event) => ids.has(event.id))) return { status: 'duplicate-event' };
    if (earlier.length !== expected_version) return { status: 'version-conflict', actual_version: earlier.length };
    // The log's time never goes back, whatever the clock does.
    last_ms = Math.max(last_ms, Math.floor(now_ms()));
    const stored = added.map((event, ordinal): StoredEvent => {
      const position = events.length + ordinal + 1;
      const version = expected_version + ordinal + 1;
      const { id, type, meta, data } = event;
      const unhashed = { position, stream, version, id, type, recorded_at: isoOf(last_ms), meta, data };
      hash = sha256(chained(hash, unhashed, last_ms));
      return { ...unhashed, hash: Buffer.from(hash).toString('hex') };
    });
    events.push(...stored);
    earlier.push(...stored);
    streams.set(stream, earlier);
    for (const event of stored) ids.add(event.id);
    if (deadline === null) deadlines.delete(stream);
    else deadlines.set(stream, { key: deadline.key, holder: deadline.holder, due_ms: now_ms() + deadline.after_ms });
    return { status: 'appended', events: stored };
  }

  function claimDue({ categories, holder, hold_ms, limit }: Parameters<EventLog['claimDue']>[0]): readonly DueDeadline[] {
    const due = [...deadlines]
      .filter(([stream, deadline]) => deadline.due_ms <= now_ms() && categories.includes(categoryOf(stream)))
      .toSorted(([one_stream, one], [other_stream, other]) => one.due_ms - other.due_ms || (one_stream < other_stream ? -1 : 1))
      .slice(0, limit);
    return due.map(([stream, { key, holder: last_holder, due_ms }]) => {
      deadlines.set(stream, { key, holder, due_ms: now_ms() + hold_ms });
      return { stream, key, last_holder, due_at: isoOf(due_ms) };
    });
  }

  return {
    events,
    deadlines,
    append: async (request) => {
      checkAppend(request);
      return append(request);
    },
    load: async (stream, after_version = 0) => (streams.get(stream) ?? []).slice(after_version),
    readAfter: async (after, limit) => events.slice(after, after + limit),
    head: async () => ({ position: events.length, hash: events.at(-1)?.hash ?? GENESIS_HASH }),
    claimDue: async (claim) => claimDue(claim),
    extend: async ({ stream, key, holder, after_ms }) => {
      const deadline = deadlines.get(stream);
      if (deadline?.key !== key || deadline.holder !== holder) return false;
      deadlines.set(stream, { key, holder, due_ms: now_ms() + after_ms });
      return true;
    },
    clearDeadline: async (stream, key) => {
      if (deadlines.get(stream)?.key === key) deadlines.delete(stream);
    },
  };
}

const SAME = ['id', 'stream', 'version', 'type', 'data'] as const;
const UNFIT = /[\n\r\0]/;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** What Postgres would refuse is refused here too: a simulation must not pass with events that production cannot keep. */
function checkAppend({ stream, expected_version, events }: Append): void {
  if (!/^[a-z]+-[^\s\0]+$/.test(stream)) throw new Error(`stream ${JSON.stringify(stream)} must be <category>-<id>`);
  if (!Number.isSafeInteger(expected_version) || expected_version < 0)
    throw new Error(`expected_version of ${stream} must be 0 or a version`);
  if (events.length === 0) throw new Error(`an append to ${stream} needs at least one event`);
  if (new Set(events.map((event) => event.id)).size < events.length) throw new Error(`an append to ${stream} names an id twice`);
  for (const event of events) {
    const where = `${event.type} ${event.id} of ${stream}`;
    if (!UUID.test(event.id)) throw new Error(`id of ${where} must be a uuid in lower case`);
    if ([event.type, event.meta, event.data].some((text) => UNFIT.test(text) || !text.isWellFormed())) {
      throw new Error(
        `type, meta and data of ${where} must be well-formed text without line breaks or NUL: write JSON on one line`,
      );
    }
    if (Buffer.byteLength(event.data) > EVENT_DATA_BYTES_MAX)
      throw new Error(`data of ${where} is larger than EVENT_DATA_BYTES_MAX (${String(EVENT_DATA_BYTES_MAX)})`);
    if (Buffer.byteLength(event.meta) > EVENT_META_BYTES_MAX)
      throw new Error(`meta of ${where} is larger than EVENT_META_BYTES_MAX (${String(EVENT_META_BYTES_MAX)})`);
  }
}

/** What is hashed for an event: the hash before it and all of its fields (hash-chain.ts of the event store). */
export function chained(previous_hash: Uint8Array, event: Omit<StoredEvent, 'hash'>, recorded_ms: number): Uint8Array {
  const { position, stream, version, id, type, meta, data } = event;
  const text = `${position}\n${stream}\n${version}\n${id}\n${type}\n${recorded_ms * 1_000}\n${meta}\n${data}`;
  return Buffer.concat([previous_hash, Buffer.from(text, 'utf8')]);
}

export const isoOf = (ms: number): string => new Date(ms).toISOString().replace('Z', '000Z');
