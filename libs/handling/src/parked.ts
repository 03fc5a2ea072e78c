/** Which streams are parked for which consumer: what comes later on them queues up behind what could not be handled. */
import type { DeadLetters } from '@baton/ports';
import type { Timers } from './timers.ts';

/** How old the knowledge may be: another replica may have parked or an operator settled something. */
const KNOWN_FOR_MS = 2_000;

export interface Parked {
  has(consumer: string, stream: string): Promise<boolean>;
  /** A letter was parked, or kept as a person left it: only the store knows which. */
  changed(consumer: string, stream: string): Promise<void>;
}

export function parkedStreams(dead_letters: DeadLetters, timers: Timers): Parked {
  let known: Promise<Set<string>> | null = null;
  let read_at = 0;
  const name = (consumer: string, stream: string): string => `${consumer} ${stream}`;
  const read = async (): Promise<Set<string>> =>
    new Set(
      (await dead_letters.list({ status: 'parked' })).flatMap((letter) =>
        letter.stream === null ? [] : [name(letter.consumer, letter.stream)],
      ),
    );
  return {
    // One small query every few seconds, not one per event.
    async has(consumer, stream) {
      const now = timers.now_ms();
      if (known === null || now - read_at > KNOWN_FOR_MS) {
        read_at = now;
        known = read();
        known.catch(() => (known = null));
      }
      return (await known).has(name(consumer, stream));
    },
    async changed(consumer, stream) {
      const parked = await dead_letters.isParked(consumer, stream);
      const set = await known;
      if (parked) set?.add(name(consumer, stream));
      else set?.delete(name(consumer, stream));
    },
  };
}
