/** For what only a missing store can make fail: it is waited for, because giving up would throw away what was done. */
import { isDefect } from './defect.ts';
import type { Instruments } from './instruments.ts';
import { pause, type Timers } from './timers.ts';

const TRY_AGAIN_MS = 500;
const TRY_AGAIN_MS_MAX = 5_000;

/** At least once, and until it works or the signal says stop (then undefined). A defect is thrown: no waiting mends it. */
export async function again<T>(
  { instruments, timers }: { readonly instruments: Instruments; readonly timers: Timers },
  signal: AbortSignal,
  job: () => Promise<T>,
): Promise<T | undefined> {
  for (let tries = 1; ; tries++) {
    try {
      return await job();
    } catch (error) {
      if (isDefect(error)) throw error;
      instruments.fault('the log', error);
      await pause(timers, Math.min(TRY_AGAIN_MS * tries, TRY_AGAIN_MS_MAX), signal);
      if (signal.aborted) return undefined;
    }
  }
}
