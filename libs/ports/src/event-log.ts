/**
 * The record: what the log promises to those who append to it and read it. Two things keep it: Postgres
 * (`libs/event-store`) and memory (`libs/simulation`), and both pass the suite in `libs/testing/src/suites/event-log.suite.ts`.
 */
import type { NewEvent, StoredEvent } from '@baton/contracts';

/**
 * What has to happen to a stream if nobody acts before it is due: one row per stream, replaced by each append.
 * A **lease** is a deadline with a `holder` who keeps pushing it back while it works.
 */
export interface NewDeadline {
  /** Names the state that waits, e.g. `attempt-2`; a deadline with another key is another deadline. */
  readonly key: string;
  /** From the moment of the append, by the clock of Postgres. */
  readonly after_ms: number;
  /** The process that works on it, or null where nobody does. */
  readonly holder: string | null;
}

export interface Append {
  readonly stream: string;
  /** Version of the stream that the decision was made on; 0 = the stream does not exist. */
  readonly expected_version: number;
  /** At least one. All or none are appended. */
  readonly events: readonly NewEvent[];
  /** The stream's deadline from now on; null = none. */
  readonly deadline: NewDeadline | null;
  /** The event that came over the bus and is answered by these: only if it is in the log, exactly so. */
  readonly answers?: RecordedEvent | undefined;
}

/** What has to be the same for an event to be the one in the log. */
export type RecordedEvent = Pick<StoredEvent, 'position' | 'id' | 'stream' | 'version' | 'type' | 'data'>;

export type Appended =
  | { readonly status: 'appended'; readonly events: readonly StoredEvent[] }
  /** Somebody else was first: load again and decide again. Nothing was written. */
  | { readonly status: 'version-conflict'; readonly actual_version: number }
  /** One of the ids is in the log already (in any stream): the same cause was recorded before. Nothing was written. */
  | { readonly status: 'duplicate-event' }
  /** The log does not hold what these events answer, or holds something else there: it was forged. Nothing was written. */
  | { readonly status: 'forged-cause' };

export interface DueDeadline {
  readonly stream: string;
  readonly key: string;
  /** Who held it when it became due; null where nobody did. */
  readonly last_holder: string | null;
  readonly due_at: string;
}

export interface Head {
  /** Position of the last event; 0 = empty log. */
  readonly position: number;
  /** Its hash (hex); of an empty log: 64 zeros. */
  readonly hash: string;
}

export interface EventLog {
  /** Joins the group that is forming: many appends go in one transaction; each succeeds or fails alone. */
  append(append: Append): Promise<Appended>;
  /** A stream's events with `version > after_version`, in order. */
  load(stream: string, after_version?: number): Promise<readonly StoredEvent[]>;
  /** Events with `position > after`, in order, at most `limit`. */
  readAfter(after: number, limit: number): Promise<readonly StoredEvent[]>;
  head(): Promise<Head>;

  /**
   * Takes over deadlines of these categories (`task`, `mission`, …) that are due, at most `limit`, and pushes each back
   * by `hold_ms` with `holder` as its holder, so that no one else takes it at the same time and it comes back if the
   * taker dies.
   */
  claimDue(claim: {
    readonly categories: readonly string[];
    readonly holder: string;
    readonly hold_ms: number;
    readonly limit: number;
  }): Promise<readonly DueDeadline[]>;
  /** Pushes a deadline back to now + after_ms; false = it is not this holder's any more (another key, another holder, gone). */
  extend(lease: {
    readonly stream: string;
    readonly key: string;
    readonly holder: string;
    readonly after_ms: number;
  }): Promise<boolean>;
  /** Removes a deadline if it still has this key (whoever holds it). */
  clearDeadline(stream: string, key: string): Promise<void>;
}

/** A lease on a name, for things of which only one may happen at a time anywhere (landing on a branch). */
export interface Leases {
  /** The fence (greater than every one given out before for this name), or null while somebody else holds it. */
  acquire(lease: { readonly name: string; readonly holder: string; readonly ttl_ms: number }): Promise<number | null>;
  renew(lease: {
    readonly name: string;
    readonly holder: string;
    readonly fence: number;
    readonly ttl_ms: number;
  }): Promise<boolean>;
  release(lease: { readonly name: string; readonly holder: string; readonly fence: number }): Promise<void>;
}

/** How far each durable consumer has handled everything: what is kept when the bus loses all it has. */
export interface Watermarks {
  /** Never goes back: a smaller position than the one kept changes nothing. */
  advance(consumer: string, position: number): Promise<void>;
  /** What comes behind this position is given back to the consumer: it has not handled it. A greater position changes nothing. */
  lower(consumer: string, position: number): Promise<void>;
  read(): Promise<ReadonlyMap<string, number>>;
}

/** A message that could not be handled, with all that is needed to understand it and to handle it again. */
export interface DeadLetter {
  /** Derived from consumer and message, so that parking twice keeps one row. */
  readonly id: string;
  readonly consumer: string;
  readonly subject: string;
  /** Position of the event, where the message is one of the log's; null for inbound messages. */
  readonly position: number | null;
  /** The stream of the event, which is parked: its later messages for this consumer queue up behind it. Null = no stream. */
  readonly stream: string | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly reason:
    | 'undecodable'
    | 'invalid'
    | 'unknown-type'
    | 'handler-failed'
    | 'handler-crashed'
    | 'parked-behind'
    /** The log does not hold it: whoever published it was not the relay, or another log's. */
    | 'forged-event';
  readonly cause: string;
  readonly deliveries: number;
}

export interface KeptDeadLetter extends DeadLetter {
  readonly parked_at: string;
  readonly status: 'parked' | 'replayed' | 'discarded';
}

/** What handling has to know before it handles a message of a consumer: it stays small however many letters there are. */
export interface PutAside {
  /** Each once: what comes later on them must queue up behind. */
  readonly streams: readonly string[];
  /** The greatest position of an event that a person has discarded; 0 = none. What lies behind it was never discarded. */
  readonly discarded_up_to: number;
}

export interface DeadLetters {
  /**
   * Once while it is parked, and again when it was replayed and failed again; what was discarded stays discarded. A letter
   * `handler-crashed` without a stream is of a message that is tried alone: parking it again says what came of that.
   */
  park(letter: DeadLetter): Promise<void>;
  putAside(consumer: string): Promise<PutAside>;
  /** Null = there is none, or it is another service's. */
  find(id: string): Promise<KeptDeadLetter | null>;
  /** How many are parked. */
  counts(): Promise<readonly { readonly consumer: string; readonly reason: DeadLetter['reason']; readonly parked: number }[]>;
  /** True while an unsettled letter of this consumer and stream exists: what comes later must queue behind it. */
  isParked(consumer: string, stream: string): Promise<boolean>;
  list(filter?: { readonly consumer?: string; readonly status?: KeptDeadLetter['status'] }): Promise<readonly KeptDeadLetter[]>;
  settle(id: string, status: 'replayed' | 'discarded'): Promise<boolean>;
}
