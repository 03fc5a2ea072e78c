/** The events of a mission as they are recorded, each once and in order, until the mission has ended. */
import type { EventRecord } from '@baton/contracts';
import type { EventStore, History } from '@baton/event-store';
import { missionStatus, readable } from './missions.ts';

export interface Follow {
  readonly history: Pick<History, 'missionEvents'>;
  readonly onAppended: EventStore['onAppended'];
  readonly mission_id: string;
  readonly signal: AbortSignal;
}

/** Notifications are a hint; this is how long a lost one costs. */
const POLL_MS = 1_000;

export async function* follow({ history, onAppended, mission_id, signal }: Follow): AsyncGenerator<EventRecord> {
  const wake = waker(signal);
  const stopListening = onAppended(() => {
    wake.now();
  });
  const own: EventRecord[] = [];
  let after = 0;
  try {
    while (!signal.aborted) {
      const events = await history.missionEvents(mission_id, after);
      for (const stored of events) {
        after = stored.position;
        const event = readable(stored);
        if (event === null) continue;
        if (event.stream === `mission-${mission_id}`) own.push(event);
        yield event;
      }
      if (missionStatus(own).ended && events.length === 0) return;
      // What was recorded beside the end (a gate that is void, a late report) is told as well, so look once more at once.
      if (!missionStatus(own).ended) await wake.next(POLL_MS);
    }
  } finally {
    stopListening();
  }
}

interface Waker {
  now(): void;
  /** Resolves at the next call of `now` (or one since the last wait), or when the time is over. */
  next(within_ms: number): Promise<void>;
}

function waker(signal: AbortSignal): Waker {
  let awake = false;
  let resume: (() => void) | null = null;
  const now = (): void => {
    awake = true;
    resume?.();
  };
  signal.addEventListener('abort', now, { once: true });
  return {
    now,
    next: async (within_ms) => {
      if (!awake) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, within_ms);
          resume = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
      awake = false;
      resume = null;
    },
  };
}
