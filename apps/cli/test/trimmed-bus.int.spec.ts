import { randomUUID } from 'node:crypto';
import { startRelay, consume, type BusConnection } from '@baton/bus';
import { EVENT_STREAM } from '@baton/contracts';
import type { EventStore } from '@baton/event-store';
import { eventually, recorded, testServers, type TestServers } from '@baton/testing';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { busHead } from '../src/read/bus-copy.ts';
import { verifyAll } from '../src/read/verify.ts';
import { setConsumerBack } from '../src/write/set-consumer-back.ts';

jest.setTimeout(60_000);
const WITHIN = { within_ms: 20_000 };
const silent = { info: () => undefined, warn: () => undefined, error: () => undefined, fatal: () => undefined };
const CONSUMER = 'release-react';
const EVENTS = 20;

describe('on a bus that was trimmed', () => {
  let servers: TestServers;
  let provisioner: BusConnection;
  let release: EventStore;
  const got: number[] = [];
  const closing: { close(): Promise<void> }[] = [];
  const trimmedUpTo = (position: number) =>
    provisioner.connection.request(`$JS.API.STREAM.PURGE.${EVENT_STREAM}`, JSON.stringify({ seq: position + 1 }));
  beforeAll(async () => {
    servers = await testServers();
    provisioner = await servers.bus('provisioner');
    const [planner, relay] = await Promise.all([servers.store('planner'), servers.store('relay')]);
    release = await servers.store('release');
    const bus = await servers.bus('relay');
    closing.push(startRelay({ ...relay, bus, holder: 'one', replicas: 1, logger: silent }));
    const handle = ({ sequence }: { sequence: number }) => {
      got.push(sequence);
      return Promise.resolve({ ack: true } as const);
    };
    closing.push(consume({ bus: await servers.bus('release'), consumers: [CONSUMER], handle, logger: silent }));
    for (let position = 1; position <= EVENTS; position++) {
      const mission_id = randomUUID();
      const data = { mission_id, reason: 'spec' };
      await recorded(planner.log, 'planner', `plan-${mission_id}`, { type: 'PlanCancelled', data });
    }
    await eventually(() => got.length === EVENTS, WITHIN);
    await release.watermarks.advance(CONSUMER, EVENTS);
  }, 120_000);
  afterAll(async () => {
    for (const one of closing.toReversed()) await one.close();
    await servers?.close();
  });

  it('a consumer goes back to what is there still', async () => {
    await trimmedUpTo(10);
    got.length = 0;
    const { watermarks } = release;
    expect(await setConsumerBack({ bus: provisioner, watermarks, consumer: CONSUMER, position: 15 })).toBe(15);
    await eventually(() => got.length >= 6, WITHIN);
    expect([...new Set(got)].toSorted((one, other) => one - other)).toEqual([15, 16, 17, 18, 19, 20]);
    expect((await busHead(provisioner))?.first_sequence).toBe(11);
  });

  it('the rest is compared with the log, also where it is trimmed meanwhile', async () => {
    await eventually(async () => (await busHead(provisioner))?.last_sequence === EVENTS, WITHIN);
    const { log } = release;
    const auditor = await servers.store('auditor');
    const late = {
      head: () => log.head(),
      readAfter: async (after: number, limit: number) => {
        const events = await auditor.log.readAfter(after, limit);
        // The log itself is verified from 0 on, the bus from where it begins.
        if (after === 10) await trimmedUpTo(14);
        return events;
      },
    };
    const { bus } = await verifyAll(late, provisioner, null);
    expect(bus).toMatchObject({ problem: null, behind: 0, head: { first_sequence: 11 } });
    expect((await busHead(provisioner))?.first_sequence).toBe(15);
  });
});
