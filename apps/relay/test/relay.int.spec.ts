import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { jetStreamStrategy, watchWatermarks, type BusConnection, type Delivery } from '@baton/bus';
import type { EventStore } from '@baton/event-store';
import { readConfig, startService, type RunningService } from '@baton/service-host';
import { logger } from '@baton/telemetry';
import { eventually, recorded, testServers, type TestServers } from '@baton/testing';
import { relayConfigSchema } from '../src/config.ts';
import { RelayModule } from '../src/relay.module.ts';

jest.setTimeout(60_000);
const WITHIN = { within_ms: 20_000 };
const log = logger({ service: 'relay', level: 'silent' });

describe('the relay service', () => {
  let servers: TestServers;
  let planner: EventStore;
  let release: EventStore;
  let bus: BusConnection;
  const running: RunningService[] = [];
  beforeAll(async () => {
    servers = await testServers({ topology: false });
    [planner, release] = await Promise.all([servers.store('planner'), servers.store('release')]);
    bus = await servers.bus('release');
  }, 120_000);
  afterEach(async () => {
    for (const service of running.splice(0)) await service.stop();
  });
  afterAll(() => servers?.close());

  async function start(): Promise<RunningService> {
    const config = readConfig(relayConfigSchema, {
      ...servers.environment('relay'),
      BATON_RELAY_LEASE_MS: '1000',
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
      logger: log,
      interval_ms: 50,
    });

    await appendMany(200);
    await eventually(() => got.size === 200, WITHIN);
    expect(await metric(first, 'baton_relay_published_position')).toBe(200);
    expect(await metric(first, 'baton_relay_published_events_total')).toBe(200);
    expect(await metric(first, 'baton_relay_halted')).toBe(0);

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

  it('is ready while it waits for its turn', async () => {
    const [leader, standby] = [await start(), await start()];
    for (const service of [leader, standby]) expect((await fetch(`${service.url}/readyz`)).status).toBe(200);
  });
});
