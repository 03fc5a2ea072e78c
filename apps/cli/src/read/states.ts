/** The states of a mission's streams as plain data, and one hash over them: the same history gives the same hash, anywhere. */
import { createHash } from 'node:crypto';
import type { FoldedStream } from './missions.ts';

export interface ReplayedStream {
  readonly stream: string;
  readonly version: number;
  readonly state: unknown;
}

export const plainStates = (streams: readonly FoldedStream[]): readonly ReplayedStream[] =>
  streams
    .map(({ stream, version, state }) => ({ stream, version, state: plain(state) }))
    .toSorted((a, b) => (a.stream < b.stream ? -1 : 1));

export const stateHash = (streams: readonly ReplayedStream[]): string =>
  `sha256:${createHash('sha256').update(JSON.stringify(streams)).digest('hex')}`;

/** Maps and sets as objects and lists, keys in order: equal states are equal texts. */
function plain(value: unknown): unknown {
  if (value instanceof Map) return plain(Object.fromEntries(value));
  if (value instanceof Set) return [...value].map(plain);
  if (Array.isArray(value)) return value.map(plain);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, member]) => [key, plain(member)]),
  );
}
