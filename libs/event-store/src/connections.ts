/** Statements are sent to Postgres with timeouts, and sent again when it was the connection that failed. */
import pg from 'pg';

export interface ConnectionLimits {
  readonly url: string;
  /** Shown in pg_stat_activity: the service and the process. */
  readonly application_name: string;
  readonly connections_max: number;
  /** What is not used for so long is closed, but for the last one. Absent = never. */
  readonly idle_ms?: number;
  readonly connect_timeout_ms: number;
  readonly statement_timeout_ms: number;
}

/** Sends one named statement and returns its rows; sends it again if the connection broke, so it must be safe to repeat. */
export type Ask = <Row extends pg.QueryResultRow>(statement: pg.QueryConfig) => Promise<Row[]>;

/** Together about eight seconds: a failover that takes longer is told to the caller, who has its own retries. */
export const ATTEMPTS_MAX = 9;
const RETRY_MS_MIN = 25;
const RETRY_MS_MAX = 2_000;

/** The client gives up after the server should have: then the connection is dead, not the statement slow. */
const QUERY_TIMEOUT_EXTRA_MS = 2_000;

const INT8 = 20;
const parseInt8 = (text: string): number => {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new Error(`${text} is no safe integer: positions end at 2^53`);
  return value;
};
// pg asks for text parsers only, unless a statement says binary; none here does.
const types: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
    oid === INT8 ? parseInt8 : pg.types.getTypeParser(oid, format)) as pg.CustomTypesConfig['getTypeParser'],
};

export const clientConfig = (limits: Omit<ConnectionLimits, 'connections_max' | 'idle_ms'>): pg.ClientConfig => ({
  connectionString: limits.url,
  application_name: limits.application_name,
  connectionTimeoutMillis: limits.connect_timeout_ms,
  statement_timeout: limits.statement_timeout_ms,
  query_timeout: limits.statement_timeout_ms + QUERY_TIMEOUT_EXTRA_MS,
  keepAlive: true,
  types,
});

export function openPool(limits: ConnectionLimits): pg.Pool {
  const { connections_max: max, idle_ms = 0 } = limits;
  const pool = new pg.Pool({ ...clientConfig(limits), max, min: 1, idleTimeoutMillis: idle_ms });
  // An idle connection that breaks leaves the pool by itself; the next statement gets a new one.
  pool.on('error', () => undefined);
  return pool;
}

export const askOf =
  (pool: pg.Pool): Ask =>
  async <Row extends pg.QueryResultRow>(statement: pg.QueryConfig) => {
    for (let attempt = 1; ; attempt++) {
      try {
        return (await pool.query<Row>(statement)).rows;
      } catch (error) {
        if (failureOf(error) === 'refused') throw error;
        if (attempt === ATTEMPTS_MAX) throw new StoreUnreachable(statement.name ?? 'a statement', error);
        await pauseBefore(attempt + 1);
      }
    }
  };

/** Postgres was away, or too busy, for all attempts. What was asked may be asked again: it is never done twice. The ports know it by its name. */
export class StoreUnreachable extends Error {
  override readonly name = 'StoreUnreachable';
  constructor(what: string, cause: unknown) {
    super(
      `Postgres did not answer ${what} in ${String(ATTEMPTS_MAX)} attempts: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    );
  }
}

export const pauseBefore = (attempt: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, Math.min(RETRY_MS_MAX, RETRY_MS_MIN * 2 ** (attempt - 1))));

/** Serialization, deadlock, lock or statement timeout, a full disk, too many connections, a standby: nothing was done; later it may work. */
const TRANSIENT_CODES: ReadonlySet<string> = new Set(['40001', '40P01', '55P03', '57014', '25006', '57P03', '57P04']);
const TRANSIENT_CLASS = '53';
/** Told to stop, or lost on the way: it may have committed just before. */
const BROKEN_CODES: ReadonlySet<string> = new Set(['57P01', '57P02', '57P05']);
const BROKEN_CLASS = '08';

/**
 * refused = Postgres says no and always will; transient = nothing was done, try again;
 * broken = the connection failed and nobody knows whether it was done.
 */
export function failureOf(error: unknown): 'refused' | 'transient' | 'broken' {
  if (!(error instanceof pg.DatabaseError) || error.code === undefined) return 'broken';
  if (BROKEN_CODES.has(error.code) || error.code.startsWith(BROKEN_CLASS)) return 'broken';
  return TRANSIENT_CODES.has(error.code) || error.code.startsWith(TRANSIENT_CLASS) ? 'transient' : 'refused';
}
