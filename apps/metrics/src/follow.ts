/**
 * Follows the log without a gap: from Postgres up to its head at the start, then from the bus at the same numbers. A gap on the
 * bus (another replica got the message, the bus was wiped) is read from Postgres.
 */
import { parseStored, subjectOf, UnreadableEvent, type EventRecord, type EventType } from '@baton/contracts';
import type { Delivery, Settlement } from '@baton/handling';
import type { EventLog } from '@baton/ports';

const READ_MAX = 1_000;
/** How long an event from the bus may wait for the ones before it. */
const GAP_MS_MAX = 1_000;
/** Events from the bus that may wait for the ones before them. */
const WAITING_MAX = 10_000;

export interface Follower {
  receive(delivery: Delivery): Promise<Settlement>;
  /** Reads everything that is in the log now; to be called once before the first delivery. */
  catchUp(): Promise<void>;
  /** Reads a gap that did not close by itself. */
  sweep(): Promise<number>;
  position(): number;
}

export interface FollowOptions {
  readonly log: Pick<EventLog, 'readAfter'>;
  /** Types that `apply` wants to see; of the others only the position counts. */
  readonly wanted: ReadonlySet<string>;
  readonly apply: (event: EventRecord) => void;
  /** An event that this release cannot read is left out of the numbers, and said. */
  readonly onUnreadable: (position: number, error: Error) => void;
}

export function follow({ log, wanted, apply, onUnreadable }: FollowOptions): Follower {
  let position = 0;
  let gap_since: number | null = null;
  let reading: Promise<void> | null = null;
  const subjects = new Set([...wanted].map((type) => subjectOf(type as EventType)));
  const waiting = new Map<number, (() => EventRecord) | null>();

  const applyNext = (at: number, read: (() => EventRecord) | null): void => {
    position = at;
    if (read === null) return;
    try {
      apply(read());
    } catch (error) {
      if (!(error instanceof UnreadableEvent)) throw error;
      onUnreadable(at, error);
    }
  };
  const drain = (): void => {
    for (let next = waiting.get(position + 1); next !== undefined; next = waiting.get(position + 1)) {
      waiting.delete(position + 1);
      applyNext(position + 1, next);
    }
    gap_since = waiting.size === 0 ? null : (gap_since ?? performance.now());
  };
  const readOn = async (): Promise<void> => {
    for (;;) {
      const events = await log.readAfter(position, READ_MAX);
      // Deliveries that came in meanwhile may have taken the position further.
      for (const stored of events)
        if (stored.position === position + 1)
          applyNext(stored.position, wanted.has(stored.type) ? () => parseStored(stored) : null);
      for (const at of waiting.keys()) if (at <= position) waiting.delete(at);
      drain();
      if (events.length < READ_MAX) return;
    }
  };
  const catchUp = (): Promise<void> => (reading ??= readOn().finally(() => (reading = null)));

  return {
    catchUp,
    position: () => position,
    async receive(delivery) {
      // Everything this service knows is folded from the log again when it starts: nothing is lost by settling at once.
      if (delivery.kind === 'event' && delivery.sequence > position) {
        waiting.set(delivery.sequence, subjects.has(delivery.subject) ? delivery.event : null);
        drain();
        if (waiting.size > WAITING_MAX) await catchUp();
      }
      return { ack: true };
    },
    async sweep() {
      if (gap_since === null || performance.now() - gap_since < GAP_MS_MAX) return 0;
      // Counted from now on: should the log be away, the gap is read again, even if nothing more is delivered.
      gap_since = performance.now();
      await catchUp();
      return 0;
    },
  };
}
