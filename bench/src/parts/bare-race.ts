/** What the processes of a bare race agree on: see `latency.ts`. */
import pg from 'pg';
import { sampleEvent } from './sample-events.ts';

/** Each adds one thing to the one before: nothing is kept of a message, JetStream keeps it, the row is an event of the log. */
export type Race = 'message' | 'kept-message' | 'appended';
export const BARE_STREAM = 'RACE';
/** Services that a mission goes through. */
export const RUNNERS = 6;
/** How often the next step of a mission is taken after a commit. */
export const HOPS = 10;
/** No index, and nothing is looked up. */
export const TABLE = `CREATE TABLE bare (id text NOT NULL, meta text NOT NULL, data text NOT NULL)`;
const INSERT = { name: 'bare-insert', text: 'INSERT INTO bare (id, meta, data) VALUES ($1, $2, $3)' } as const;

export const subjectOfRunner = (nth: number | '*', race: Race): string =>
  `${race === 'message' ? 'plain' : 'kept'}.${String(nth)}`;
export const durableOfRunner = (nth: number): string => `runner-${String(nth)}`;

/** One connection, whose statements go one after the other: each commits a row. */
export function plainRows(superuser_url: string): { commit(): Promise<void>; close(): Promise<void> } {
  const pool = new pg.Pool({ connectionString: superuser_url, max: 1 });
  pool.on('error', () => undefined);
  return {
    commit: async () => {
      const { id, meta, data } = sampleEvent();
      await pool.query({ ...INSERT, values: [id, meta, data] });
    },
    close: () => pool.end(),
  };
}
