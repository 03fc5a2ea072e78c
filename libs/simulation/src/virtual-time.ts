/** Time that passes only when nothing else can happen, and then at once. */
import type { Timers } from '@baton/handling';

/** So that what is recorded looks like a date; nothing depends on it. */
export const EPOCH_MS = Date.UTC(2026, 10, 21);

interface Timer {
  readonly due_ms: number;
  readonly number: number;
  readonly alive: () => boolean;
  readonly paused_until_ms: () => number;
  readonly callback: () => void;
}

export interface VirtualTime {
  now_ms(): number;
  /** Timers of one process: they are gone with it, and wait while it is stopped. */
  timersOf(alive: () => boolean, paused_until_ms?: () => number): Timers;
  nextTimer(): number | null;
  advance(to_ms: number): void;
  /** Calls back the timer that is due first; false = none is due. */
  fireOne(): boolean;
}

export function virtualTime(): VirtualTime {
  const timers = new Set<Timer>();
  let now = EPOCH_MS;
  let numbers = 0;
  const dueOf = (timer: Timer): number => Math.max(timer.due_ms, timer.paused_until_ms());
  const first = (): { readonly timer: Timer; readonly due_ms: number } | null => {
    let earliest: { timer: Timer; due_ms: number } | null = null;
    for (const timer of timers) {
      if (!timer.alive()) {
        timers.delete(timer);
        continue;
      }
      const due_ms = dueOf(timer);
      if (earliest === null || due_ms < earliest.due_ms || (due_ms === earliest.due_ms && timer.number < earliest.timer.number))
        earliest = { timer, due_ms };
    }
    return earliest;
  };
  return {
    now_ms: () => now,
    timersOf: (alive, paused_until_ms = () => 0) => ({
      now_ms: () => now,
      after(ms, callback) {
        const timer: Timer = { due_ms: now + ms, number: ++numbers, alive, paused_until_ms, callback };
        timers.add(timer);
        return () => void timers.delete(timer);
      },
    }),
    nextTimer: () => first()?.due_ms ?? null,
    advance(to_ms) {
      now = Math.max(now, to_ms);
    },
    fireOne() {
      const next = first();
      if (next === null || next.due_ms > now) return false;
      timers.delete(next.timer);
      next.timer.callback();
      return true;
    },
  };
}
