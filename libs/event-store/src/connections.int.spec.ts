/** Every process of Baton shares Postgres' connections with all others: it holds few, and gives back those that it needed for a moment. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { appendOf, eventually } from '@baton/testing';
import type pg from 'pg';
import { testStores, type TestStores } from '../test/stores.ts';

const BUSY = 40;

describe('the connections of one process', () => {
  let stores: TestStores;
  let watcher: pg.Client;
  const heldBy = async (application_name: string): Promise<number> => {
    const { rows } = await watcher.query<{ held: string }>(
      'SELECT count(*) AS held FROM pg_stat_activity WHERE application_name = $1',
      [application_name],
    );
    return Number(rows[0]?.held);
  };
  beforeAll(async () => {
    stores = await testStores();
    watcher = await stores.connect(null);
  });
  afterAll(() => stores.drop());

  it('are three at most, however much is asked at once, and two when that is over', async () => {
    const { log } = stores.open('intake', { application_name: 'busy', read_idle_ms: 200 });
    let most = 0;
    let busy = true;
    const watching = (async () => {
      while (busy) most = Math.max(most, await heldBy('busy'));
    })();
    await Promise.all(
      Array.from({ length: BUSY }, async (_, nth) => {
        const stream = `mission-${String(nth)}`;
        for (let version = 0; version < 5; version++) {
          await log.append(appendOf(1, { stream, expected_version: version }));
          expect(await log.load(stream)).toHaveLength(version + 1);
        }
      }),
    );
    busy = false;
    await watching;
    expect(most).toBe(3);
    await eventually(async () => (await heldBy('busy')) === 2, { within_ms: 10_000, what: 'idle connections are given back' });
    expect(await log.load('mission-0')).toHaveLength(5);
  });
});
