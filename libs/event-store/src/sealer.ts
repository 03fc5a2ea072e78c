/**
 * While one process leads, what the log holds is signed once a minute and written to a file outside the database. The hash that
 * is signed is the sealer's own: computed from the events that it was told or has read, on from its last checkpoint. Where the
 * log says something else, it signs nothing until the log is right again or an operator has recorded a new start.
 */
import { stat } from 'node:fs/promises';
import type { StoredEvent, ToldEvent } from '@baton/contracts';
import type { EventLog } from '@baton/ports';
import { signCheckpoint, type Checkpoint } from './checkpoint.ts';
import {
  addVerifierKey,
  appendNote,
  ifThere,
  readCheckpoints,
  readVerifierKeys,
  tailOf,
  type CheckpointPaths,
} from './checkpoint-file.ts';
import { GENESIS_HASH, hashOf } from './hash-chain.ts';
import type { SigningKey } from './signed-note.ts';

/** What a superuser may rewrite unseen is what came after the last checkpoint: at most this long ago, … */
export const SEAL_INTERVAL_MS = 60_000;
/** … and at most so many events. */
export const SEAL_EVENTS_MAX = 10_000;
const RETRY_MS = 5_000;
/** Small: between two pages the process does its other work. */
const PAGE_EVENTS = 200;
/** Some 250 checkpoints: the last one is among them, however many were cut short. */
const TAIL_BYTES_MAX = 65_536;
const LAST_ROUND_MS_MAX = 2_000;

/** standby: another process seals. failing: Postgres or the file could not be reached; tried again. refusing: see the log line. */
export type SealerStatus = 'standby' | 'sealing' | 'failing' | 'refusing';

export interface SealerOptions {
  readonly log: Pick<EventLog, 'readAfter' | 'head'>;
  readonly epoch: () => Promise<string>;
  readonly paths: CheckpointPaths;
  readonly key: SigningKey;
  readonly logger: {
    info(fields: object, event: string): void;
    warn(fields: object, event: string): void;
    error(fields: object, event: string): void;
  };
  readonly interval_ms?: number;
  readonly events_max?: number;
  readonly now?: () => Date;
  /** `why` where it is failing or refusing. */
  readonly on_status?: (status: SealerStatus, why: string | null) => void;
  /** Everything up to here was sealed at this time, now or before. */
  readonly on_sealed?: (position: number, at: Date) => void;
}

export interface Sealer {
  /** This process is the one that seals, or is not any more. */
  lead(leading: boolean): void;
  /** Events as they were published: hashed now, so that they need not be read again. Any may be left out. */
  follow(events: readonly ToldEvent[]): void;
  status(): SealerStatus;
  /** Seals what is there, if it leads. */
  close(): Promise<void>;
}

/** The log does not go on where the last checkpoint was, or nobody can tell. */
class Refusal extends Error {
  override readonly name = 'Refusal';
}

interface State {
  status: SealerStatus;
  why: string | null;
  leading: boolean;
  closed: boolean;
  /** The newest in the file; null before the first. */
  last: Checkpoint | null;
  /** How far the chain was computed here. Kept while refusing: it is what the log is held against. */
  tip: { readonly position: number; readonly hash: string } | null;
  /** Size of the file when it was read last; null = read it. */
  size: number | null;
}

export function startSealer(options: SealerOptions): Sealer {
  const { interval_ms = SEAL_INTERVAL_MS, events_max = SEAL_EVENTS_MAX } = options;
  const state: State = { status: 'standby', why: null, leading: false, closed: false, last: null, tip: null, size: null };
  let timer: NodeJS.Timeout | undefined;
  let round: Promise<void> | null = null;

  const to = (status: SealerStatus, why: string | null = null): void => {
    if (state.status === status && state.why === why) return;
    state.status = status;
    state.why = why;
    options.on_status?.(status, why);
    if (status === 'refusing') options.logger.error({ why, fix: FIX, file: options.paths.checkpoints }, 'sealer-refuses');
    else if (status === 'failing') options.logger.warn({ why, file: options.paths.checkpoints }, 'sealer-failing');
    else options.logger.info({ position: state.last?.position ?? 0 }, `sealer-${status}`);
  };
  const look = async (): Promise<void> => {
    try {
      await sealRound(options, state);
      to('sealing');
    } catch (error) {
      to(error instanceof Refusal ? 'refusing' : 'failing', (error as Error).message);
    }
  };
  const go = (): Promise<void> => {
    clearTimeout(timer);
    return (round ??= look().finally(() => {
      round = null;
      if (!state.leading) to('standby');
      else if (!state.closed) timer = setTimeout(() => void go(), state.status === 'failing' ? RETRY_MS : interval_ms);
    }));
  };

  return {
    lead: (leading) => {
      if (state.leading === leading || state.closed) return;
      state.leading = leading;
      // Another process may have sealed meanwhile.
      state.size = null;
      clearTimeout(timer);
      if (leading) void go();
      else if (round === null) to('standby');
    },
    follow: (events) => {
      if (!state.leading || state.tip === null) return;
      state.tip = extended(state.tip, events);
      if (state.status === 'sealing' && state.tip.position - (state.last?.position ?? 0) >= events_max) void go();
    },
    status: () => state.status,
    close: async () => {
      state.closed = true;
      clearTimeout(timer);
      const finish = async (): Promise<void> => {
        await round;
        if (state.leading) await look();
      };
      // What is left is sealed at the next start: a database that is gone is not waited for.
      let late: NodeJS.Timeout | undefined;
      await Promise.race([finish(), new Promise((resolve) => (late = setTimeout(resolve, LAST_ROUND_MS_MAX)))]);
      clearTimeout(late);
    },
  };
}

