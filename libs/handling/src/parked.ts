/** What is put aside of a consumer: streams whose later messages queue up behind what could not be handled, and what a person discarded. */
import type { DeadLetters } from '@baton/ports';
import type { Timers } from './timers.ts';

/** How old the knowledge may be: another replica may have parked or an operator settled something. */
const KNOWN_FOR_MS = 2_000;

export interface Parked {
  has(consumer: string, stream: string): Promise<boolean>;
  /** Of so old a position the letters may know more; of a newer one nothing was ever discarded. */
  mayBeDiscarded(consumer: string, position: number): Promise<boolean>;
  /** A letter was parked, or kept as a person left it: only the store knows which. */
  changed(consumer: string, stream: string): Promise<void>;
}

interface Known {
  readonly streams: Set<string>;
  readonly discarded_up_to: number;
}

export function parkedStreams(dead_letters: DeadLetters, timers: Timers): Parked {
  const known = new Map<string, { readonly read_at: number; readonly aside: Promise<Known> }>();
  const read = async (consumer: string): Promise<Known> => {
    const { streams, discarded_up_to } = await dead_letters.putAside(consumer);
    return { streams: new Set(streams), discarded_up_to };
  };
  // One small query every few seconds, not one per event.
  const of = (consumer: string): Promise<Known> => {
    const now = timers.now_ms();
    const last = known.get(consumer);
    if (last && now - last.read_at <= KNOWN_FOR_MS) return last.aside;
    const next = { read_at: now, aside: read(consumer) };
    known.set(consumer, next);
    next.aside.catch(() => {
      if (known.get(consumer) === next) known.delete(consumer);
    });
    return next.aside;
  };
  return {
    has: async (consumer, stream) => (await of(consumer)).streams.has(stream),
    mayBeDiscarded: async (consumer, position) => position <= (await of(consumer)).discarded_up_to,
    async changed(consumer, stream) {
      const parked = await dead_letters.isParked(consumer, stream);
      const aside = await known.get(consumer)?.aside;
      if (parked) aside?.streams.add(stream);
      else aside?.streams.delete(stream);
    },
  };
}
