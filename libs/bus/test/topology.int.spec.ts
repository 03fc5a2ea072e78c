import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { ACK_WAIT_MS, CONSUMERS, EVENT_STREAM, INBOUND_STREAM, STREAMS } from '@baton/contracts';
import { eventually } from '@baton/testing';
import { jetstream, jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import { TopologyMismatch, ensureTopology, handledUpTo, watchWatermarks, type BusConnection } from '../src/index.ts';
import { CONSUMER_NAMES, STREAM_NAMES } from '../src/ensure-topology.ts';
import { memoryLog, memoryWatermarks, recordingLogger, relayOf, securedNats, type SecuredNats } from './secured-nats.ts';

jest.setTimeout(60_000);
const WITHIN = { within_ms: 15_000 };

describe('the topology', () => {
  let server: SecuredNats;
  let bus: BusConnection;
  let manager: JetStreamManager;
  beforeAll(async () => {
    server = await securedNats();
    bus = await server.as('provisioner');
    manager = await jetstreamManager(bus.connection, { checkAPI: false, timeout: 1_000 });
  });
  afterAll(() => server.stop());
  beforeEach(async () => {
    await server.nats.wipe();
    await eventually(() => bus.connected(), WITHIN);
  });
  const ensure = (options: Partial<Parameters<typeof ensureTopology>[1]> = {}) =>
    ensureTopology(bus.connection, { replicas: 1, ...options });

  it('is what the contracts say, and making it again changes nothing', async () => {
    expect(await ensure()).toEqual({ created: [...STREAM_NAMES, ...CONSUMER_NAMES], updated: [] });
    expect(await ensure()).toEqual({ created: [], updated: [] });
    const { config } = await manager.streams.info(EVENT_STREAM);
    expect(config).toMatchObject({
      subjects: STREAMS[EVENT_STREAM].subjects,
      storage: 'file',
      discard: 'new',
      deny_delete: true,
      deny_purge: false,
      max_age: 0,
      allow_direct: true,
      max_msg_size: 524_288,
    });
    expect((await manager.streams.info(INBOUND_STREAM)).config).toMatchObject({ discard: 'new', deny_purge: true });
    const consumer = await manager.consumers.info(EVENT_STREAM, 'release-react');
    expect(consumer.config).toMatchObject({
      ack_policy: 'explicit',
      max_deliver: -1,
      max_ack_pending: CONSUMERS['release-react'].max_ack_pending,
      ack_wait: ACK_WAIT_MS * 1_000_000,
    });
    expect(consumer.config.filter_subjects).toHaveLength(CONSUMERS['release-react'].takes.length);
    expect(consumer.config.inactive_threshold ?? 0).toBe(0);
  });

  it('is put right where it differs', async () => {
    await ensure();
    await manager.streams.update(EVENT_STREAM, { max_bytes: 1_000_000 });
    await manager.consumers.update(EVENT_STREAM, 'release-react', {
      max_ack_pending: 1,
      filter_subjects: ['baton.event.gate.gate-passed'],
    });
    await manager.consumers.update(EVENT_STREAM, 'planner-react', { filter_subjects: ['baton.event.gate.gate-passed'] });
    expect((await ensure()).updated.toSorted()).toEqual([EVENT_STREAM, 'planner-react', 'release-react']);
    expect(await ensure()).toEqual({ created: [], updated: [] });
  });

  it('is refused, not bent, where something cannot be changed any more', async () => {
    await manager.streams.add({ name: EVENT_STREAM, subjects: ['baton.event.>'], storage: 'memory' });
    await expect(ensure()).rejects.toThrow(TopologyMismatch);
    await expect(ensure()).rejects.toThrow(/BATON_EVENTS.*storage = memory.*file.*delete it/);
  });

  it('starts a new stream and its consumers where they have to go on', async () => {
    await ensure({
      event_stream_first_sequence: 101,
      consumer_start: new Map([
        ['release-react', 150],
        ['planner-react', 100],
      ]),
    });
    expect((await manager.streams.info(EVENT_STREAM)).state).toMatchObject({ last_seq: 100, messages: 0 });
    expect((await manager.consumers.info(EVENT_STREAM, 'release-react')).config.opt_start_seq).toBe(151);
    expect(await ensure()).toEqual({ created: [], updated: [] });
    const relay = await server.as('relay');
    for (let position = 101; position <= 160; position++)
      await jetstream(relay.connection).publish('baton.event.plan.plan-cancelled', '{}');
    expect((await manager.consumers.info(EVENT_STREAM, 'release-react')).num_pending).toBe(10);
  });

  it('tells how far a consumer has come, also past what its filter keeps from it', async () => {
    const log = memoryLog();
    const relay = relayOf(log, await server.as('relay'));
    log.append(Array.from({ length: 30 }, () => 'm-1'));
    await eventually(() => relay.position() === 30, WITHIN);
    // Planner takes no PlanCancelled; release takes them, and has not pulled yet.
    expect([...(await handledUpTo(manager, ['planner-react', 'release-react']))]).toEqual([
      ['planner-react', 30],
      ['release-react', 0],
    ]);
    const watermarks = memoryWatermarks();
    const watch = watchWatermarks({
      connection: bus.connection,
      consumers: ['planner-react', 'release-react'],
      watermarks,
      log,
      logger: recordingLogger(),
      interval_ms: 20,
    });
    await eventually(() => watermarks.kept.get('planner-react') === 30, WITHIN);
    await watch.close();
    expect([...watermarks.kept]).toEqual([['planner-react', 30]]);

    // What was handled of a history that the log does not have says nothing about the one that it has.
    const restored = memoryLog();
    restored.append(Array.from({ length: 10 }, () => 'm-1'));
    const of_restored = memoryWatermarks();
    const consumers = ['planner-react'] as const;
    const ahead = { connection: bus.connection, consumers, watermarks: of_restored, log: restored, logger: recordingLogger() };
    await watchWatermarks(ahead).close();
    expect([...of_restored.kept]).toEqual([]);
    await relay.close();
  });

  it('does not keep a watermark past events that left the bus before they were handled, and says which', async () => {
    const log = memoryLog();
    const relay_bus = await server.as('relay');
    const relay = relayOf(log, relay_bus);
    log.append(Array.from({ length: 30 }, () => 'm-1'));
    await eventually(() => relay.position() === 30, WITHIN);
    const { streams } = await jetstreamManager(relay_bus.connection, { checkAPI: false });
    await streams.purge(EVENT_STREAM, { seq: 21 });
    const watermarks = memoryWatermarks();
    await watermarks.advance('planner-react', 10);
    await watermarks.advance('reviewer-react', 20);
    const logger = recordingLogger();
    // The last one is new: it begins with what the bus has.
    const consumers = ['planner-react', 'reviewer-react', 'approval-react'] as const;
    const watch = watchWatermarks({ connection: bus.connection, consumers, watermarks, log, logger, interval_ms: 20 });
    await eventually(() => watermarks.kept.get('approval-react') === 30 && watermarks.kept.get('reviewer-react') === 30, WITHIN);
    await watch.close();
    expect(watermarks.kept.get('planner-react')).toBe(10);
    expect(logger.lines).toEqual([
      {
        level: 'error',
        event: 'bus-events-missed',
        fields: { consumer: 'planner-react', from: 11, to: 20, fix: expect.stringContaining('baton rebuild bus') },
      },
    ]);
    await relay.close();
  });
});
