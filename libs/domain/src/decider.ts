/**
 * A rule of the business is three plain functions over a stream: `decide` says what happens, `evolve` what is so after it
 * happened, `waitingOn` what it waits for. They are synchronous and total: no clock, no ids, no randomness, no I/O; whatever
 * a decision needs arrives in the command, and is in the event afterwards.
 */

/** The same command on the same state gives the same answer, for ever. No events = it is so already. */
export type Decision<E> = { readonly accepted: readonly E[] } | { readonly refused: string };

export const accept = <E>(...events: readonly E[]): Decision<E> => ({ accepted: events });
/** Already so: a repeated, late or reordered command changes nothing. */
export const already: Decision<never> = { accepted: [] };
export const refuse = (reason: string): Decision<never> => ({ refused: reason });

/** Every state that is not an end has exactly one owner, reason, deadline and next step; an end has none (null). */
export interface Waiting {
  /** `work` = a service does something now; `service` = another stream's event; `person` = an answer; `time` = the clock. */
  readonly on: 'work' | 'service' | 'person' | 'time';
  readonly owner: string;
  readonly reason: string;
  /** What happens by itself when the deadline passes. */
  readonly next: string;
  /** Names this wait; a deadline with another key belongs to another state. */
  readonly key: string;
  readonly after_ms: number;
  /** For `work`: which performer of the service does it, under a lease of `after_ms` that it keeps pushing back. */
  readonly work?: string;
}

/** The stream's deadline passed (or the holder of its lease died, `last_holder`): sent by the runtime, to any decider. */
export interface DeadlinePassed {
  readonly type: 'DeadlinePassed';
  readonly key: string;
  readonly last_holder: string | null;
}

/** The work of the state `key` cannot be done: sent by the runtime after its own tries. */
export interface WorkFailed {
  readonly type: 'WorkFailed';
  readonly key: string;
  readonly failure_class: 'transient' | 'semantic' | 'policy';
  readonly cause: string;
}

export interface Decider<S, C, E> {
  readonly category: string;
  readonly initial: S;
  readonly decide: (command: C, state: S) => Decision<E>;
  readonly evolve: (state: S, event: E) => S;
  readonly waitingOn: (state: S) => Waiting | null;
}

/**
 * How long a service may stay silent about work it holds before somebody else takes it over. It is heard of four times as often:
 * longer than Postgres takes to be back after a crash, shorter than the ten seconds within which a killed executor's missions go on.
 */
export const LEASE_MS = 7_000;

/** Most characters of a reason in an event (see `reason` in the contracts' events). */
const REASON_CHARS_MAX = 4_000;

/** Causes come from outside and are told in longer sentences: one that outgrows its field would make a stream that nobody can read again. */
export const clipped = (text: string, chars_max: number = REASON_CHARS_MAX): string =>
  text.length <= chars_max ? text : `${text.slice(0, chars_max - 1)}…`;

/** A state or event that cannot be: the code and the history do not fit. Never caught, never retried. */
export class BrokenInvariant extends Error {
  override readonly name = 'BrokenInvariant';
}

/** Ends a switch over a union: the compiler proves that it is not reached, a rolled-back release fails loudly. */
export function never(value: never): never {
  throw new BrokenInvariant(`unexpected ${JSON.stringify(value)}: written by a newer release?`);
}
