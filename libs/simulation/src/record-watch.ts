/** Reads the log behind everybody's back and says at once when a promise of the record is broken. */
import { categoryOf, parseStored, type Category, type EventRecord, type StoredEvent } from '@baton/contracts';
import { deciderOf, type Waiting } from '@baton/domain';
import { eventId } from '@baton/handling';
import { BrokenPromise, promise } from './broken-promise.ts';
import { isHalf, mayFollow } from './grammar.ts';
import { chained, type MemoryEventLog } from './memory-event-log.ts';

interface Seen {
  state: unknown;
  version: number;
  last: EventRecord | null;
  waiting: Waiting | null;
}

export interface RecordWatch {
  /** Holds what was appended since the last call against the promises; throws what is broken. */
  look(): void;
  readonly records: readonly EventRecord[];
  readonly histogram: ReadonlyMap<string, number>;
  /** As the log has it now: folded anew, never as a process remembers it. */
  stateOf(stream: string): unknown;
  /** When the first deadline of these categories is due, by the clock of the log; null = there is none. */
  nextDue(categories: readonly string[]): number | null;
  /** Streams that wait for something, with what for. */
  waiting(): readonly (readonly [stream: string, waiting: Waiting])[];
}

export interface WatchOptions {
  readonly log: MemoryEventLog;
  readonly sha256: (bytes: Uint8Array) => Uint8Array;
  /** Called in order with each event, after the record was found to be in order. Throws BrokenPromise. */
  readonly onEvent: (event: EventRecord, stored: StoredEvent) => void;
}

export function watchRecord({ log, sha256, onEvent }: WatchOptions): RecordWatch {
  const records: EventRecord[] = [];
  const histogram = new Map<string, number>();
  const streams = new Map<string, Seen>();
  const ids = new Set<string>();
  const causes = new Set<string>();
  let hash: Uint8Array = new Uint8Array(32);
  let checked_deadlines = 0;

  function inOrder(stored: StoredEvent, seen: Seen, ordinal: number): EventRecord {
    const { position, stream, version, id, type } = stored;
    const event = parseStored(stored);
    promise(position === records.length + 1, () => `position ${position} follows ${records.length}`);
    promise(version === seen.version + 1, () => `version ${version} of ${stream} follows ${seen.version}`);
    hash = sha256(chained(hash, stored, Date.parse(stored.recorded_at)));
    promise(Buffer.from(hash).toString('hex') === stored.hash, () => `the chain breaks at position ${position}`);
    promise(!ids.has(id), () => `event ${id} (${type} of ${stream}) is recorded twice`);
    const { correlation_id, causation_id } = event.meta;
    promise(
      id === eventId(correlation_id, causation_id, stream, ordinal),
      () => `${type} of ${stream} is recorded a second time for the same cause ${causation_id}, or its id is not made from it`,
    );
    const before = seen.last;
    promise(
      mayFollow(event.type, before?.type ?? null),
      () => `${stream}: ${type} (version ${version}) may not follow ${before?.type ?? 'nothing'}`,
    );
    ids.add(id);
    return event;
  }

  /** The n-th event that the same cause led to in this stream, by one append. */
  function ordinalOf(stored: StoredEvent, previous: StoredEvent | undefined, ordinal: number): number {
    const causeOf = (event: StoredEvent): string =>
      `${(JSON.parse(event.meta) as { causation_id: string }).causation_id} ${event.stream}`;
    if (previous?.stream === stored.stream && previous.meta === stored.meta) return ordinal + 1;
    const cause = causeOf(stored);
    promise(!causes.has(cause), () => `${stored.stream} answers the same cause twice: ${cause} (${stored.type})`);
    causes.add(cause);
    return 0;
  }

  /** What waits has its row, and no row is for what does not wait: nothing is without an owner, for any moment. */
  function deadlinesFit(touched: ReadonlySet<string>): void {
    for (const stream of touched) {
      const seen = streams.get(stream)!;
      const { last } = seen;
      promise(last !== null && !isHalf(last.type), () => `${stream} ends with ${last?.type}, which is half an append`);
      const row = log.deadlines.get(stream);
      promise(
        row?.key === seen.waiting?.key,
        () => `${stream} waits for ${seen.waiting?.key}, its deadline is ${row?.key} (I6: nothing is without an owner)`,
      );
    }
    checked_deadlines += 1;
    // Rows also change without an append: now and then all of them are held against what is waited for.
    if (checked_deadlines % 16 === 0 || touched.size === 0) return;
    for (const [stream, row] of log.deadlines)
      promise(
        streams.get(stream)?.waiting?.key === row.key,
        () => `${stream} has a deadline ${row.key}, and waits for ${streams.get(stream)?.waiting?.key}`,
      );
  }

  let ordinal = 0;
  return {
    records,
    histogram,
    look() {
      const touched = new Set<string>();
      try {
        for (let at = records.length; at < log.events.length; at++) {
          const stored = log.events[at]!;
          const decider = deciderOf(categoryOf(stored.stream) as Category);
          const seen = streams.get(stored.stream) ?? { state: decider.initial, version: 0, last: null, waiting: null };
          ordinal = ordinalOf(stored, log.events[at - 1], ordinal);
          const event = inOrder(stored, seen, ordinal);
          seen.state = decider.evolve(seen.state, event);
          seen.version = stored.version;
          seen.last = event;
          seen.waiting = decider.waitingOn(seen.state);
          streams.set(stored.stream, seen);
          records.push(event);
          histogram.set(event.type, (histogram.get(event.type) ?? 0) + 1);
          touched.add(stored.stream);
          onEvent(event, stored);
        }
        deadlinesFit(touched);
      } catch (error) {
        if (error instanceof BrokenPromise) throw error;
        throw new BrokenPromise(`while reading the log: ${String(error)}`, { cause: error });
      }
    },
    stateOf: (stream) => streams.get(stream)?.state ?? deciderOf(categoryOf(stream) as Category).initial,
    nextDue(categories) {
      let earliest: number | null = null;
      for (const [stream, { due_ms }] of log.deadlines)
        if (categories.includes(categoryOf(stream)) && (earliest === null || due_ms < earliest)) earliest = due_ms;
      return earliest;
    },
    waiting: () => [...streams].flatMap(([stream, { waiting }]) => (waiting ? [[stream, waiting] as const] : [])),
  };
}
