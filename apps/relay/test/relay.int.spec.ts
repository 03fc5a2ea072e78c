import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { jetStreamStrategy, watchWatermarks, type BusConnection } from '@baton/bus';
import {
  SEALER_KEY_NAME,
  checkpointPaths,
  newSigningKey,
  readCheckpoints,
  readVerifierKeys,
  verifyLog,
  watchCheckpoints,
  type EventStore,
} from '@baton/event-store';
import { readConfig, startService, type RunningService } from '@baton/service-host';
import { logger } from '@baton/telemetry';
import pg from 'pg';
import { eventually, recorded, testServers, type TestServers } from '@baton/testing';
import type { Delivery } from '@baton/ports';
import { relayConfigSchema } from '../src/config.ts';
import { RelayModule } from '../src/relay.module.ts';

jest.setTimeout(60_000);
const WITHIN = { within_ms: 20_000 };
const log = logger({ service: 'relay', level: 'silent' });

describe('the relay service', () => {
  let servers: TestServers;
  let planner: EventStore;
  let auditor: EventStore;
  let release: EventStore;
  let bus: BusConnection;
  const running: RunningService[] = [];
  beforeAll(async () => {
    servers = await testServers({ topology: false });
    [planner, release, auditor] = await Promise.all([
      servers.store('planner'),
      servers.store('release'),
      servers.store('auditor'),
    ]);
    bus = await servers.bus('release');
  }, 120_000);
  afterEach(async () => {
    for (const service of running.splice(0)) await service.stop();
  });
  afterAll(() => servers?.close());

  async function start(more: Readonly<Record<string, string>> = {}): Promise<RunningService> {
    const config = readConfig(relayConfigSchema, {
      ...servers.environment('relay'),
      BATON_RELAY_LEASE_MS: '1000',
      ...more,
    });
    const service = await startService({ name: 'relay', config, module: RelayModule, logger: log });
    running.push(service);
    return service;
  }

  /** One PlanCancelled on a plan of its own. */
  async function append(): Promise<void> {
    const mission_id = randomUUID();
    const event = await recorded(planner.log, 'planner', `plan-${mission_id}`, {
      type: 'PlanCancelled',
      data: { mission_id, reason: 'spec' },
    });
    committed.set(event.position, event.data);
  }
  const committed = new Map<number, string>();
  const appendMany = (count: number) => Promise.all(Array.from({ length: count }, append));
  const metric = async (service: RunningService, name: string) =>
    Number(new RegExp(`^${name} (\\d+)`, 'm').exec(await (await fetch(`${service.url}/metrics`)).text())?.[1]);

  it('carries what is committed to who waits for it, through the loss of the leader and of the whole bus', async () => {
    const first = await start();
    const got = new Map<number, Delivery>();
    const strategy = jetStreamStrategy({
      bus,
      consumers: ['release-react'],
      logger: log,
      deliver: (delivery) => {
        got.set(delivery.sequence, delivery);
        return Promise.resolve({ ack: true });
      },
    });
    strategy.listen(() => undefined);
    const watch = watchWatermarks({
      connection: bus.connection,
      consumers: ['release-react'],
      watermarks: release.watermarks,
      log: release.log,
      logger: log,
      interval_ms: 50,
    });

    await appendMany(200);
    await eventually(() => got.size === 200, WITHIN);
    expect(await metric(first, 'baton_relay_published_position')).toBe(200);
    expect(await metric(first, 'baton_relay_published_events_total')).toBe(200);
    expect(await metric(first, 'baton_relay_halted')).toBe(0);
    for (const stream of ['BATON_EVENTS', 'BATON_INBOUND'])
      expect(await metric(first, `baton_stream_fill_ratio{stream="${stream}"}`)).toBeGreaterThanOrEqual(0);

    await start();
    await first.stop();
    await appendMany(100);
    await eventually(() => got.size === 300, WITHIN);

    await eventually(async () => (await release.watermarks.read()).get('release-react') === 300, WITHIN);
    await servers.nats.wipe();
    await appendMany(100);
    await eventually(() => got.size === 400, WITHIN);
    expect(committed.size).toBe(400);
    for (const [position, data] of committed) expect(got.get(position)?.body).toBe(data);
    await watch.close();
    await strategy.close();
  });

  it('says whether it seals, and whether the bus syncs what it acknowledges', async () => {
    const service = await start();
    await eventually(async () => {
      const { notes } = (await (await fetch(`${service.url}/readyz`)).json()) as { notes: Readonly<Record<string, string>> };
      expect(notes).toMatchObject({ checkpoints: expect.stringMatching(/^off/), sync: expect.stringContaining('nobody says') });
      return true;
    }, WITHIN);
    expect(await metric(service, 'baton_bus_unsynced')).toBe(0);
    expect(() => readConfig(relayConfigSchema, { BATON_SEALER_KEY: 'x' })).toThrow(/BATON_SEALER_KEY is not a signing key/);
  });

  it('is ready while it waits for its turn', async () => {
    const [leader, standby] = [await start(), await start()];
    for (const service of [leader, standby]) expect((await fetch(`${service.url}/readyz`)).status).toBe(200);
  });

  it('seals what it copies, and what is left when it ends; says so when a superuser has rewritten what was sealed', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'baton-relay-'));
    const { checkpoints, keys } = checkpointPaths(directory);
    const sealing = {
      BATON_CHECKPOINTS_DIR: directory,
      BATON_SEALER_KEY: newSigningKey(SEALER_KEY_NAME),
      BATON_SEAL_EVENTS_MAX: '10',
      BATON_SEAL_INTERVAL_MS: '100',
    };
    const notes = async (service: RunningService) =>
      ((await (await fetch(`${service.url}/readyz`)).json()) as { notes: Readonly<Record<string, string>> }).notes;
    const log = async () => {
      const found = readCheckpoints(await readFile(checkpoints, 'utf8'), await readVerifierKeys(keys));
      const watch = watchCheckpoints(found);
      const { checked, first_bad } = await verifyLog(auditor.log, watch.seen);
      expect(first_bad).toBeUndefined();
      return watch.result({ checked, whole: true });
    };
    const service = await start(sealing);
    await appendMany(25);
    const { position } = await planner.log.head();
    await eventually(async () => (await metric(service, 'baton_sealed_position')) === position, WITHIN);
    expect(await log()).toMatchObject({ problem: null, last_agreeing: { position } });
    expect(await notes(service)).toMatchObject({ checkpoints: 'sealing' });
    await appendMany(3);
    await service.stop();
    expect(await log()).toMatchObject({ problem: null, last_agreeing: { position: position + 3 } });

    const client = new pg.Client({ connectionString: servers.database.superuser_url });
    await client.connect();
    await client.query('ALTER TABLE baton.events DISABLE TRIGGER ALL');
    await client.query('DELETE FROM baton.events WHERE position > $1', [position]);
    await client.query('UPDATE baton.log_head SET position = $1, hash = (SELECT hash FROM baton.events WHERE position = $1)', [
      position,
    ]);
    await client.end();
    const again = await start(sealing);
    await eventually(async () => (await metric(again, 'baton_sealer_refusing')) === 1, WITHIN);
    expect((await notes(again)).checkpoints).toMatch(/^refusing: position .* is not in the log any more/);
    expect((await log()).problem).toContain(`the log ends at ${String(position)}`);
    await rm(directory, { recursive: true, force: true });
  });
});
