/** Large results through the store, put and got again, against the same bytes in and out of a plain table. */
import { randomBytes } from 'node:crypto';
import type { ArtifactStore } from '@baton/ports';
import type pg from 'pg';
import { lanes, perSecond, sized, type Figure, type Part } from './figure.ts';
import { onGround, withPool } from './ground.ts';

const BYTES = 1_000_000;
const BYTES_PER_MB = 1_000_000;
const ARTIFACTS = 100;
/** As many as the store reads side by side. */
const IN_FLIGHT = 4;

const PLAIN_TABLE = `CREATE TABLE plain (id integer PRIMARY KEY, bytes bytea NOT NULL);
  ALTER TABLE plain ALTER COLUMN bytes SET STORAGE EXTERNAL`;
const PLAIN_PUT = { name: 'plain-put', text: 'INSERT INTO plain (id, bytes) VALUES ($1, $2)' };
const PLAIN_GET = { name: 'plain-get', text: 'SELECT bytes FROM plain WHERE id = $1' };

interface Rates {
  readonly put: number;
  readonly get: number;
}

export const artifacts: Part = {
  name: 'artifacts',
  run: (options) =>
    onGround('artifacts', async (ground) => {
      const made = Array.from({ length: sized(ARTIFACTS, options) }, () => randomBytes(BYTES));
      const plain = await withPool(ground.superuser_url, IN_FLIGHT, (pool) => plainly(pool, made));
      const stored = await throughStore(ground.open('executor').artifacts, made);
      return (['put', 'get'] as const).map((way): Figure => ({
        scenario: `artifacts of 1 MB, ${way}, ${String(IN_FLIGHT)} in flight`,
        figure: stored[way],
        unit: 'MB/s',
        limit: plain[way],
        better: 'more',
        limit_is: 'plain Postgres: the same bytes as bytea under a number; no digest is made or checked',
      }));
    }),
};

const mbPerSecond = (total: number, one: (nth: number) => Promise<unknown>): Promise<number> =>
  perSecond((total * BYTES) / BYTES_PER_MB, () => lanes(total, IN_FLIGHT, one));

async function plainly(pool: pg.Pool, made: readonly Buffer[]): Promise<Rates> {
  await pool.query(PLAIN_TABLE);
  const put = await mbPerSecond(made.length, (nth) => pool.query({ ...PLAIN_PUT, values: [nth, made[nth]] }));
  const get = await mbPerSecond(made.length, (nth) => pool.query({ ...PLAIN_GET, values: [nth] }));
  return { put, get };
}

async function throughStore(store: ArtifactStore, made: readonly Buffer[]): Promise<Rates> {
  const digests: string[] = [];
  const put = await mbPerSecond(made.length, async (nth) => void (digests[nth] = await store.put(made[nth]!)));
  const get = await mbPerSecond(made.length, (nth) => store.get(digests[nth]!));
  return { put, get };
}
