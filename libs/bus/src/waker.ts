/** Sleeping that can be cut short; a wake-up that comes while nobody sleeps is kept for the next sleep. */

export interface Waker {
  wake(): void;
  sleep(ms_max: number): Promise<void>;
}

export function waker(): Waker {
  let woken = false;
  let rise: (() => void) | null = null;
  return {
    wake: () => {
      woken = true;
      rise?.();
    },
    sleep: async (ms_max) => {
      if (!woken) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, ms_max);
          rise = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
      rise = null;
      woken = false;
    },
  };
}
