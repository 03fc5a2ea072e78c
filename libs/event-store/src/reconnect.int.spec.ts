import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { StoredEvent } from '@baton/contracts';
import { appendOf, eventually, storedBy, tcpProxy } from '@baton/testing';
import { testStores, type TestStores } from '../test/stores.ts';
import { verifyLog } from './verify.ts';

const WRITERS = 8;
const KILLS = 8;
const SPEC_MS_MAX = 60_000;

describe('the event store on connections that break', () => {
  let stores: TestStores;
  beforeAll(async () => {
    stores = await testStores();
  }, SPEC_MS_MAX);
  afterAll(() => stores.drop());
  afterEach(() => stores.empty());

  it(
    'loses and doubles nothing when its backends are killed again and again under load',
    async () => {
      const { log } = stores.open('intake', { application_name: 'victim' });
      const superuser = await stores.connect(null);
      let stopped = false;
      const writers = Array.from({ length: WRITERS }, async (_, writer) => {
        const kept: StoredEvent[] = [];
        while (!stopped) {
          kept.push(
            ...storedBy(await log.append(appendOf(1, { stream: `mission-${String(writer)}`, expected_version: kept.length }))),
          );
        }
        expect(await log.load(`mission-${String(writer)}`)).toEqual(kept);
        return kept;
      });
      const all = Promise.all(writers);
      const watcher = stores.open('relay').log;
      let killed = 0;
      while (killed < KILLS) {
        // Each time it has just come back, or not yet noticed, and is in the middle of it.
        const before = (await watcher.head()).position;
        await eventually(async () => (await watcher.head()).position > before, {
          within_ms: SPEC_MS_MAX,
          what: 'an append after the last kill',
        });
        const { rowCount } = await superuser.query(
          "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'victim'",
        );
        killed += rowCount ?? 0;
      }
      stopped = true;
      const kept = (await all).flat().toSorted((one, other) => one.position - other.position);
      expect(await watcher.readAfter(0, kept.length + 1)).toEqual(kept);
      expect(await verifyLog(stores.open('auditor').log)).toMatchObject({ checked: kept.length });
    },
    SPEC_MS_MAX,
  );

  it(
    'says appended when the commit was done and only its answer was lost',
    async () => {
      const url = new URL(stores.roleUrl('baton_intake'));
      const proxy = await tcpProxy({ host: url.hostname, port: Number(url.port) });
      const { log, ping, close } = stores.open('intake', { url: proxy.through(url.href), application_name: 'cut-off' });
      const locker = await stores.connect(null);
      const superuser = await stores.connect(null);
      const watcher = stores.open('relay').log;
      try {
        await ping();
        // While the head is locked the append waits inside Postgres; then the network goes, and then it commits.
        await locker.query('BEGIN; SELECT FROM baton.log_head FOR UPDATE');
        const append = appendOf(2, { stream: `mission-${randomUUID()}` });
        const appending = log.append(append);
        await eventually(
          async () =>
            (
              await superuser.query(
                "SELECT FROM pg_stat_activity WHERE application_name = 'cut-off' AND wait_event_type = 'Lock'",
              )
            ).rowCount === 1,
          { within_ms: 10_000 },
        );
        proxy.pause();
        await locker.query('COMMIT');
        await eventually(async () => (await watcher.head()).position === 2, { within_ms: 10_000 });
        proxy.cut();
        proxy.resume();
        proxy.mend();
        expect(storedBy(await appending)).toEqual(await watcher.readAfter(0, 10));
        expect(await log.append(append)).toEqual({ status: 'duplicate-event' });
      } finally {
        await close();
        await proxy.stop();
      }
    },
    SPEC_MS_MAX,
  );

  it(
    'goes on telling of appends after its listening connection was killed',
    async () => {
      const heard: (number | null)[] = [];
      const relay = stores.open('relay', { application_name: 'listener' });
      const stop = relay.onAppended((position) => heard.push(position));
      const { log } = stores.open('intake');
      const superuser = await stores.connect(null);
      await eventually(() => heard.length === 1, { within_ms: 10_000, what: 'the first connection' });
      await log.append(appendOf(2));
      await eventually(() => heard.includes(2), { within_ms: 10_000, what: 'the first signal' });
      await superuser.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'listener'");
      await eventually(() => heard.filter((position) => position === null).length === 2, {
        within_ms: 10_000,
        what: 'the second connection',
      });
      await log.append(appendOf(1));
      await eventually(() => heard.includes(3), { within_ms: 10_000, what: 'the second signal' });
      stop();
      expect(heard).toEqual([null, 2, null, 3]);
    },
    SPEC_MS_MAX,
  );

  it(
    'throws with its cause when Postgres stays away',
    async () => {
      const { log, close } = stores.open('intake', {
        url: 'postgres://baton_intake:x@127.0.0.1:1/none',
        connect_timeout_ms: 200,
      });
      await expect(log.append(appendOf(1))).rejects.toMatchObject({
        name: 'StoreUnreachable',
        message: expect.stringMatching(/Postgres did not answer/),
        cause: expect.objectContaining({ code: 'ECONNREFUSED' }),
      });
      await close();
      await expect(log.append(appendOf(1))).rejects.toThrow('closed');
    },
    SPEC_MS_MAX,
  );
});
