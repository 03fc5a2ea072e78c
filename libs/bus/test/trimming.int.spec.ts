import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { CONSUMERS, EVENT_STREAM, type ConsumerName } from '@baton/contracts';
import { eventually } from '@baton/testing';
import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import { consume, ensureTopology, watchWatermarks, type BusConnection, type Relay } from '../src/index.ts';
import { CONSUMER_NAMES, streamConfig } from '../src/ensure-topology.ts';
import {
  memoryLog,
  memoryWatermarks,
  recordingLogger,
  relayOf,
  securedNats,
  type MemoryLog,
  type RecordingLogger,
  type SecuredNats,
} from './secured-nats.ts';

const WITHIN = { within_ms: 20_000 };
jest.setTimeout(60_000);
const MAX_BYTES = 500_000;
/** About 900 B each: several times what the stream holds. */
const EVENTS = 3_000;
const OF_EVENTS = CONSUMER_NAMES.filter((name) => CONSUMERS[name].stream === EVENT_STREAM);

describe('a small event stream', () => {
  let server: SecuredNats;
  let provisioner: BusConnection;
  let manager: JetStreamManager;
  let log: MemoryLog;
  let watermarks: ReturnType<typeof memoryWatermarks>;
  let logger: RecordingLogger;
  const opened: { close(): Promise<void> }[] = [];
  const open = <T extends { close(): Promise<void> }>(one: T): T => {
    opened.push(one);
    return one;
  };
  beforeAll(async () => {
    server = await securedNats();
    provisioner = await server.as('provisioner');
    manager = await jetstreamManager(provisioner.connection, { checkAPI: false, timeout: 2_000 });
  });
  afterAll(() => server.stop());
  beforeEach(async () => {
    log = memoryLog();
    watermarks = memoryWatermarks();
    logger = recordingLogger();
    await server.nats.wipe();
    await eventually(() => provisioner.connected(), WITHIN);
    await ensureTopology(provisioner.connection, { replicas: 1 });
    await manager.streams.update(EVENT_STREAM, { max_bytes: MAX_BYTES });
  });
  afterEach(async () => {
    for (const one of opened.splice(0).toReversed()) await one.close();
  });

  const state = async () => (await manager.streams.info(EVENT_STREAM)).state;
  const relaying = async (): Promise<Relay> => open(relayOf(log, await server.as('relay'), { watermarks, logger }));
  const keeping = (consumers: readonly ConsumerName[]) =>
    open(watchWatermarks({ connection: provisioner.connection, consumers, watermarks, log, logger, interval_ms: 20 }));
  /** The only one that takes the events of this log, and handles them; returns where it has been. */
  async function handling(): Promise<number[]> {
    const got: number[] = [];
    const handle = ({ sequence }: { sequence: number }) => {
      got.push(sequence);
      return Promise.resolve({ ack: true } as const);
    };
    open(consume({ bus: await server.as('release'), consumers: ['release-react'], handle, logger }));
    return got;
  }
  const append = (count: number): void => log.append(Array.from({ length: count }, (_, index) => `m-${index % 7}`));
  const everyPosition = (): number[] => log.events.map(({ position }) => position);
  /** Whatever is to happen has: the relay looks again and again, and finds it full each time. */
  const stuck = async (relay: Relay): Promise<void> => {
    await eventually(() => relay.status() === 'waiting', WITHIN);
    await eventually(() => logger.times('relay-trimming-held-up') > 0, WITHIN);
    const fields = logger.lines.find(({ event }) => event === 'relay-waiting')?.fields;
    expect(fields).toEqual({ status: 'stream-full' });
  };

  it('carries several times its size while everything is handled, and keeps the newest', async () => {
    const relay = await relaying();
    keeping(OF_EVENTS);
    const got = await handling();
    append(EVENTS);
    await eventually(() => got.length === EVENTS, WITHIN);
    expect(got).toEqual(everyPosition());
    const { first_seq, last_seq, bytes } = await state();
    expect([relay.position(), last_seq]).toEqual([EVENTS, EVENTS]);
    expect(first_seq).toBeGreaterThan(EVENTS / 2);
    expect(bytes).toBeGreaterThan(0.4 * MAX_BYTES);
    expect(logger.times('relay-trimmed')).toBeGreaterThan(2);
  });

  it('keeps everything that one consumer has not handled, is full then, and goes on when that one does', async () => {
    const relay = await relaying();
    keeping(OF_EVENTS);
    append(EVENTS);
    await stuck(relay);
    const { first_seq, last_seq } = await state();
    expect(first_seq).toBe(1);
    expect(last_seq).toBeLessThan(EVENTS);
    const [held] = logger.lines.filter(({ event }) => event === 'relay-trimming-held-up');
    expect(held?.fields).toEqual({ consumer: 'release-react', handled: 0 });
    const got = await handling();
    await eventually(() => got.length === EVENTS, WITHIN);
    expect(got).toEqual(everyPosition());
  });

  it('keeps what lies behind a watermark, where a consumer that is lost would be made again', async () => {
    for (const name of OF_EVENTS) await watermarks.advance(name, name === 'planner-react' ? 5 : EVENTS);
    const relay = await relaying();
    const got = await handling();
    append(EVENTS);
    await eventually(async () => (await state()).first_seq === 6, WITHIN);
    await stuck(relay);
    expect((await state()).first_seq).toBe(6);
    expect(got.length).toBeLessThan(EVENTS);
  });

  it('keeps what a consumer that was set back has to handle again, whatever its watermark', async () => {
    for (const name of OF_EVENTS) await watermarks.advance(name, EVENTS);
    const relay = await relaying();
    append(EVENTS);
    await stuck(relay);
    expect((await state()).first_seq).toBe(1);
  });

  it('is never trimmed where an earlier release has denied that for good: said at once, before it is full', async () => {
    await manager.streams.delete(EVENT_STREAM);
    await manager.streams.add({ ...streamConfig(EVENT_STREAM, 1), deny_purge: true, max_age: 14 * 24 * 3_600_000_000_000 });
    expect((await ensureTopology(provisioner.connection, { replicas: 1 })).updated).toEqual([EVENT_STREAM]);
    expect((await manager.streams.info(EVENT_STREAM)).config).toMatchObject({ deny_purge: true, max_age: 0 });
    expect((await ensureTopology(provisioner.connection, { replicas: 1 })).updated).toEqual([]);
    const relay = await relaying();
    append(10);
    await eventually(() => relay.position() === 10, WITHIN);
    expect(logger.lines.find(({ event }) => event === 'relay-cannot-trim')?.fields).toMatchObject({
      fix: expect.stringContaining('baton rebuild bus'),
    });
  });
});
