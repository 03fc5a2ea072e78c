/** A group of appends goes to Postgres as one call, and each comes back with its own outcome. */
import { hash } from 'node:crypto';
import pg from 'pg';
import { EVENT_DATA_BYTES_MAX, type NewEvent, type StoredEvent } from '@baton/contracts';
import type { Append, Appended, RecordedEvent } from '@baton/ports';
import { recordedAt } from './hash-chain.ts';

const EVENT_META_BYTES_MAX = 16_384;
const STREAM_BYTES_MAX = 500;

const APPEND = `
  SELECT statuses, versions, first_position, recorded_at_us, hashes
  FROM baton.append($1::text[], $2::integer[], $3::integer[], $4::text[], $5::bigint[], $6::text[], $7::uuid[], $8::text[], $9::text[], $10::text[], $11::bytea[], $12::bigint[], $13::text[])`;

/** Of each event in `hashes`: a backslash, an x, and 64 hex digits. */
const HASH_CHARS = 66;
const CONFLICT = 1;
const DUPLICATE = 2;
const FORGED = 3;

interface AppendRow {
  readonly statuses: readonly number[];
  /** Of the stream after the call. */
  readonly versions: readonly number[];
  readonly first_position: number;
  readonly recorded_at_us: number;
  readonly hashes: string;
}

export async function appendGroup(
  pool: pg.Pool,
  group: readonly Append[],
  artifacts: readonly Buffer[],
): Promise<readonly Appended[]> {
  const events = group.flatMap((append) => append.events);
  const { rows } = await pool.query<AppendRow>({
    name: 'append',
    text: APPEND,
    values: [
      group.map((append) => append.stream),
      group.map((append) => append.expected_version),
      group.map((append) => append.events.length),
      group.map((append) => append.deadline?.key ?? null),
      group.map((append) => append.deadline?.after_ms ?? null),
      group.map((append) => append.deadline?.holder ?? null),
      events.map((event) => event.id),
      events.map((event) => event.type),
      events.map((event) => event.meta),
      events.map((event) => event.data),
      artifacts,
      group.map((append) => append.answers?.position ?? null),
      group.map((append) => (append.answers ? digestOf(append.answers) : null)),
    ],
  });
  return outcomes(group, rows[0] as AppendRow);
}

/** Over the same fields as in the function: names and numbers hold no line break, so nothing can be moved from one to another. */
const digestOf = ({ id, stream, version, type, data }: RecordedEvent): string =>
  hash('sha256', `${id}\n${stream}\n${String(version)}\n${type}\n${data}`, 'hex');

const UNIQUE_VIOLATION = '23505';

/** Refused because an id is in the log already, although the stream is at the version that was expected. */
export const isDuplicate = (error: unknown): boolean =>
  error instanceof pg.DatabaseError && error.code === UNIQUE_VIOLATION && error.constraint === 'events_id_key';

function outcomes(group: readonly Append[], row: AppendRow): readonly Appended[] {
  const recorded_at = recordedAt(row.recorded_at_us);
  let taken = 0;
  return group.map((append, index): Appended => {
    const version = row.versions[index] as number;
    if (row.statuses[index] === CONFLICT) return { status: 'version-conflict', actual_version: version };
    if (row.statuses[index] === DUPLICATE) return { status: 'duplicate-event' };
    if (row.statuses[index] === FORGED) return { status: 'forged-cause' };
    const events = append.events.map((event, ordinal): StoredEvent => {
      const nth = taken + ordinal;
      return {
        position: row.first_position + nth,
        stream: append.stream,
        version: append.expected_version + ordinal + 1,
        id: event.id,
        type: event.type,
        recorded_at,
        meta: event.meta,
        data: event.data,
        hash: row.hashes.slice(nth * HASH_CHARS + 2, (nth + 1) * HASH_CHARS),
      };
    });
    taken += events.length;
    return { status: 'appended', events };
  });
}

const STREAM = /^[a-z]+-[^\s\0]+$/;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const UNFIT = /[\n\r\0]/;

/** The size of the append in bytes; throws what Postgres would, before others share a group with it. */
export function checkedBytes(append: Append): number {
  const { stream, expected_version, events, deadline } = append;
  if (!STREAM.test(stream) || stream.length > STREAM_BYTES_MAX)
    throw new Error(`stream ${JSON.stringify(stream)} must be <category>-<id>, at most ${String(STREAM_BYTES_MAX)} characters`);
  if (!Number.isSafeInteger(expected_version) || expected_version < 0)
    throw new Error(`expected_version of ${stream} must be 0 or a version, not ${String(expected_version)}`);
  if (events.length === 0) throw new Error(`an append to ${stream} needs at least one event`);
  if (events.length > 1 && new Set(events.map((event) => event.id)).size < events.length)
    throw new Error(`an append to ${stream} names an id twice: derive ids from their ordinal`);
  if (deadline !== null && (!Number.isSafeInteger(deadline.after_ms) || deadline.after_ms < 0)) {
    throw new Error(`deadline.after_ms of ${stream} must be whole milliseconds from now, not ${String(deadline.after_ms)}`);
  }
  return events.reduce((bytes, event) => bytes + checkedEventBytes(stream, event), 0);
}

function checkedEventBytes(stream: string, event: NewEvent): number {
  const where = `${event.type} ${event.id} of ${stream}`;
  if (!UUID.test(event.id)) throw new Error(`id of ${where} must be a uuid in lower case`);
  for (const field of ['type', 'meta', 'data'] as const) {
    // A surrogate alone has no UTF-8: Postgres would keep and hash something else than was given.
    if (UNFIT.test(event[field]) || !event[field].isWellFormed()) {
      throw new Error(`${field} of ${where} must be well-formed text without line breaks or NUL: write JSON on one line`);
    }
  }
  const data_bytes = Buffer.byteLength(event.data);
  const meta_bytes = Buffer.byteLength(event.meta);
  if (data_bytes > EVENT_DATA_BYTES_MAX) {
    throw new Error(
      `data of ${where} has ${String(data_bytes)} bytes, EVENT_DATA_BYTES_MAX is ${String(EVENT_DATA_BYTES_MAX)}: store it as an artifact and put its digest in the event`,
    );
  }
  if (meta_bytes > EVENT_META_BYTES_MAX)
    throw new Error(`meta of ${where} has ${String(meta_bytes)} bytes, EVENT_META_BYTES_MAX is ${String(EVENT_META_BYTES_MAX)}`);
  return data_bytes + meta_bytes;
}
