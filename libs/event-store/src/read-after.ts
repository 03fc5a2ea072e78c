/** The log from a position on: positions have no gaps and commit in order, so nothing is ever skipped. */
import type { StoredEvent } from '@baton/contracts';
import type { Head } from '@baton/ports';
import type { Ask } from './connections.ts';

const READ_AFTER = `
  SELECT position, stream, version, id, type,
         to_char(recorded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS recorded_at,
         meta, data, encode(hash, 'hex') AS hash
  FROM baton.events WHERE position > $1::bigint ORDER BY position LIMIT $2::integer`;

const HEAD = `SELECT position, encode(hash, 'hex') AS hash FROM baton.log_head`;

export const readAfter = (ask: Ask, after: number, limit: number): Promise<StoredEvent[]> =>
  ask<StoredEvent>({ name: 'read-after', text: READ_AFTER, values: [after, limit] });

export async function readHead(ask: Ask): Promise<Head> {
  const [head] = await ask<{ position: number; hash: string }>({ name: 'head', text: HEAD });
  if (head === undefined) throw new Error('baton.log_head has no row: migrate the database first');
  return head;
}

const EPOCH = `SELECT epoch FROM baton.log_head`;

export async function readEpoch(ask: Ask): Promise<string> {
  const [row] = await ask<{ epoch: string }>({ name: 'epoch', text: EPOCH });
  if (row === undefined) throw new Error('baton.log_head has no row: migrate the database first');
  return row.epoch;
}
