/**
 * The newest known state of each stream, folded from the log. It may be stale (another process appended): what is appended
 * is safe, because an append names the version it was decided on; what leads to no append is decided on a refreshed state.
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
  /** What is known here, loaded where nothing is: may be older than the log. */
  get(stream: string): Promise<Known>;
  /**
   * What is known here; a stream that nothing is known of is taken to be new, without asking. Most are, and an append proves
   * it: one that is not new refuses it by its version.
   */
  guess(stream: string): Known;
  /** What is known, brought up to what the log holds now. */
  refresh(stream: string): Promise<Known>;
  put(stream: string, known: Known): void;
  forget(stream: string): void;
}

export function fold(decider: AnyDecider, from: Known, events: readonly EventRecord[]): Known {
  let { state } = from;
  for (const event of events) state = decider.evolve(state, event);
  const last = events.at(-1);
  if (!last) return from;
  return {
    state,
    version: last.version,
    last_event_id: last.id,
    correlation_id: last.meta.correlation_id,
    traceparent: last.meta.traceparent,
  };
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
    if ((kept.get(stream)?.version ?? 0) > known.version) return;
    kept.delete(stream);
    kept.set(stream, known);
    if (kept.size > STREAMS_MAX) kept.delete(kept.keys().next().value!);
  };
  const load = async (stream: string, from: Known): Promise<Known> => {
    const loaded = fold(deciderFor(stream), from, (await log.load(stream, from.version)).map(parseStored));
    put(stream, loaded);
    return loaded;
  };
  const nothing = (stream: string): Known => ({
    state: deciderFor(stream).initial,
    version: 0,
    last_event_id: '',
    correlation_id: '',
    traceparent: undefined,
  });
  return {
    deciderFor,
    put,
    forget: (stream) => void kept.delete(stream),
    guess: (stream) => kept.get(stream) ?? nothing(stream),
    get: async (stream) => kept.get(stream) ?? load(stream, nothing(stream)),
    refresh: (stream) => load(stream, kept.get(stream) ?? nothing(stream)),
  };
}