const FIX =
  'nothing is signed until the log agrees again: find out who changed it, or, if an older state was restored on purpose, record it with `baton checkpoints new-start` (deploy/runbooks/sealer-refuses.md)';

/** The chain computed on from `tip`, as far as these events follow it. */
function extended(tip: NonNullable<State['tip']>, events: readonly ToldEvent[]): NonNullable<State['tip']> {
  let { position, hash } = tip;
  for (const event of events) {
    if (event.position !== position + 1) continue;
    hash = hashOf(hash, event);
    position++;
  }
  return { position, hash };
}

async function sealRound(options: SealerOptions, state: State): Promise<void> {
  await readFileAgain(options, state);
  await catchUp(options, state);
  const { tip, last } = state;
  const at = options.now?.() ?? new Date();
  if (tip === null) return;
  if (tip.position > (last?.position ?? 0)) {
    const epoch = last?.epoch ?? (await options.epoch());
    const checkpoint: Checkpoint = { epoch, start: last?.start ?? 1, ...tip, sealed_at: at.toISOString(), begins: null };
    await appendNote(options.paths.checkpoints, signCheckpoint(checkpoint, options.key));
    state.size = await sizeOf(options.paths.checkpoints);
    state.last = checkpoint;
    if (last === null) options.logger.warn({ position: tip.position, key: options.key.verifier.text }, 'sealer-begins');
  }
  options.on_sealed?.(tip.position, at);
}

const sizeOf = async (file: string): Promise<number> => (await stat(file).catch(ifThere))?.size ?? 0;

/** Only where it has changed: another process has sealed, or an operator has recorded a new start. */
async function readFileAgain({ paths, key, epoch }: SealerOptions, state: State): Promise<void> {
  const size = await sizeOf(paths.checkpoints);
  if (size === state.size) return;
  const listed = await readVerifierKeys(paths.keys).catch(ifThere);
  const { checkpoints, faults } = readCheckpoints(wholeNotes(await tailOf(paths.checkpoints, TAIL_BYTES_MAX), size), [
    key.verifier,
    ...(listed ?? []),
  ]);
  const last = checkpoints.reduce<Checkpoint | null>((newest, one) => (isBehind(one, newest) ? newest : one), null);
  if (faults.length > 0) throw new Refusal(`the file holds what was not signed with ${paths.keys}`);
  if (state.last !== null && isBehind(last, state.last))
    throw new Refusal(`the file ends at ${told(last)}, though ${told(state.last)} was written to it: restore it from a copy`);
  if (last !== null && listed?.some(({ text }) => text === key.verifier.text) === false)
    throw new Refusal(
      `our key is another than those in ${paths.keys}: if it was changed on purpose, add the line ${key.verifier.text}`,
    );
  if (last !== null && last.epoch !== (await epoch()))
    throw new Refusal(`the checkpoints are of log ${last.epoch}, this is ${await epoch()}`);
  await addVerifierKey(paths.keys, key.verifier);
  const goes_on = state.tip !== null && last?.start === state.last?.start && (last?.position ?? 0) <= state.tip.position;
  if (!goes_on) state.tip = last ?? { position: 0, hash: GENESIS_HASH };
  state.last = last;
  state.size = size;
}

const isBehind = (one: Checkpoint | null, other: Checkpoint | null): boolean =>
  other !== null && (one === null || one.start < other.start || (one.start === other.start && one.position < other.position));
const told = (checkpoint: Checkpoint | null): string =>
  checkpoint === null ? 'nothing' : `position ${String(checkpoint.position)} of start ${String(checkpoint.start)}`;

/** The end of a file may begin in the middle of a note. */
function wholeNotes(tail: string, size: number): string {
  if (size <= TAIL_BYTES_MAX) return tail;
  const signature = tail.indexOf('\n— ');
  return tail.slice(tail.indexOf('\n\n', signature) + 2);
}

/** Reads what was not told, and holds the log against what is known of it. */
async function catchUp({ log }: SealerOptions, state: State): Promise<void> {
  for (;;) {
    const { tip, last } = state;
    if (tip === null) return;
    const page = await log.readAfter(Math.max(0, tip.position - 1), PAGE_EVENTS);
    const known = tip.position === 0 ? tip : page[0];
    const since = last === null ? '' : `; the last checkpoint, of ${last.sealed_at}, is at ${String(last.position)}`;
    if (known?.position !== tip.position)
      throw new Refusal(
        `position ${String(tip.position)} is not in the log any more, which ends at ${String((await log.head()).position)}${since}`,
      );
    if (known.hash !== tip.hash)
      throw new Refusal(`position ${String(tip.position)} of the log has hash ${known.hash} and had ${tip.hash}${since}`);
    continueChain(state, page);
    if (page.length < PAGE_EVENTS) return;
  }
}

function continueChain(state: State, page: readonly StoredEvent[]): void {
  for (const event of page) {
    if (state.tip === null || event.position <= state.tip.position) continue;
    const next = extended(state.tip, [event]);
    if (next.position === state.tip.position) throw new Refusal(`the log has no event at ${String(next.position + 1)}`);
    if (next.hash !== event.hash)
      throw new Refusal(
        `position ${String(event.position)} has hash ${event.hash}; what it says and what came before make ${next.hash}`,
      );
    state.tip = next;
  }
}
