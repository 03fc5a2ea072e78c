/** A part of the stack runs for as long as it should: when it ends, however it ended, it is started again. */
import { setTimeout as delay } from 'node:timers/promises';

export interface Running {
  readonly pid: number;
  /** Resolves with how it ended (`exit code 1`, `signal SIGKILL`); never rejects. */
  readonly ended: Promise<string>;
  /** Asks it to end, and sees to it that it does. */
  stop(): Promise<void>;
}

export interface Part {
  readonly name: string;
  start(): Promise<Running>;
}

export interface Kept {
  stop(): Promise<void>;
}

export interface KeepRunning {
  /** Told after every start. */
  readonly onStart: (name: string, pid: number, restarts: number) => void;
  readonly log: (event: string, fields: Readonly<Record<string, unknown>>) => void;
}

const BACKOFF_MS_MIN = 200;
/** A part that ends again and again is looked at by nobody for this long: missions wait for all of it. */
const BACKOFF_MS_MAX = 3_000;
/** What ran this long had started and worked: the next failure starts with the shortest wait again. */
const STABLE_MS = 5_000;

export const backoffMs = (failures: number): number => Math.min(BACKOFF_MS_MAX, BACKOFF_MS_MIN * 2 ** Math.max(0, failures - 1));

/** Starts the part; rejects if the first start fails, keeps trying ever after. */
export async function keepRunning(part: Part, { onStart, log }: KeepRunning): Promise<Kept> {
  const stopping = new AbortController();
  let running: Running = await part.start();
  onStart(part.name, running.pid, 0);

  const watched = (async () => {
    let restarts = 0;
    let failures = 0;
    while (!stopping.signal.aborted) {
      const since = performance.now();
      let reason = await running.ended;
      const ran_ms = Math.round(performance.now() - since);
      if (ran_ms >= STABLE_MS) failures = 0;
      while (!stopping.signal.aborted) {
        failures++;
        const after_ms = backoffMs(failures);
        log('restarting', { part: part.name, reason, ran_ms, after_ms, restarts });
        await delay(after_ms, undefined, { signal: stopping.signal }).catch(() => undefined);
        if (stopping.signal.aborted) return;
        try {
          running = await part.start();
          restarts++;
          onStart(part.name, running.pid, restarts);
          log('restarted', { part: part.name, pid: running.pid, restarts });
          break;
        } catch (error) {
          reason = `did not start: ${(error as Error).message}`;
        }
      }
    }
  })();

  return {
    stop: async () => {
      stopping.abort();
      await running.stop();
      await watched;
      // A start that was under way when we were told to stop has finished by now.
      await running.stop();
    },
  };
}
