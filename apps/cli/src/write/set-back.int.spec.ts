import { randomUUID } from 'node:crypto';
import { startRelay, consume, type BusConnection } from '@baton/bus';
import { EVENT_STREAM } from '@baton/contracts';
import type { EventStore } from '@baton/event-store';
import { eventually, recorded, testServers, type TestServers } from '@baton/testing';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { busHead } from '../read/bus-copy.ts';
import { verifyAll } from '../read/verify.ts';
import { setBack } from './set-back.ts';

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

  /** What the consumer handled after it was set back, and what was said. */
  async function setBackTo(position: number) {
    const said: string[] = [];
    got.length = 0;
    const kept = await release.watermarks.read();
    await setBack(provisioner, { consumer: CONSUMER, position, kept, progress: (text) => void said.push(text) });
    await eventually(() => handled().length === EVENTS - position + 1, WITHIN);
    return { handled: handled(), said };
  }
  const handled = (): number[] => [...new Set(got)].toSorted((one, other) => one - other);
  const from = (position: number): number[] => Array.from({ length: EVENTS - position + 1 }, (_, index) => position + index);

  it('a consumer goes back to what is there still', async () => {
    await trimmedUpTo(10);
    expect(await setBackTo(15)).toEqual({ handled: from(15), said: [] });
    expect((await busHead(provisioner))?.first_sequence).toBe(11);
  });

  it('a consumer goes back to what is not there any more: the stream begins there anew', async () => {
    expect(await setBackTo(5)).toEqual({
      handled: from(5),
      said: ['the bus begins behind position 5: making it anew from there, the relay copies it from the log'],
    });
    expect((await busHead(provisioner))?.first_sequence).toBe(5);
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
        if (after === 4) await trimmedUpTo(8);
        return events;
      },
    };
    const { bus } = await verifyAll(late, provisioner, null);
    expect(bus).toMatchObject({ problem: null, behind: 0, head: { first_sequence: 5 } });
    expect((await busHead(provisioner))?.first_sequence).toBe(9);
  });
});
