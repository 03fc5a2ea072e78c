/** What the processes of a bare race agree on: see `latency.ts`. */
import { randomUUID } from 'node:crypto';
import type { NewEvent } from '@baton/contracts';
import type { EventStore } from '@baton/event-store';
import pg from 'pg';

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
/** Of a real mission's events, the mean. */
const META = JSON.stringify({ pad: 'x'.repeat(250) });
const DATA = JSON.stringify({ pad: 'x'.repeat(330) });

export const subjectOfRunner = (nth: number, race: Race): string => `${race === 'message' ? 'plain' : 'kept'}.${String(nth)}`;
export const durableOfRunner = (nth: number): string => `runner-${String(nth)}`;
export const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined, fatal: () => undefined };

/** Resolves when one more row is committed. */
export type Commit = (id: string) => Promise<void>;

/** One connection, whose statements go one after the other. */
export function plainRows(superuser_url: string): { readonly commit: Commit; close(): Promise<void> } {
  const pool = new pg.Pool({ connectionString: superuser_url, max: 1 });
  pool.on('error', () => undefined);
  return { commit: async (id) => void (await pool.query({ ...INSERT, values: [id, META, DATA] })), close: () => pool.end() };
}

export const events =
  ({ log }: Pick<EventStore, 'log'>): Commit =>
  async () => {
    const event: NewEvent = { id: randomUUID(), type: 'MissionAccepted', meta: META, data: DATA };
    const stream = `mission-${randomUUID()}`;
    const { status } = await log.append({ stream, expected_version: 0, events: [event], deadline: null });
    if (status !== 'appended') throw new Error(`an append to a stream of its own came back as ${status}`);
  };
