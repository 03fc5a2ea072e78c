import { describe, expect, it, jest } from '@jest/globals';
import { EVENT_STREAM, type StoredEvent } from '@baton/contracts';
import { eventually } from '@baton/testing';
import type { Delivery } from '@baton/ports';
import { ensureTopology } from '../src/index.ts';
import { pull } from '../src/pull.ts';
import { ACK, WITHIN, collect, relayedBus } from './relayed-bus.ts';
import { planCancelled, recordingLogger } from './secured-nats.ts';

describe('consuming, when there is no room or no server', () => {
  const bus = relayedBus();

  it('never pulls more long work than there are free slots', async () => {
    let free = 3;
    let tell = (): void => undefined;
    const running: Delivery[] = [];
    let over = 0;
    await bus.consumeAs('executor', {
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
    for (let position = 1; position <= 20; position++)
      bus.log().events.push({ ...planCancelled(position, `m-${position}`), type: 'TaskReady' } satisfies StoredEvent);
    bus.log().append(['m-0']);
    for (let done = 0; done < 20; done++) {
      await eventually(() => running.length > done, WITHIN);
      const at_server = await bus.info('executor-start');
      expect(at_server.delivered.consumer_seq).toBeLessThanOrEqual(done + 3);
      free++;
      tell();
    }
    expect({ over, started: running.length }).toEqual({ over: 0, started: 20 });
  });

  it('gives back what it holds when it closes, and lets what runs finish', async () => {
    let finish = (): void => undefined;
    const finished = new Promise<void>((resolve) => {
      finish = resolve;
    });
    let started = 0;
    const strategy = await bus.consumeAs('release', {
      consumers: ['release-react'],
      deliver: async () => {
        started++;
        await finished;
        return ACK;
      },
    });
    // One mission: one is handled, nine wait behind it.
    bus.log().append(Array.from({ length: 10 }, () => 'm-1'));
    await eventually(() => strategy.held() === 10, WITHIN);
    const closed = strategy.close();
    finish();
    await closed;
    expect({ started, held: strategy.held() }).toEqual({ started: 1, held: 0 });
    const next: Delivery[] = [];
    await bus.consumeAs('release', { consumers: ['release-react'], deliver: collect(next) });
    // At once: not after the ack wait.
    await eventually(() => next.length === 9, { within_ms: 5_000 });
    // The server keeps no order among what was given back; versions do.
    expect(next.map((delivery) => delivery.sequence).toSorted((a, b) => a - b)).toEqual([2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });

  it.each(['killed', 'wiped', 'without its consumer'])('goes on when the server was %s', async (fault) => {
    const got = new Set<number>();
    await bus.consumeAs('release', {
      consumers: ['release-react'],
      deliver: (delivery) => {
        got.add(delivery.sequence);
        return Promise.resolve(ACK);
      },
    });
    bus.log().append(Array.from({ length: 50 }, (_, index) => `m-${index}`));
    await eventually(() => got.size === 50, WITHIN);
    if (fault === 'killed') {
      await bus.server().nats.kill();
      await bus.server().nats.restart();
    } else if (fault === 'wiped') await bus.server().nats.wipe();
    else {
      await bus.asManager((manager) => manager.consumers.delete(EVENT_STREAM, 'release-react'));
      const own = await bus.server().as('provisioner');
      await ensureTopology(own.connection, { replicas: 1, consumer_start: new Map([['release-react', 50]]) });
      await own.close();
    }
    bus.log().append(Array.from({ length: 50 }, (_, index) => `m-${index}`));
    await eventually(() => got.size === 100, WITHIN);
  });

  it('asks for nothing more when its connection was closed while it waited to ask again', async () => {
    const own = await bus.server().as('release');
    const logger = recordingLogger();
    const puller = pull({
      bus: own,
      stream: EVENT_STREAM,
      consumer: 'release-react',
      room: () => 1,
      on_message: () => undefined,
      logger,
    });
    await bus.asManager((manager) => manager.consumers.delete(EVENT_STREAM, 'release-react'));
    await eventually(() => logger.times('bus-consumer-unavailable') > 0, WITHIN);
    const looked = jest.spyOn(own.connection, 'isClosed');
    await own.connection.close();
    // What it threw now would end the process.
    await eventually(() => looked.mock.results.some(({ value }) => value === true), WITHIN);
    await puller.close();
  });
});
