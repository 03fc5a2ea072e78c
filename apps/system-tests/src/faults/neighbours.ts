/** Whether others are well while one is not: missions handed in one after the other, and how long each took to its end. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Ground } from './ground.ts';

const EVERY_MS = 250;
/** Fewer say nothing. */
const MISSIONS_MIN = 4;

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
