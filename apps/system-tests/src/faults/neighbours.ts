/** Whether others are well while one is not: missions handed in one after the other, and how long each took to its end. */
import { setTimeout as delay } from 'node:timers/promises';
import type { EventRecord } from '@baton/contracts';
import type { Ground } from './ground.ts';

const EVERY_MS = 250;
/** Fewer say nothing. */
const MISSIONS_MIN = 4;
const CROWD_MIN = 20;

export interface Neighbours {
  /** How long each took; throws where one has not ended. */
  stop(): Promise<readonly number[]>;
}

export function neighboursOf({ missions, cleanup }: Ground): Neighbours {
  const stopping = new AbortController();
  let given_up = false;
  const took_ms: number[] = [];
  const living = (async () => {
    while (!given_up && (!stopping.signal.aborted || took_ms.length < MISSIONS_MIN)) {
      const since_ms = performance.now();
      await missions.ended([await missions.submit()]);
      took_ms.push(performance.now() - since_ms);
      await delay(EVERY_MS, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  })();
  // Whoever stops them hears of it.
  living.catch(() => undefined);
  cleanup.add(() => {
    given_up = true;
    stopping.abort();
    return living.catch(() => undefined);
  });
  return {
    stop: async () => {
      stopping.abort();
      await living;
      return took_ms;
    },
  };
}

/** Throws where one of them had to wait; otherwise how many there were and the longest wait. */
export function unharmed(took_ms: readonly number[], ms_max: number): string {
  const worst_ms = Math.round(Math.max(...took_ms));
  const told = `${took_ms.length} neighbours, the slowest took ${worst_ms} ms`;
  if (took_ms.length === 0 || worst_ms > ms_max) throw new Error(`${told}: at most ${ms_max} are right`);
  return told;
}

/** Mission → how long it took until it was completed, by the clock of the log. */
export function tookOf(events: readonly EventRecord[]): ReadonlyMap<string, number> {
  const accepted_ms = new Map<string, number>();
  const took_ms = new Map<string, number>();
  for (const { type, data, recorded_at } of events) {
    const { mission_id } = data as { mission_id: string };
    if (type === 'MissionAccepted') accepted_ms.set(mission_id, Date.parse(recorded_at));
    if (type === 'MissionCompleted')
      took_ms.set(mission_id, Date.parse(recorded_at) - (accepted_ms.get(mission_id) ?? Number.NaN));
  }
  return took_ms;
}

/** Throws where more than half of them had to wait, or one of them for longer than anybody may. */
export function mostlyUnharmed(took_ms: readonly number[], half_ms_max: number, all_ms_max: number): string {
  const sorted = took_ms.toSorted((a, b) => a - b);
  const half_ms = Math.round(sorted[Math.floor(sorted.length / 2)] ?? Number.NaN);
  const worst_ms = Math.round(sorted.at(-1) ?? Number.NaN);
  const told = `${took_ms.length} neighbours, half of them within ${half_ms} ms, the slowest took ${worst_ms} ms`;
  if (took_ms.length < CROWD_MIN || !(half_ms <= half_ms_max && worst_ms <= all_ms_max))
    throw new Error(
      `${told}: at least ${CROWD_MIN}, half within ${half_ms_max} ms and all within ${Math.round(all_ms_max)} are right`,
    );
  return told;
}
