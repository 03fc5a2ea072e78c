/** Work with the same key runs one after the other, in the order it came; work with different keys runs side by side. */

export interface Mailboxes {
  /** `work` must not reject. */
  post(key: string, work: () => Promise<void>): void;
}

export function mailboxes(): Mailboxes {
  /** Key → what waits behind the work that is running. */
  const waiting = new Map<string, (() => Promise<void>)[]>();

  async function run(key: string, first: () => Promise<void>, queue: (() => Promise<void>)[]): Promise<void> {
    for (let work: (() => Promise<void>) | undefined = first; work; work = queue.shift()) await work();
    waiting.delete(key);
  }

  return {
    post: (key, work) => {
      const queue = waiting.get(key);
      if (queue) {
        queue.push(work);
        return;
      }
      const fresh: (() => Promise<void>)[] = [];
      waiting.set(key, fresh);
      void run(key, work, fresh);
    },
  };
}
