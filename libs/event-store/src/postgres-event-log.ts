/** The record, kept in Postgres: everything a service does with the database goes through what this opens. */
import type { ToldEvent } from '@baton/contracts';
import type { ArtifactStore, DeadLetters, EventLog, Leases, Watermarks } from '@baton/ports';
import { postgresArtifacts } from './artifacts.ts';
import { askOf, openPool, type ConnectionLimits } from './connections.ts';
import { postgresDeadLetters } from './dead-letters.ts';
import { postgresDeadlines } from './deadlines.ts';
import { groupCommit } from './group-commit.ts';
import { postgresLeases } from './leases.ts';
import { signalsOn, type Signals } from './listen.ts';
import { loadStream } from './load.ts';
import { NEWS, POSITIONS } from './news.ts';
import { postgresPredecessors, type Predecessors } from './predecessors.ts';
import { readAfter, readEpoch, readHead } from './read-after.ts';
import { postgresWatermarks } from './watermarks.ts';

export interface EventStoreOptions {
  /** Of the service's own role. */
  readonly url: string;
  readonly application_name: string;
  /** Beside the one for appends and the one that listens. */
  readonly read_connections_max?: number;
  /** Those that are not needed for so long are closed, all but one. */
  readonly read_idle_ms?: number;
  readonly connect_timeout_ms?: number;
  readonly statement_timeout_ms?: number;
  /** Told how many appends go together each time: for metrics. */
  readonly onGroup?: (appends: number) => void;
}

export interface EventStore {
  readonly log: EventLog;
  readonly leases: Leases;
  readonly watermarks: Watermarks;
  readonly deadLetters: DeadLetters;
  readonly predecessors: Predecessors;
  readonly artifacts: ArtifactStore;
  /** Told the position of the newest event. */
  readonly onAppended: Signals<number>['listen'];
  /** Told the events themselves, where they are few; null = look. Of the relay's role only. */
  readonly onNews: Signals<readonly ToldEvent[]>['listen'];
  /** Tells this log from every other; a dump of it has the same. */
  epoch(): Promise<string>;
  /** Throws if Postgres does not answer now: for readiness. */
  ping(): Promise<void>;
  /** Answers the appends it has taken, then closes all connections. Closing twice is fine. */
  close(): Promise<void>;
}

/** Postgres has 100 for everybody unless told otherwise: with the one for appends these are three per process, so that some thirty processes have enough. */
const READ_CONNECTIONS_MAX = 2;
const READ_IDLE_MS = 30_000;
const CONNECT_TIMEOUT_MS = 5_000;
const STATEMENT_TIMEOUT_MS = 10_000;

/** Connects when first used, so that a service can start before its database. */
export function openEventStore(options: EventStoreOptions): EventStore {
  const limits: ConnectionLimits = {
    url: options.url,
    application_name: options.application_name,
    connections_max: options.read_connections_max ?? READ_CONNECTIONS_MAX,
    connect_timeout_ms: options.connect_timeout_ms ?? CONNECT_TIMEOUT_MS,
    statement_timeout_ms: options.statement_timeout_ms ?? STATEMENT_TIMEOUT_MS,
  };
  const reads = openPool({ ...limits, idle_ms: options.read_idle_ms ?? READ_IDLE_MS });
  // One connection: commits of one log are serialised anyway, and a group forms while the one before is under way.
  const writes = openPool({ ...limits, connections_max: 1 });
  const ask = askOf(reads);
  const appends = groupCommit(writes, ask, options.onGroup);
  const positions = signalsOn(limits, POSITIONS);
  const news = signalsOn(limits, NEWS);
  let closing: Promise<void> | null = null;
  async function closeAll(): Promise<void> {
    await Promise.all([appends.close(), positions.close(), news.close()]);
    await Promise.all([writes.end(), reads.end()]);
  }
  return {
    log: {
      append: appends.append,
      load: (stream, after_version = 0) => loadStream(ask, stream, after_version),
      readAfter: (after, limit) => readAfter(ask, after, limit),
      head: () => readHead(ask),
      ...postgresDeadlines(ask),
    },
    leases: postgresLeases(ask),
    watermarks: postgresWatermarks(ask),
    deadLetters: postgresDeadLetters(ask),
    predecessors: postgresPredecessors(ask),
    artifacts: postgresArtifacts(ask, appends),
    onAppended: positions.listen,
    onNews: news.listen,
    epoch: () => readEpoch(ask),
    ping: async () => {
      await reads.query('SELECT');
    },
    close: () => (closing ??= closeAll()),
  };
}
