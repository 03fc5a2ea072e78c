/** What is due is taken over soon, whatever goes wrong in between. */
import { setTimeout as delay } from 'node:timers/promises';

export interface SweepOptions {
  /** Resolves to how many things were due. */
  readonly sweep: () => Promise<number>;
  readonly interval_ms: number;
  readonly onFailure: (error: unknown) => void;
}

export interface Sweeping {
  /** Resolves when the round that is under way has ended. Twice is fine. */
  stop(): Promise<void>;
}

export function startSweeping({ sweep, interval_ms, onFailure }: SweepOptions): Sweeping {
  const stopping = new AbortController();
  const { signal } = stopping;
  const rounds = (async () => {
    while (!signal.aborted) {
      // At once again while there is something: a backlog is worked off at full speed.
      if ((await round()) === 0) await delay(interval_ms, undefined, { signal }).catch(() => undefined);
    }
  })();
  async function round(): Promise<number> {
    try {
      return await sweep();
    } catch (error) {
      onFailure(error);
      return 0;
    }
  }
  return {
    stop: () => {
      stopping.abort();
      return rounds;
    },
  };
}
