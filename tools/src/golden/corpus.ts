// The golden corpus: every event type in every version that was ever released, and histories of them with the states they led to.
import { hash } from 'node:crypto';
import { readFile, readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { EVENTS, canonicalJson, parseData, type Category } from '@baton/contracts';
import { deciderOf } from '@baton/domain';

export const CORPUS = resolve(import.meta.dirname, '../../../libs/domain/golden');
export const CATEGORIES = Object.keys(EVENTS) as readonly Category[];

/** As it was written when it was released. Never changed again. */
export interface ReleasedEvent {
  readonly event: string;
  readonly version: number;
  /** JSON Schema of its data at that time. */
  readonly schema: object;
  /** One of it. */
  readonly data: object;
}
export interface RecordedEvent {
  readonly type: string;
  readonly version: number;
  readonly data: object;
}
/** What happened to one stream, and a hash of the state that it led to. */
export interface RecordedHistory {
  readonly history: string;
  readonly events: readonly RecordedEvent[];
  readonly state: string;
}

export interface Corpus {
  readonly events: readonly ReleasedEvent[];
  readonly histories: readonly RecordedHistory[];
}

export const fileOf = (category: Category): string => join(CORPUS, `${category}.jsonl`);

/** One line each, so that what is added is seen, and what is changed as well. */
export async function readCorpus(category: Category): Promise<Corpus> {
  const text = await readFile(fileOf(category), 'utf8').catch(() => '');
  const lines = text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as ReleasedEvent | RecordedHistory);
  return {
    events: lines.filter((line) => 'event' in line),
    histories: lines.filter((line) => 'history' in line),
  };
}

export const corpusFiles = async (): Promise<readonly string[]> => (await readdir(CORPUS)).toSorted();

/** The state that today's code makes of events as they were recorded. */
export function replayed(category: Category, events: readonly RecordedEvent[]): unknown {
  const decider = deciderOf(category);
  let state = decider.initial;
  for (const { type, version, data } of events) state = decider.evolve(state, parseData(type, version, JSON.stringify(data)));
  return state;
}

/** Of its content, whatever the order in which it is kept; a set or map is the list of what it holds. */
export const stateHash = (state: unknown): string => hash('sha256', canonicalJson(plain(state)), 'hex');

const plain = (value: unknown): unknown => {
  if (value instanceof Set || value instanceof Map) return [...(value as Iterable<unknown>)].map(plain);
  if (Array.isArray(value)) return value.map(plain);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, plain(member)]));
};
