import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { encodeEvent, startRelay, type BusConnection, type Relay } from '@baton/bus';
import { EVENT_STREAM, type StoredEvent } from '@baton/contracts';
import type { EventStore } from '@baton/event-store';
import { readConfig, startService, type RunningService } from '@baton/service-host';
import { logger } from '@baton/telemetry';
import { eventually, metaBy, recorded, testServers, type TestServers } from '@baton/testing';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { headers as natsHeaders } from '@nats-io/nats-core';
import pg from 'pg';
import { ApprovalModule } from '../src/approval.module.ts';
import { approvalConfigSchema } from '../src/config.ts';
import { proposal } from './proposal.ts';

jest.setTimeout(120_000);
const WITHIN = { within_ms: 30_000 };
const silent = logger({ service: 'approval', level: 'silent' });

describe('an event on the bus that is not in the log, published with the key of the relay', () => {
  let servers: TestServers;
  let service: RunningService;
  let release: EventStore;
  let ofRelay: EventStore;
  let relay: Relay;
  let thief: BusConnection;
  let ownBus: BusConnection;
  const told: string[] = [];

  function startOwnRelay(): void {
    const say = (_fields: object, event: string): void => void told.push(event);
    relay = startRelay({
      log: ofRelay.log,
      watermarks: ofRelay.watermarks,
      leases: ofRelay.leases,
      bus: ownBus,
      holder: randomUUID(),
      replicas: 1,
      logger: {
        info: say,
        warn: say,
        error: say,
        fatal: (fields, event) => void told.push(`${event}: ${JSON.stringify(fields)}`),
      },
    });
    ofRelay.onNews(relay.wake);
  }
  async function startApproval(): Promise<void> {
    const config = readConfig(approvalConfigSchema, servers.environment('approval'));
    service = await startService({ name: 'approval', config, module: ApprovalModule, logger: silent });
  }

  beforeAll(async () => {
    servers = await testServers({ secured: true });
    [release, ofRelay] = await Promise.all([servers.store('release'), servers.store('relay')]);
    [thief, ownBus] = await Promise.all([servers.bus('relay'), servers.bus('relay')]);
    startOwnRelay();
    await startApproval();
  }, 180_000);
  afterAll(async () => {
    await service?.stop();
    await relay?.close();
    await servers?.close();
  });

  const proposed = (mission_id: string, risk: 'low' | 'high'): Promise<StoredEvent> =>
    recorded(release.log, 'release', `release-${mission_id}`, { type: 'ReleaseProposed', data: proposal(mission_id, risk) });
  /** As the relay would publish it, but for the id that the bus drops repetitions by: a thief would leave that out. */
  async function forge(event: StoredEvent): Promise<void> {
    const { subject, headers, payload } = encodeEvent(event);
    const all = natsHeaders();
    for (const [name, value] of Object.entries(headers)) if (name.startsWith('ce-')) all.set(name, value);
    expect((await jetstream(thief.connection).publish(subject, payload, { headers: all })).seq).toBe(event.position);
  }
  const lowRiskOf = (mission_id: string, rest: Partial<StoredEvent>): StoredEvent => ({
    position: 0,
    stream: `release-${mission_id}`,
    version: 1,
    id: randomUUID(),
    type: 'ReleaseProposed',
    recorded_at: '2026-11-21T00:00:00.000000Z',
    meta: metaBy('release', mission_id),
    data: JSON.stringify(proposal(mission_id, 'low')),
    hash: '0'.repeat(64),
    ...rest,
  });
  const gateOf = async (mission_id: string): Promise<string[]> =>
    (await service.platform.store.log.load(`gate-${mission_id}.1`)).map(({ type }) => type);
  const letters = () => service.platform.store.deadLetters.list({ status: 'parked' });
  const headOf = async (): Promise<number> => (await ofRelay.log.head()).position;

  /** deploy/runbooks/forged-event.md, step by step, but for the new key; relay and service go on running. */
  async function heal(first_forged: number): Promise<void> {
    for (const { id, reason } of await letters())
      if (reason === 'forged-event') await service.platform.store.deadLetters.settle(id, 'discarded');
    const { watermarks } = service.platform.store;
    await eventually(async () => (await watermarks.read()).get('approval-react') === (await headOf()), WITHIN);
    const superuser = new pg.Client({ connectionString: servers.database.superuser_url });
    await superuser.connect();
    await superuser.query('UPDATE baton.watermarks SET position = least(position, $1::bigint - 1)', [first_forged]);
    await superuser.end();
    const provisioner = await servers.bus('provisioner');
    await (await jetstreamManager(provisioner.connection, { checkAPI: false })).streams.delete(EVENT_STREAM);
    await provisioner.close();
  }

  it('is not answered; the relay halts and says so; after the way back the log is on the bus again and nothing is missing', async () => {
    const [before, forged, meanwhile] = [randomUUID(), randomUUID(), randomUUID()];
    await proposed(before, 'low');
    await eventually(async () => (await gateOf(before)).length > 0, WITHIN);
    expect(await gateOf(before)).toEqual(['GatePassed']);
    await eventually(async () => relay.position() === (await headOf()), WITHIN);

    const position = (await headOf()) + 1;
    await forge(lowRiskOf(forged, { position }));
    await eventually(async () => (await letters()).length > 0, WITHIN);
    expect(await letters()).toMatchObject([
      {
        reason: 'forged-event',
        consumer: 'approval-react',
        position,
        stream: null,
        cause: expect.stringContaining('runbooks/forged-event.md'),
      },
    ]);
    expect(await gateOf(forged)).toEqual([]);

    // The log goes on under the same number, and the relay says no more.
    await proposed(meanwhile, 'high');
    await eventually(() => relay.status() === 'halted', WITHIN);
    expect(told.filter((line) => line.startsWith('relay-broker-ahead') && line.includes('forged-event.md'))).toHaveLength(1);
    expect(await gateOf(meanwhile)).toEqual([]);

    await heal(position);
    await eventually(async () => (await gateOf(meanwhile)).length > 0, WITHIN);
    expect(await gateOf(meanwhile)).toEqual(['GateOpened']);
    expect([await gateOf(before), await gateOf(forged), await letters()]).toEqual([['GatePassed'], [], []]);
    expect(relay.status()).toBe('copying');
  });

  it('is not answered under the id of an event that exists, nor in the place of one that is about to be published', async () => {
    const [known, racing] = [randomUUID(), randomUUID()];
    const { id } = await proposed(known, 'high');
    await eventually(async () => (await gateOf(known)).length > 0, WITHIN);
    await eventually(async () => relay.position() === (await headOf()), WITHIN);
    await relay.close();

    const real = await proposed(racing, 'high');
    await forge({ ...real, data: JSON.stringify(proposal(racing, 'low')) });
    await forge(lowRiskOf(randomUUID(), { position: real.position + 1, id }));
    await eventually(async () => (await letters()).length === 2, WITHIN);
    expect((await letters()).map(({ reason }) => reason)).toEqual(['forged-event', 'forged-event']);
    expect(await gateOf(racing)).toEqual([]);

    // The log ends where the stream does.
    await proposed(randomUUID(), 'low');
    startOwnRelay();
    await eventually(() => relay.status() === 'halted', WITHIN);
    // The id is the one in the log: only the content tells.
    expect(told.findLast((line) => line.startsWith('relay-broker-ahead'))).toContain('with other content');
    await heal(real.position);
    await eventually(async () => (await gateOf(racing)).length > 0, WITHIN);
    expect(await gateOf(racing)).toEqual(['GateOpened']);
    expect(await letters()).toEqual([]);
  });
});
