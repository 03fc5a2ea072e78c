import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { connectBus, ensureTopology, publishInbound, type BusConnection } from '@baton/bus';
import { DELIVERIES_MAX, INBOUND_STREAM } from '@baton/contracts';
import { migrate, openEventStore, setPasswords, type EventStore } from '@baton/event-store';
import { logger } from '@baton/telemetry';
import {
  databaseUrl,
  eventually,
  TEST_ROLE_PASSWORD,
  testDatabase,
  testNats,
  type TestDatabase,
  type TestNats,
} from '@baton/testing';
import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import { nanos } from '@nats-io/nats-core';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

const FIXTURE = join(import.meta.dirname, '../test/poison.fixture.ts');
/** Each delivery costs a start of a process: the wait for the next one need not be added to that. */
const ACK_WAIT_MS = 500;
const SPEC_MS_MAX = 180_000;
const WITHIN = { within_ms: 150_000 };

let database: TestDatabase;
let nats: TestNats;
let outside: BusConnection;
let manager: JetStreamManager;
let store: EventStore;
let child: ChildProcess | undefined;
let stopped = false;
beforeAll(async () => {
  database = await testDatabase({ migrate: async (url) => void (await migrate(url)) });
  await setPasswords(database.superuser_url, { baton_intake: TEST_ROLE_PASSWORD });
  store = openEventStore({ url: urlOf(), application_name: 'spec' });
  nats = await testNats({ config_text: 'jetstream { max_memory_store: 64MB, max_file_store: 64GB }\n' });
  outside = await connectBus({ servers: nats.url, user: 'provisioner', logger: logger({ service: 'cli', level: 'silent' }) });
  await ensureTopology(outside.connection, { replicas: 1 });
  manager = await jetstreamManager(outside.connection, { checkAPI: false });
  await manager.consumers.update(INBOUND_STREAM, 'intake-inbound', { ack_wait: nanos(ACK_WAIT_MS) });
}, SPEC_MS_MAX);
afterAll(async () => {
  stopped = true;
  child?.kill('SIGKILL');
  await Promise.all([store?.close(), outside?.close()]);
  await nats?.stop();
  await database?.drop();
});

const urlOf = (): string => databaseUrl(database.url, { user: 'baton_intake', password: TEST_ROLE_PASSWORD });

/** Starts it again whenever it dies, as an orchestrator would; resolves to how often it died by itself. */
async function keepRunning(): Promise<number> {
  for (let deaths = 0; ; deaths++) {
    child = spawn(
      process.execPath,
      ['--conditions=@baton/source', '--experimental-transform-types', '--disable-warning=ExperimentalWarning', FIXTURE],
      {
        env: { PATH: process.env['PATH'] ?? '', BATON_PG_URL: urlOf(), BATON_NATS_URL: nats.url, BATON_HTTP_PORT: '0' },
        stdio: 'ignore',
      },
    );
    await once(child, 'close');
    if (stopped) return deaths;
  }
}

it(
  'a request that kills its process each time is dead-lettered by count, and those behind it are handled',
  async () => {
    const deaths = keepRunning();
    await publishInbound(outside.connection, 'SubmitMission', { poison: true }, { id: 'poison' });
    await publishInbound(outside.connection, 'CancelMission', { mission_id: 'm-1' }, { id: 'neighbour' });
    await eventually(async () => {
      const { num_pending, num_ack_pending } = await manager.consumers.info(INBOUND_STREAM, 'intake-inbound');
      return num_pending === 0 && num_ack_pending === 0;
    }, WITHIN);
    // Its neighbour was delivered as often, because it was held by the same process each time; but it is no poison.
    const letters = (await store.deadLetters.list()).map(({ body, status, reason }) => [body, status, reason]);
    expect(letters.filter(([, status]) => status === 'parked')).toEqual([['{"poison":true}', 'parked', 'handler-crashed']]);
    expect(letters.filter(([, status]) => status !== 'parked').every(([, status]) => status === 'replayed')).toBe(true);
    stopped = true;
    child?.kill('SIGTERM');
    // Each delivery that may be handled, and once more alone.
    expect(await deaths).toBe(DELIVERIES_MAX + 1);
  },
  SPEC_MS_MAX,
);
