/** Time as the runtime sees it: the system's own, or a simulation's. Nothing here decides anything; clocks that do are the log's. */
export interface Timers {
  /** Monotonic; only differences mean something. */
  now_ms(): number;
  /** Calls back once; returns how to take it back. */
  after(ms: number, callback: () => void): () => void;
}

export const systemTimers: Timers = {
  now_ms: () => performance.now(),
  after(ms, callback) {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
};

/** Resolves after `ms`, or at once when the signal says stop. */
export function pause(timers: Timers, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const end = (): void => {
      cancel();
      signal.removeEventListener('abort', end);
      resolve();
    };
    const cancel = timers.after(ms, end);
    signal.addEventListener('abort', end);
  });
}

/** Calls back every `ms` until taken back. */
export function every(timers: Timers, ms: number, callback: () => void): () => void {
  let cancel = (): void => {};
  const next = (): void => {
    cancel = timers.after(ms, () => {
      next();
      callback();
    });
  };
  next();
  return () => cancel();
}
