/**
 * The newest known state of each stream, folded from the log. It may be stale (another process appended): that is safe,
 * because an append names the version it was decided on.
 */
import { parseStored, type Category, type EventRecord } from '@baton/contracts';
import { BrokenInvariant, deciderOf, type AnyDecider } from '@baton/domain';
import type { EventLog } from '@baton/ports';

export interface Known {
  readonly state: unknown;
  readonly version: number;
  /** Of the stream's last event; empty strings for a stream that does not exist yet. */
  readonly last_event_id: string;
  readonly correlation_id: string;
  readonly traceparent: string | undefined;
}

/** States kept in memory; each is a few kilobytes at most. */
const STREAMS_MAX = 5_000;

export interface Streams {
  readonly deciderFor: (stream: string) => AnyDecider;
  get(stream: string): Promise<Known>;
  put(stream: string, known: Known): void;
  forget(stream: string): void;
}

export function fold(decider: AnyDecider, from: Known, events: readonly EventRecord[]): Known {
  let { state } = from;
  for (const event of events) state = decider.evolve(state, event);
  const last = events.at(-1);
  if (!last) return from;
  return { state, version: last.version, last_event_id: last.id, correlation_id: last.meta.correlation_id, traceparent: last.meta.traceparent };
}

export function knownStreams(log: EventLog, categories: readonly Category[]): Streams {
  const deciders = new Map<string, AnyDecider>(categories.map((category) => [category, deciderOf(category)]));
  const kept = new Map<string, Known>();
  const deciderFor = (stream: string): AnyDecider => {
    const decider = deciders.get(stream.slice(0, stream.indexOf('-')));
    if (!decider) throw new BrokenInvariant(`stream ${stream} is not this service's; it owns ${categories.join(', ')}`);
    return decider;
  };
  const put = (stream: string, known: Known): void => {
    // Re-inserted last: a Map keeps insertion order, so the first key is the one longest unused.
    kept.delete(stream);
    kept.set(stream, known);
    if (kept.size > STREAMS_MAX) kept.delete(kept.keys().next().value!);
  };
  return {
    deciderFor,
    put,
    forget: (stream) => void kept.delete(stream),
    async get(stream) {
      const known = kept.get(stream);
      if (known) return known;
      const decider = deciderFor(stream);
      const nothing: Known = { state: decider.initial, version: 0, last_event_id: '', correlation_id: '', traceparent: undefined };
      const loaded = fold(decider, nothing, (await log.load(stream)).map(parseStored));
      put(stream, loaded);
      return loaded;
    },
  };
}
