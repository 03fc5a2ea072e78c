/** One after the other for the same key, side by side for different keys. */
export interface Mailbox {
  run<T>(key: string, job: () => Promise<T>): Promise<T>;
}

export function mailbox(): Mailbox {
  const tails = new Map<string, Promise<unknown>>();
  return {
    run(key, job) {
      const before = tails.get(key);
      const mine = before ? before.then(job, job) : job();
      tails.set(key, mine);
      const done = (): void => {
        if (tails.get(key) === mine) tails.delete(key);
      };
      mine.then(done, done);
      return mine;
    },
  };
}
