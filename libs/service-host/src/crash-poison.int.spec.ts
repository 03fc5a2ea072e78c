import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { publishInbound, type BusConnection } from '@baton/bus';
import { DELIVERIES_MAX, INBOUND_STREAM } from '@baton/contracts';
import type { EventStore } from '@baton/event-store';
import { eventually, testServers, type TestServers } from '@baton/testing';
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

let servers: TestServers;
let outside: BusConnection;
let manager: JetStreamManager;
let store: EventStore;
let child: ChildProcess | undefined;
let stopped = false;
beforeAll(async () => {
  servers = await testServers();
  store = await servers.store('intake');
  outside = await servers.bus('provisioner');
  manager = await jetstreamManager(outside.connection, { checkAPI: false });
  await manager.consumers.update(INBOUND_STREAM, 'intake-inbound', { ack_wait: nanos(ACK_WAIT_MS) });
}, SPEC_MS_MAX);
afterAll(async () => {
  stopped = true;
  child?.kill('SIGKILL');
  await servers?.close();
});

/** Starts it again whenever it dies, as an orchestrator would; resolves to how often it died by itself. */
async function keepRunning(): Promise<number> {
  for (let deaths = 0; ; deaths++) {
    child = spawn(
      process.execPath,
      ['--conditions=@baton/source', '--experimental-transform-types', '--disable-warning=ExperimentalWarning', FIXTURE],
      {
        env: { PATH: process.env['PATH'] ?? '', ...servers.environment('intake') },
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
