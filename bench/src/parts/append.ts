/** Appends through the real client, chained and checked, against plain inserts of rows of the same size into the same cluster. */
import { randomUUID } from 'node:crypto';
import type { EventLog } from '@baton/ports';
import type pg from 'pg';
import { lanes, perSecond, sized, type Figure, type Options, type Part } from './figure.ts';
import { onGround, withPool } from './ground.ts';
import { appends, sampleEvent } from './sample-events.ts';

const WARM_UP = 300;
/** Rows of one plain statement: about what a group holds on a busy stack. */
const UNNEST_ROWS = 25;
const APPENDS = 8_000;
const WIDTHS = [1, 8, 64, 256] as const;
/** More would not fit under Postgres' 100; they wait for a connection, as they would in any application. */
const CONNECTIONS_MAX = 64;

const PLAIN_TABLE = `
  CREATE TABLE plain (
    position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    stream text COLLATE "C" NOT NULL, version integer NOT NULL, id uuid NOT NULL UNIQUE, type text NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(), meta text NOT NULL, data text NOT NULL, hash bytea NOT NULL,
    UNIQUE (stream, version)
  )`;
const PLAIN_INSERT = `
  INSERT INTO plain (stream, version, id, type, meta, data, hash)
  SELECT s, 1, i, t, m, d, sha256('') FROM unnest($1::text[], $2::uuid[], $3::text[], $4::text[], $5::text[]) AS r (s, i, t, m, d)`;

const inserts = (pool: pg.Pool, rows: number) => async (): Promise<void> => {
  const events = Array.from({ length: rows }, sampleEvent);
  await pool.query({
    name: 'plain-insert',
    text: PLAIN_INSERT,
    values: [
      events.map(() => `mission-${randomUUID()}`),
      events.map(({ id }) => id),
      events.map(({ type }) => type),
      events.map(({ meta }) => meta),
      events.map(({ data }) => data),
    ],
  });
};

async function rate(total: number, width: number, one: () => Promise<void>): Promise<number> {
  await lanes(Math.min(total, WARM_UP), width, one);
  return perSecond(total, () => lanes(total, width, one));
}

export const append: Part = {
  name: 'append',
  run: (options) => onGround('append', (ground) => measured(ground.superuser_url, ground.open('intake').log, options)),
};

async function measured(superuser_url: string, log: EventLog, options: Options): Promise<readonly Figure[]> {
  return withPool(superuser_url, CONNECTIONS_MAX, async (pool) => {
    await pool.query(PLAIN_TABLE);
    const figures: Figure[] = [];
    for (const width of WIDTHS) {
      const total = sized(width === 1 ? APPENDS / 4 : APPENDS, options);
      const plain = await rate(total, width, inserts(pool, 1));
      figures.push({
        scenario: `append, ${String(width)} in flight`,
        figure: await rate(total, width, appends(log)),
        unit: 'events/s',
        limit: plain,
        better: 'more',
        limit_is: `plain Postgres: one insert per transaction, ${String(Math.min(width, CONNECTIONS_MAX))} connections`,
      });
    }
    const statements = Math.ceil(sized(APPENDS, options) / UNNEST_ROWS);
    const unnest = (await rate(statements, 1, inserts(pool, UNNEST_ROWS))) * UNNEST_ROWS;
    const widest = figures.at(-1);
    if (widest === undefined) return figures;
    return [
      ...figures,
      {
        ...widest,
        limit: unnest,
        limit_is: `plain Postgres: ${String(UNNEST_ROWS)} rows per insert, 1 connection; nothing chained or checked`,
      },
    ];
  });
}
