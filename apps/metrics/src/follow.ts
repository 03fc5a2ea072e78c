/**
 * Follows the log from its beginning. What is folded was read from Postgres; a delivery from the bus only says that there is
 * more to read, so that nothing the bus was made to say is in a number (ADR 0016).
 */
import { parseStored, UnreadableEvent, type EventRecord, type StoredEvent } from '@baton/contracts';
import type { Delivery, Settlement } from '@baton/handling';
import type { EventLog } from '@baton/ports';

const READ_MAX = 1_000;

export interface Follower {
  receive(delivery: Delivery): Promise<Settlement>;
  /** Reads everything that is in the log now; to be called once before the first delivery. */
  catchUp(): Promise<void>;
  /** Reads what could not be read when a delivery asked for it. */
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
  /** The highest position that was delivered since the read under way began. */
  let told = 0;
  let failed = false;
  let reading: Promise<void> | null = null;

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
  const readToEnd = async (): Promise<void> => {
    for (;;) {
      const events = await log.readAfter(position, READ_MAX);
      for (const stored of events) applyNext(stored);
      if (events.length < READ_MAX) return;
    }
  };
  const readOn = async (): Promise<void> => {
    failed = true;
    try {
      // What was delivered before a read began is in it, or is not in the log: it is not asked for again.
      do {
        told = 0;
        await readToEnd();
      } while (told > position);
      failed = false;
    } finally {
      // Not a turn later: a delivery in between would wait for a read that is over.
      reading = null;
    }
  };
  const catchUp = (): Promise<void> => (reading ??= readOn());

  return {
    catchUp,
    position: () => position,
    async receive(delivery) {
      if (delivery.kind === 'event' && delivery.sequence > position) {
        told = Math.max(told, delivery.sequence);
        // A log that is away is read by the sweep, which says so: one complaint for each delivery would help nobody.
        await catchUp().catch(() => undefined);
      }
      return { ack: true };
    },
    async sweep() {
      if (failed) await catchUp();
      return 0;
    },
  };
}
