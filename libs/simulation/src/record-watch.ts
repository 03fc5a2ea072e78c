/** Looks at every append as it is committed, and says at once when a promise of the record is broken. */
import {
  categoryOf,
  parseStored,
  SERVICES,
  type Category,
  type EventRecord,
  type ServiceName,
  type StoredEvent,
} from '@baton/contracts';
import { deciderOf, type Waiting } from '@baton/domain';
import type { Append, EventLog } from '@baton/ports';

interface Row {
  readonly key: string;
  readonly due_ms: number;
}

export interface RecordWatch {
  /** The log, watched, as one service sees it. */
  as(service: ServiceName): EventLog;
  /** Holds what was appended since the last call against the promises; throws what is broken. */
  check(): void;
  readonly events: readonly StoredEvent[];
  readonly histogram: ReadonlyMap<string, number>;
  statusOf(stream: string): string;
  /** When the first deadline of these categories is due; null = there is none. */
  nextDue(categories: readonly string[]): number | null;
  /** Streams that wait for something, with what for. */
  waiting(): ReadonlyMap<string, Waiting>;
}

export class BrokenPromise extends Error {
  override readonly name = 'BrokenPromise';
}
const promise = (holds: boolean, message: () => string): void => {
  if (!holds) throw new BrokenPromise(message());
};

export function watchRecord(
  log: EventLog,
  now_ms: () => number,
  onAppended: (stored: StoredEvent, event: EventRecord) => void,
): RecordWatch {
  const events: StoredEvent[] = [];
  const histogram = new Map<string, number>();
  const states = new Map<string, { state: unknown; version: number }>();
  const rows = new Map<string, Row>();
  const waits = new Map<string, Waiting>();
  const unchecked = new Set<string>();
  const broken: BrokenPromise[] = [];

  function seen(service: ServiceName, append: Append, appended: readonly StoredEvent[]): void {
    const owned: readonly string[] = SERVICES[service].appends;
    promise(owned.includes(categoryOf(append.stream)), () => `${service} appended to ${append.stream}, which is not its own`);
    const decider = deciderOf(categoryOf(append.stream) as Category);
    const known = states.get(append.stream) ?? { state: decider.initial, version: 0 };
    const records = appended.map(parseStored);
    for (const [index, event] of appended.entries()) {
      promise(event.position === events.length + 1, () => `position ${event.position} follows ${events.length}`);
      promise(event.version === known.version + 1, () => `version ${event.version} of ${event.stream} follows ${known.version}`);
      known.state = decider.evolve(known.state, records[index]);
      known.version = event.version;
      events.push(event);
      histogram.set(event.type, (histogram.get(event.type) ?? 0) + 1);
    }
    states.set(append.stream, known);
    if (append.deadline) rows.set(append.stream, { key: append.deadline.key, due_ms: now_ms() + append.deadline.after_ms });
    else rows.delete(append.stream);
    const waiting = decider.waitingOn(known.state);
    if (waiting) waits.set(append.stream, waiting);
    else waits.delete(append.stream);
    unchecked.add(append.stream);
    for (const [index, event] of appended.entries()) onAppended(event, records[index]!);
  }

  /** What is thrown inside a service would be taken for a store that is away: kept for `check`. */
  function looking(look: () => void): void {
    try {
      look();
    } catch (error) {
      broken.push(
        error instanceof BrokenPromise
          ? error
          : new BrokenPromise(`while looking at the log: ${String(error)}`, { cause: error }),
      );
    }
  }

  const as = (service: ServiceName): EventLog => ({
    ...log,
    async append(append) {
      const result = await log.append(append);
      if (result.status === 'appended') looking(() => seen(service, append, result.events));
      return result;
    },
    async claimDue(claim) {
      const due = await log.claimDue(claim);
      for (const { stream, key } of due) {
        looking(() =>
          promise(
            rows.get(stream)?.key === key,
            () => `deadline ${key} of ${stream} was claimed, ${rows.get(stream)?.key} is what it waits for`,
          ),
        );
        rows.set(stream, { key, due_ms: now_ms() + claim.hold_ms });
      }
      return due;
    },
    async extend(lease) {
      const kept = await log.extend(lease);
      if (kept) rows.set(lease.stream, { key: lease.key, due_ms: now_ms() + lease.after_ms });
      return kept;
    },
    async clearDeadline(stream, key) {
      await log.clearDeadline(stream, key);
      if (rows.get(stream)?.key === key) rows.delete(stream);
      unchecked.add(stream);
    },
  });

  return {
    as,
    events,
    histogram,
    check() {
      if (broken[0]) throw broken[0];
      for (const stream of unchecked)
        promise(
          rows.get(stream)?.key === waits.get(stream)?.key,
          () => `${stream} waits for ${waits.get(stream)?.key}, its deadline is ${rows.get(stream)?.key}`,
        );
      unchecked.clear();
    },
    statusOf: (stream) => (states.get(stream)?.state as { status: string } | undefined)?.status ?? 'new',
    nextDue(categories) {
      let earliest: number | null = null;
      for (const [stream, { due_ms }] of rows)
        if (categories.includes(categoryOf(stream)) && (earliest === null || due_ms < earliest)) earliest = due_ms;
      return earliest;
    },
    waiting: () => waits,
  };
}
