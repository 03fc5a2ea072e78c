/** What those who ask meet while Postgres is away: they are told to come again, and never anything else; `/readyz` says why. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Ground } from './ground.ts';

const EVERY_MS = 10;
const ANSWER_MS_MAX = 2_000;
/** No answer at all, or one that says to come again. */
const TURNED_AWAY: readonly number[] = [0, 503];

export interface TurnedAway {
  /** Throws where intake gave a mission another answer, or said all the time that it is ready. */
  stop(): Promise<void>;
}

export async function whileAway({ baton, missions, cleanup }: Ground): Promise<TurnedAway> {
  const before = new Map(missions.refusals);
  const { intake } = (await baton.stack()).services;
  const stopping = new AbortController();
  const said = new Set<number>();
  const asking = (async () => {
    while (!stopping.signal.aborted) {
      const answer = await fetch(`${intake}/readyz`, { signal: AbortSignal.timeout(ANSWER_MS_MAX) }).catch(() => null);
      said.add(answer?.status ?? 0);
      await delay(EVERY_MS);
    }
  })();
  cleanup.add(() => {
    stopping.abort();
    return asking;
  });
  return {
    stop: async () => {
      stopping.abort();
      await asking;
      const others = [...missions.refusals].filter(
        ([status, times]) => !TURNED_AWAY.includes(status) && times > (before.get(status) ?? 0),
      );
      if (others.length > 0) throw new Error(`intake answered missions with ${others.map(([status]) => status).join(', ')}`);
      if (!said.has(503)) throw new Error(`/readyz of intake was ${[...said].join(', ')} and never 503 without Postgres`);
    },
  };
}
