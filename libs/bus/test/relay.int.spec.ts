import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { EVENT_STREAM } from '@baton/contracts';
import { eventually } from '@baton/testing';
import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import type { BusConnection, Relay, RelayOptions } from '../src/index.ts';
import { CONSUMER_NAMES } from '../src/ensure-topology.ts';
import { pipelinedPublish } from '../src/pipelined-publish.ts';
import {
  memoryLeases,
  memoryLog,
  memoryWatermarks,
  planCancelled,
  recordingLogger,
  relayOf,
  securedNats,
  type MemoryLog,
  type SecuredNats,
} from './secured-nats.ts';

const WITHIN = { within_ms: 15_000 };
jest.setTimeout(30_000);
const missions = (count: number): string[] => Array.from({ length: count }, (_, index) => `m-${index % 7}`);

describe('the relay', () => {
  let server: SecuredNats;
  let log: MemoryLog;
  let bus: BusConnection;
  let manager: JetStreamManager;
  const relays: Relay[] = [];
  beforeAll(async () => {
    server = await securedNats();
    bus = await server.as('relay');
    manager = await jetstreamManager(bus.connection, { checkAPI: false, timeout: 500 });
  }, 60_000);
  afterAll(() => server.stop());
  beforeEach(async () => {
    log = memoryLog();
    await server.nats.wipe();
    await eventually(() => bus.connected(), WITHIN);
  });
  afterEach(async () => {
    await Promise.all(relays.splice(0).map((relay) => relay.close()));
  });

  const start = (options: Partial<RelayOptions> = {}): Relay => {
    const relay = relayOf(log, bus, options);
    relays.push(relay);
    return relay;
  };
  const state = async () => (await manager.streams.info(EVENT_STREAM)).state;

  /** Every position of the stream holds the event with that position in the log. */
  async function expectCopied(from = 1): Promise<void> {
    await eventually(async () => (await state()).last_seq === log.events.length, WITHIN);
    expect(await state()).toMatchObject({ first_seq: from, messages: log.events.length - from + 1 });
    for (const position of new Set([from, Math.ceil((from + log.events.length) / 2), log.events.length])) {
      const message = await manager.direct.getMessage(EVENT_STREAM, { seq: position });
      expect(message?.header.get('ce-id')).toBe(log.events[position - 1]?.id);
      expect(message?.string()).toBe(log.events[position - 1]?.data);
    }
  }

  it('makes the bus on an empty server, and publishes each event once, under its position', async () => {
    log.append(missions(1_234));
    start();
    await expectCopied();
    log.append(missions(3));
    await expectCopied();
  });

  it('publishes each event once when two of them believe they lead', async () => {
    start({ leases: memoryLeases(), holder: 'one', batch_max: 50 });
    start({ leases: memoryLeases(), holder: 'two', batch_max: 50 });
    for (let round = 0; round < 20; round++) {
      log.append(missions(100));
      await eventually(async () => (await state().catch(() => null))?.last_seq === log.events.length, WITHIN);
    }
    await expectCopied();
  });

  it('cannot publish an event anywhere but at its position, whatever else it believes', async () => {
    start();
    log.append(missions(5));
    await expectCopied();
    const publisher = pipelinedPublish(bus, 5_000);
    // Ids that the server has never seen: its memory of duplicates is no help here.
    for (const answers of ['last', 'each'] as const) {
      expect(await publisher.publish([planCancelled(3, 'late')], answers)).toEqual({ status: 'wrong-sequence' });
      const early = [planCancelled(7, 'early'), planCancelled(8, 'early')];
      expect(await publisher.publish(early, answers)).toEqual({ status: 'wrong-sequence' });
    }
    publisher.close();
    expect((await state()).last_seq).toBe(5);
  });

  it('publishes what it is told without reading it, and reads what it was not told', async () => {
    const read: number[] = [];
    const readAfter: MemoryLog['readAfter'] = (after, limit) => {
      read.push(after);
      return log.readAfter(after, limit);
    };
    const logger = recordingLogger();
    const relay = start({ log: { ...log, readAfter }, poll_ms: 60_000, logger });
    await eventually(() => relay.status() === 'copying' && read.length > 0, WITHIN);
    read.length = 0;
    const told = (count: number, tell: (last: number) => number): void => {
      for (let position = log.events.length + 1, last = log.events.length + count; position <= last; position++)
        log.events.push(planCancelled(position, 'm-1'));
      relay.wake(log.events.slice(tell(log.events.length)));
    };
    told(3, (last) => last - 3);
    await expectCopied();
    told(2, (last) => last - 2);
    await expectCopied();
    expect(read).toEqual([]);
    // Of these four only the last is told: what comes before it is in the log.
    told(4, (last) => last - 1);
    await expectCopied();
    expect(read[0]).toBe(5);
    // Nothing was tried that the bus had to refuse.
    expect(logger.times('relay-looks-again')).toBe(0);
    read.length = 0;
    relay.wake(log.events.slice(0, 3));
    told(1, (last) => last);
    await expectCopied();
  });

  it('has one leader at a time, and hands over when that one ends', async () => {
    const leases = memoryLeases();
    const one = start({ leases, holder: 'one' });
    await eventually(() => one.status() === 'copying', WITHIN);
    const two = start({ leases, holder: 'two' });
    log.append(missions(10));
    await expectCopied();
    expect(two.status()).toBe('standby');
    await one.close();
    await eventually(() => two.status() === 'copying', WITHIN);
    log.append(missions(10));
    await expectCopied();
  });

  it('goes on at the lowest watermark when the bus has lost everything, also while nothing is appended', async () => {
    const watermarks = memoryWatermarks();
    start({ watermarks });
    log.append(missions(300));
    await expectCopied();
    for (const consumer of CONSUMER_NAMES) await watermarks.advance(consumer, consumer === 'release-react' ? 120 : 250);
    await server.nats.wipe();
    await eventually(async () => (await state().catch(() => null))?.last_seq === 300, WITHIN);
    await expectCopied(121);
    expect((await manager.consumers.info(EVENT_STREAM, 'planner-react')).config.opt_start_seq).toBe(251);
    expect((await manager.consumers.info(EVENT_STREAM, 'release-react')).num_pending).toBe(180);
  });

  it('goes on after the server was killed', async () => {
    start();
    log.append(missions(500));
    await expectCopied();
    await server.nats.kill();
    log.append(missions(500));
    await server.nats.restart();
    await expectCopied();
  });

  it('waits while the stream is full, and goes on when there is room', async () => {
    const relay = start();
    log.append(missions(5));
    await expectCopied();
    const provisioner = await server.as('provisioner');
    const { streams } = await jetstreamManager(provisioner.connection, { checkAPI: false });
    await streams.update(EVENT_STREAM, { max_bytes: 20_000 });
    log.append(missions(200));
    await eventually(() => relay.status() === 'waiting', WITHIN);
    expect((await state()).first_seq).toBe(1);
    await streams.update(EVENT_STREAM, { max_bytes: 10_000_000 });
    await expectCopied();
    await eventually(() => relay.status() === 'copying', WITHIN);
    await provisioner.close();
  });

  it('halts, and says so once, when the bus holds more than the log', async () => {
    start();
    log.append(missions(20));
    await expectCopied();
    await relays.pop()?.close();
    log.events.length = 15;
    const logger = recordingLogger();
    const halted = start({ logger });
    await eventually(() => halted.status() === 'halted', WITHIN);
    log.append(missions(10));
    await eventually(() => logger.times('relay-broker-ahead') === 1, WITHIN);
    expect((await state()).last_seq).toBe(20);
  });

  it('halts when the last message is another event than the log has there', async () => {
    start();
    log.append(missions(5));
    await expectCopied();
    await relays.pop()?.close();
    log.events[4] = planCancelled(5, 'another-history');
    log.append(missions(5));
    const halted = start();
    await eventually(() => halted.status() === 'halted', WITHIN);
    expect((await state()).last_seq).toBe(5);
  });
});
