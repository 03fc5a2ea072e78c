import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { EVENT_STREAM, type ConsumerName, type StoredEvent } from '@baton/contracts';
import { eventually } from '@baton/testing';
import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import { of, throwError } from 'rxjs';
import { ensureTopology, jetStreamStrategy, publishInbound, type BusConnection, type Delivery, type JetStreamStrategy, type JetStreamStrategyOptions, type Settlement } from '../src/index.ts';
import { messageHeaders } from '../src/header-block.ts';
import { memoryLog, memoryWatermarks, planCancelled, relayOf, securedNats, type MemoryLog, type SecuredNats } from './secured-nats.ts';

const WITHIN = { within_ms: 20_000 };
const ACK: Settlement = { ack: true };
jest.setTimeout(60_000);

describe('consuming', () => {
  let server: SecuredNats;
  let log: MemoryLog;
  let relayBus: BusConnection;
  let closing: (() => Promise<void>)[] = [];
  beforeAll(async () => {
    server = await securedNats();
    relayBus = await server.as('relay');
  });
  afterAll(() => server.stop());
  beforeEach(async () => {
    await server.nats.wipe();
    await eventually(() => relayBus.connected(), WITHIN);
    log = memoryLog();
    const watermarks = memoryWatermarks();
    const relay = relayOf(log, relayBus, { watermarks });
    closing.push(() => relay.close());
    await eventually(() => relay.status() === 'copying', WITHIN);
  });
  afterEach(async () => {
    for (const close of closing.splice(0).toReversed()) await close();
  });

  async function consumeAs(service: 'release' | 'executor' | 'intake' | 'metrics', options: Omit<JetStreamStrategyOptions, 'bus' | 'logger'>): Promise<JetStreamStrategy> {
    const bus = await server.as(service);
    const strategy = jetStreamStrategy({ bus, logger: server.logger, ...options });
    strategy.listen(() => undefined);
    closing.push(async () => {
      await strategy.close();
      await bus.close();
    });
    return strategy;
  }
  const collect = (into: Delivery[]) => (delivery: Delivery): Promise<Settlement> => {
    into.push(delivery);
    return Promise.resolve(ACK);
  };
  async function asManager<T>(ask: (manager: JetStreamManager) => Promise<T>): Promise<T> {
    const bus = await server.as('provisioner');
    try {
      return await ask(await jetstreamManager(bus.connection, { timeout: 2_000 }));
    } finally {
      await bus.close();
    }
  }
  const info = (consumer: ConsumerName) => asManager((manager) => manager.consumers.info(EVENT_STREAM, consumer));

  it('delivers every event once, as it is in the log', async () => {
    const got: Delivery[] = [];
    await consumeAs('release', { consumers: ['release-react'], deliver: collect(got), in_flight_max: 64 });
    log.append(Array.from({ length: 700 }, (_, index) => `m-${index % 50}`));
    await eventually(() => got.length === 700, WITHIN);
    expect(got.map((delivery) => delivery.sequence).toSorted((a, b) => a - b)).toEqual(log.events.map((event) => event.position));
    const [first] = got;
    expect(first).toMatchObject({ kind: 'event', consumer: 'release-react', deliveries: 1, body: log.events[0]?.data });
    expect(first?.kind === 'event' && first.event()).toMatchObject({ type: 'PlanCancelled', position: 1, stream: 'plan-m-0', data: { mission_id: 'm-0' } });
    await eventually(async () => (await info('release-react')).ack_floor.stream_seq === 700, WITHIN);
  });

  it('handles the events of a mission one after the other in the order of the log, and missions side by side', async () => {
    const open = new Map<string, number>();
    const last = new Map<string, number>();
    let most = 0;
    let wrong = 0;
    let handled = 0;
    await consumeAs('release', {
      consumers: ['release-react'],
      deliver: async (delivery) => {
        const mission = delivery.headers['ce-correlationid'] ?? '';
        if (open.has(mission) || (last.get(mission) ?? 0) >= delivery.sequence) wrong++;
        open.set(mission, delivery.sequence);
        last.set(mission, delivery.sequence);
        most = Math.max(most, open.size);
        await new Promise(setImmediate);
        open.delete(mission);
        handled++;
        return ACK;
      },
    });
    log.append(Array.from({ length: 400 }, (_, index) => `m-${index % 8}`));
    await eventually(() => handled === 400, WITHIN);
    expect({ wrong, most }).toEqual({ wrong: 0, most: 8 });
  });

  it('acknowledges after the handler has resolved, and not before', async () => {
    let finish = (): void => undefined;
    const finished = new Promise<void>((resolve) => { finish = resolve; });
    let started = 0;
    await consumeAs('release', { consumers: ['release-react'], deliver: async () => { started++; await finished; return ACK; } });
    log.append(['m-1']);
    await eventually(() => started === 1, WITHIN);
    expect(await info('release-react')).toMatchObject({ num_ack_pending: 1, ack_floor: { stream_seq: 0 } });
    finish();
    await eventually(async () => (await info('release-react')).num_ack_pending === 0, WITHIN);
  });

  it('has a message delivered again when its handler rejects, or asks for it', async () => {
    const got: string[] = [];
    await consumeAs('release', {
      consumers: ['release-react'],
      deliver: (delivery) => {
        got.push(`${delivery.sequence}.${delivery.deliveries}`);
        if (delivery.deliveries === 1 && delivery.sequence === 1) return Promise.reject(new Error('database gone'));
        return Promise.resolve(delivery.deliveries < 3 && delivery.sequence === 2 ? { ack: false, nak_delay_ms: 10 } : ACK);
      },
    });
    log.append(['m-1', 'm-2']);
    await eventually(() => got.length === 5, WITHIN);
    expect(got.toSorted()).toEqual(['1.1', '1.2', '2.1', '2.2', '2.3']);
    expect(server.logger.times('bus-handler-failed')).toBe(1);
  });

  it('awaits what handlers of Nest return, observables too', async () => {
    const got: string[] = [];
    const bus = await server.as('release');
    const strategy = jetStreamStrategy({ bus, logger: server.logger, consumers: ['release-react'], deliver: () => Promise.reject(new Error('nobody asked')) });
    strategy.addHandler('baton.event.plan.plan-cancelled', (delivery: Delivery) => {
      got.push(`${delivery.sequence}.${delivery.deliveries}`);
      return Promise.resolve(delivery.deliveries === 1 ? throwError(() => new Error('broke on the way')) : of(undefined));
    }, true);
    strategy.listen(() => undefined);
    closing.push(() => strategy.close(), () => bus.close());
    log.append(['m-1']);
    await eventually(() => got.length === 2, WITHIN);
    await eventually(async () => (await info('release-react')).num_ack_pending === 0, WITHIN);
    expect(got).toEqual(['1.1', '1.2']);
  });

  it('keeps a message that takes longer than the ack wait from being delivered again', async () => {
    let finish = (): void => undefined;
    const finished = new Promise<void>((resolve) => { finish = resolve; });
    const got: number[] = [];
    await asManager((manager) => manager.consumers.update(EVENT_STREAM, 'release-react', { ack_wait: 1_000_000_000 }));
    await consumeAs('release', {
      consumers: ['release-react'],
      ack_wait_ms: 1_000,
      deliver: async (delivery) => {
        got.push(delivery.sequence);
        if (delivery.sequence === 1) await finished;
        // Three ack waits pass on the server's clock before the first is let go.
        else if (delivery.deliveries === 4) finish();
        else return { ack: false, nak_delay_ms: 1_000 };
        return ACK;
      },
    });
    log.append(['m-1', 'm-2']);
    await eventually(async () => (await info('release-react')).num_ack_pending === 0, WITHIN);
    expect(got.toSorted()).toEqual([1, 2, 2, 2, 2]);
  });

  it('never pulls more long work than there are free slots', async () => {
    let free = 3;
    let tell = (): void => undefined;
    const running: Delivery[] = [];
    let over = 0;
    await consumeAs('executor', {
      consumers: ['executor-start'],
      free_slots: () => free,
      on_slot_free: (listener) => {
        tell = listener;
        return () => undefined;
      },
      deliver: async (delivery) => {
        await new Promise(setImmediate);
        if (free === 0) over++;
        free--;
        running.push(delivery);
        return ACK;
      },
    });
    for (let position = 1; position <= 20; position++) log.events.push({ ...planCancelled(position, `m-${position}`), type: 'TaskReady' } satisfies StoredEvent);
    log.append(['m-0']);
    for (let done = 0; done < 20; done++) {
      await eventually(() => running.length > done, WITHIN);
      const at_server = await info('executor-start');
      expect(at_server.delivered.consumer_seq).toBeLessThanOrEqual(done + 3);
      free++;
      tell();
    }
    expect({ over, started: running.length }).toEqual({ over: 0, started: 20 });
  });

  it('takes requests from outside, whichever way they are written', async () => {
    const got: Delivery[] = [];
    const outside = await server.as('cli');
    await consumeAs('intake', { consumers: ['intake-inbound'], deliver: collect(got) });
    expect(await publishInbound(outside.connection, 'CancelMission', { mission_id: 'm-1' }, { id: 'request 1' })).toMatchObject({ seq: 1, duplicate: false });
    expect(await publishInbound(outside.connection, 'CancelMission', { mission_id: 'm-1' }, { id: 'request 1' })).toMatchObject({ seq: 1, duplicate: true });
    outside.connection.publish('baton.inbound.intake.submit-mission', '{"plain":true}');
    const headers = messageHeaders({ 'Content-Type': 'application/cloudevents+json' });
    outside.connection.publish('baton.inbound.intake.submit-mission', '{"specversion":"1.0","id":"s-1","type":"x","source":"y","data":{"structured":true}}', { headers });
    await eventually(() => got.length === 3, WITHIN);
    expect(got.map((delivery) => delivery.kind === 'inbound' && [delivery.name, delivery.id, delivery.body])).toEqual([
      ['CancelMission', 'request 1', '{"mission_id":"m-1"}'],
      ['SubmitMission', 'BATON_INBOUND-2', '{"plain":true}'],
      ['SubmitMission', 's-1', '{"structured":true}'],
    ]);
  });

  it('gives back what it holds when it closes, and lets what runs finish', async () => {
    let finish = (): void => undefined;
    const finished = new Promise<void>((resolve) => { finish = resolve; });
    let started = 0;
    const strategy = await consumeAs('release', { consumers: ['release-react'], deliver: async () => { started++; await finished; return ACK; } });
    // One mission: one is handled, nine wait behind it.
    log.append(Array.from({ length: 10 }, () => 'm-1'));
    await eventually(() => strategy.held() === 10, WITHIN);
    const closed = strategy.close();
    finish();
    await closed;
    expect({ started, held: strategy.held() }).toEqual({ started: 1, held: 0 });
    const next: Delivery[] = [];
    await consumeAs('release', { consumers: ['release-react'], deliver: collect(next) });
    // At once: not after the ack wait.
    await eventually(() => next.length === 9, { within_ms: 5_000 });
    expect(next.map((delivery) => delivery.sequence)).toEqual([2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });

  it.each(['killed', 'wiped', 'without its consumer'])('goes on when the server was %s', async (fault) => {
    const got = new Set<number>();
    await consumeAs('metrics', { consumers: ['metrics-fold'], deliver: (delivery) => { got.add(delivery.sequence); return Promise.resolve(ACK); } });
    log.append(Array.from({ length: 50 }, (_, index) => `m-${index}`));
    await eventually(() => got.size === 50, WITHIN);
    if (fault === 'killed') {
      await server.nats.kill();
      await server.nats.restart();
    } else if (fault === 'wiped') await server.nats.wipe();
    else {
      await asManager((manager) => manager.consumers.delete(EVENT_STREAM, 'metrics-fold'));
      const bus = await server.as('provisioner');
      await ensureTopology(bus.connection, { replicas: 1, consumer_start: new Map([['metrics-fold', 50]]) });
      await bus.close();
    }
    log.append(Array.from({ length: 50 }, (_, index) => `m-${index}`));
    await eventually(() => got.size === 100, WITHIN);
  });
});
