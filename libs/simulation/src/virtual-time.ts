/** Time that passes only when nothing else can happen, and then at once. */
import type { Timers } from '@baton/handling';

/** So that what is recorded looks like a date; nothing depends on it. */
const EPOCH_MS = Date.UTC(2026, 10, 21);

interface Timer {
  readonly due_ms: number;
  readonly number: number;
  readonly alive: () => boolean;
  readonly callback: () => void;
}

export interface VirtualTime {
  now_ms(): number;
  /** Timers of one process: they are gone with it. */
  timersOf(alive: () => boolean): Timers;
  nextTimer(): number | null;
  advance(to_ms: number): void;
  /** Calls back the timer that is due first; false = none is due. */
  fireOne(): boolean;
}

export function virtualTime(): VirtualTime {
  const timers = new Set<Timer>();
  let now = EPOCH_MS;
  let numbers = 0;
  const first = (): Timer | null => {
    let earliest: Timer | null = null;
    for (const timer of timers) {
      if (!timer.alive()) timers.delete(timer);
      else if (
        earliest === null ||
        timer.due_ms < earliest.due_ms ||
        (timer.due_ms === earliest.due_ms && timer.number < earliest.number)
      )
        earliest = timer;
    }
    return earliest;
  };
  return {
    now_ms: () => now,
    timersOf: (alive) => ({
      now_ms: () => now,
      after(ms, callback) {
        const timer: Timer = { due_ms: now + ms, number: ++numbers, alive, callback };
        timers.add(timer);
        return () => void timers.delete(timer);
      },
    }),
    nextTimer: () => first()?.due_ms ?? null,
    advance(to_ms) {
      now = Math.max(now, to_ms);
    },
    fireOne() {
      const timer = first();
      if (timer === null || timer.due_ms > now) return false;
      timers.delete(timer);
      timer.callback();
      return true;
    },
  };
}
