/** Follows the log from its beginning: each event once, in the order of the log. */
import { parseStored, UnreadableEvent, type EventRecord, type StoredEvent } from '@baton/contracts';
import type { EventLog } from '@baton/ports';

const READ_MAX = 1_000;

export interface Follower {
  /**
   * Reads everything that is in the log now; one at a time. Rejects where the log is away, or the fold fails: the next one
   * begins at the event that was not folded.
   */
  readOn(): Promise<void>;
  /** Of the last event that was read; 0 before the first. */
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

  const applyNext = (stored: StoredEvent): void => {
    try {
      if (wanted.has(stored.type)) apply(parseStored(stored));
    } catch (error) {
      // A defect of the fold: it stays here and fails aloud, rather than go on with a wrong number.
      if (!(error instanceof UnreadableEvent)) throw error;
      onUnreadable(stored.position, error);
    }
    position = stored.position;
  };
  return {
    position: () => position,
    readOn: async () => {
      for (;;) {
        const events = await log.readAfter(position, READ_MAX);
        for (const stored of events) applyNext(stored);
        if (events.length < READ_MAX) return;
      }
    },
  };
}
