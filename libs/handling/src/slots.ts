/**
 * A free slot is promised once. A message of long work that was asked for while there was room may arrive when a sweep has taken
 * that room: decided now, its work would wait under a lease that nobody keeps, and count as lost.
 */
export interface Slots {
  /** Null: there is no slot; the message is for another process, or for later. */
  take<T>(job: () => Promise<T>): Promise<T | null>;
  /** `claim` is told how much it may take over, and keeps it until what it took over has begun. */
  sweep(claim: (limit: number) => Promise<number>): Promise<number>;
}

export function slots(freeSlots: () => number): Slots {
  let booked = 0;
  let sweeping: Promise<unknown> = Promise.resolve();
  const free = (): number => Math.max(0, freeSlots() - booked);
  const book = async <T>(count: number, job: () => Promise<T>): Promise<T> => {
    booked += count;
    try {
      return await job();
    } finally {
      booked -= count;
    }
  };
  return {
    async take(job) {
      // A sweep books all there is for as long as it looks, and hardly ever finds as much.
      await sweeping.catch(() => undefined);
      return free() === 0 ? null : book(1, job);
    },
    sweep(claim) {
      const limit = free();
      const swept = book(limit, () => claim(limit));
      sweeping = swept;
      return swept;
    },
  };
}
