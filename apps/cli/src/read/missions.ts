/** A mission as its events tell it: found by the beginning of its id, folded stream by stream with the deciders. */
import {
  categoryOf,
  describeEvent,
  parseStored,
  UnreadableEvent,
  type Category,
  type EventRecord,
  type StoredEvent,
} from '@baton/contracts';
import { deciderOf, mission as missionDecider, type MissionState, type Waiting } from '@baton/domain';
import type { History } from '@baton/event-store';
import { CliProblem, EXIT } from '../exit-codes.ts';

const CANDIDATES_SHOWN = 5;

/** The one mission whose id begins like this. */
export async function resolveMission(history: Pick<History, 'missionIds'>, prefix: string): Promise<string> {
  const ids = await history.missionIds(prefix.toLowerCase(), CANDIDATES_SHOWN + 1);
  const exact = ids.find((id) => id === prefix.toLowerCase());
  if (exact !== undefined) return exact;
  const [only, ...others] = ids;
  if (only === undefined)
    throw new CliProblem(EXIT.not_found, `there is no mission whose id begins with "${prefix}"`, 'see `baton list`');
  if (others.length === 0) return only;
  throw new CliProblem(
    EXIT.invalid,
    `several missions begin with "${prefix}": ${ids.slice(0, CANDIDATES_SHOWN).join(', ')}${ids.length > CANDIDATES_SHOWN ? ', …' : ''}`,
    'give more of the id',
  );
}

/** One stream of a mission after its last event. */
export interface FoldedStream {
  readonly stream: string;
  readonly category: Category;
  readonly version: number;
  readonly state: { readonly status: string };
  /** Null at its end (or where another stream waits for it). */
  readonly waiting: Waiting | null;
}

/** Folds every stream with the decider that wrote it; streams in the order in which they began. */
export function foldStreams(events: readonly EventRecord[]): readonly FoldedStream[] {
  const folded = new Map<string, { category: Category; version: number; state: unknown }>();
  for (const event of events) {
    const category = describeEvent(event.type)?.category ?? (categoryOf(event.stream) as Category);
    const decider = deciderOf(category);
    const before = folded.get(event.stream)?.state ?? decider.initial;
    folded.set(event.stream, { category, version: event.version, state: decider.evolve(before, event) });
  }
  return [...folded].map(([stream, { category, version, state }]) => ({
    stream,
    category,
    version,
    state: state as { status: string },
    waiting: deciderOf(category).waitingOn(state),
  }));
}

/** Null: a newer release wrote it, or somebody by hand. Its stream is parked with its cause; everything else can still be looked at. */
export function readable(stored: StoredEvent): EventRecord | null {
  try {
    return parseStored(stored);
  } catch (error) {
    if (error instanceof UnreadableEvent) return null;
    throw error;
  }
}

export const parseAll = (events: readonly StoredEvent[]): readonly EventRecord[] =>
  events.map(readable).filter((event) => event !== null);

const TERMINAL: ReadonlySet<MissionState['status']> = new Set(['rejected', 'cancelled', 'completed', 'failed']);

/** How the mission stands, from the events of its own stream. */
export function missionStatus(events: readonly EventRecord[]): {
  readonly status: MissionState['status'];
  readonly ended: boolean;
} {
  let state: MissionState = missionDecider.initial;
  for (const event of events) if (categoryOf(event.stream) === 'mission') state = missionDecider.evolve(state, event as never);
  return { status: state.status, ended: TERMINAL.has(state.status) };
}

export function titleOf(events: readonly EventRecord[]): string {
  const accepted = events.find((event) => event.type === 'MissionAccepted');
  return accepted?.type === 'MissionAccepted' ? accepted.data.contract.title : '(never accepted)';
}
