/** Logs of any size that are as real as a small one: recorded missions again and again under new ids, with positions, versions and hash chain in order. */
import { randomUUID } from 'node:crypto';
import type { StoredEvent } from '@baton/contracts';
import { GENESIS_HASH, hashOf } from '@baton/event-store';
import { eventId } from '@baton/handling';
import type pg from 'pg';

const ID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;

/** A text with places for the ids in it, so that copying it is putting in others. */
interface Mould {
  readonly between: readonly string[];
  readonly ids: readonly string[];
}
interface EventMould {
  readonly event: StoredEvent;
  readonly stream: Mould;
  readonly meta: Mould;
  readonly data: Mould;
}

const mouldOf = (text: string): Mould => ({ between: text.split(ID), ids: text.match(ID) ?? [] });
const cast = ({ between, ids }: Mould, renamed: ReadonlyMap<string, string>): string =>
  between.map((part, nth) => part + (ids[nth] === undefined ? '' : (renamed.get(ids[nth]) ?? ids[nth]))).join('');

/** Where a log ends. */
export interface End {
  readonly position: number;
  readonly hash: string;
}
export const NOWHERE: End = { position: 0, hash: GENESIS_HASH };

/** `total` events (the last mission is whole, so it may be some more) that go on behind `end`. */
export function* copies(recorded: readonly StoredEvent[], total: number, end: End): Generator<StoredEvent> {
  const missions = [...Map.groupBy(recorded, missionOf)].map(([mission_id, events]) => ({
    mission_id,
    moulds: events.map((event): EventMould => ({
      event,
      stream: mouldOf(event.stream),
      meta: mouldOf(event.meta),
      data: mouldOf(event.data),
    })),
  }));
  let { position, hash } = end;
  for (let nth = 0; position < end.position + total; nth++) {
    const { mission_id, moulds } = missions[nth % missions.length]!;
    const copied_id: string = randomUUID();
    const renamed = new Map([[mission_id, copied_id]]);
    for (const { event } of moulds) renamed.set(event.id, eventId(copied_id, event.id, event.stream, 0));
    for (const { event, stream, meta, data } of moulds) {
      const unhashed = {
        position: ++position,
        stream: cast(stream, renamed),
        version: event.version,
        id: renamed.get(event.id)!,
        type: event.type,
        recorded_at: event.recorded_at,
        meta: cast(meta, renamed),
        data: cast(data, renamed),
      };
      hash = hashOf(hash, unhashed);
      yield { ...unhashed, hash };
    }
  }
}

const missionOf = ({ meta }: StoredEvent): string => (JSON.parse(meta) as { correlation_id: string }).correlation_id;

const ROWS_PER_INSERT = 2_000;
const INSERT = `
  INSERT INTO baton.events (position, stream, version, id, type, recorded_at, meta, data, hash)
  SELECT p, s, v, i, t, r, m, d, decode(h, 'hex')
  FROM unnest($1::bigint[], $2::text[], $3::integer[], $4::uuid[], $5::text[], $6::timestamptz[], $7::text[], $8::text[], $9::text[])
    AS e (p, s, v, i, t, r, m, d, h)`;
const HEAD = `SELECT position::integer, encode(hash, 'hex') AS hash FROM baton.log_head`;
const MOVE_HEAD = `
  UPDATE baton.log_head SET position = $1, hash = decode($2, 'hex'), recorded_at = greatest(recorded_at, clock_timestamp())`;

/** Fills the log as its superuser, while nothing else appends to it. */
export async function fill(client: pg.Client, recorded: readonly StoredEvent[], total: number): Promise<End> {
  const { rows } = await client.query<End>(HEAD);
  let end: End = rows[0]!;
  // One statement is under way while the next one's events are made.
  let inserting: Promise<unknown> = Promise.resolve();
  let page: StoredEvent[] = [];
  const flush = async (): Promise<void> => {
    await inserting;
    const events = page;
    page = [];
    inserting = insert(client, events);
  };
  for (const event of copies(recorded, total, end)) {
    page.push(event);
    end = event;
    if (page.length === ROWS_PER_INSERT) await flush();
  }
  await flush();
  await inserting;
  await client.query(MOVE_HEAD, [end.position, end.hash]);
  // What Postgres would otherwise do by itself in the middle of the measurement.
  await client.query('VACUUM ANALYZE baton.events');
  await client.query('CHECKPOINT');
  return { position: end.position, hash: end.hash };
}

const insert = (client: pg.Client, events: readonly StoredEvent[]): Promise<unknown> =>
  client.query({
    name: 'fill',
    text: INSERT,
    values: (['position', 'stream', 'version', 'id', 'type', 'recorded_at', 'meta', 'data', 'hash'] as const).map((column) =>
      events.map((event) => event[column]),
    ),
  });
