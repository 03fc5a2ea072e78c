import { describe } from '@jest/globals';
import { hash } from 'node:crypto';
import { parseStored, type NewEvent } from '@baton/contracts';
import { eventId } from '@baton/handling';
import { keepsBusContract, type BusHandler, type BusSetup } from '@baton/testing';
import { memoryBus, type Message } from './memory-bus.ts';
import { memoryEventLog } from './memory-event-log.ts';
import { virtualTime } from './virtual-time.ts';

interface Consumer {
  readonly name: string;
  readonly handle: BusHandler;
  readonly held: Set<Message>;
  alive: boolean;
}

const STEPS_MAX = 1_000;

function planCancelled(mission_id: string, nth: number): NewEvent {
  const meta = {
    schema_version: 1,
    correlation_id: mission_id,
    causation_id: `${nth}`,
    actor: { kind: 'service', id: 'planner' },
  };
  return {
    id: eventId(mission_id, `${nth}`, mission_id, 0),
    type: 'PlanCancelled',
    meta: JSON.stringify(meta),
    data: JSON.stringify({ mission_id, reason: 'asked' }),
  };
}

function setup(): Promise<BusSetup> {
  const time = virtualTime();
  const bus = memoryBus(time.now_ms);
  const log = memoryEventLog({ now_ms: time.now_ms, sha256: (bytes) => hash('sha256', bytes, 'buffer') });
  const consumers: Consumer[] = [];
  const versions = new Map<string, number>();
  function relay(): void {
    for (const stored of log.events.slice(bus.lastSequence() ?? 0)) bus.publish(stored, parseStored(stored), stored.position - 1);
  }
  function deliverOne(): boolean {
    const takers = (message: Message): Consumer[] => consumers.filter(({ name, alive }) => alive && name === message.consumer);
    const [message] = bus.ready((candidate) => takers(candidate).length > 0);
    if (!message) return false;
    const able = takers(message);
    const consumer = able.at(message.sequence % able.length);
    if (!consumer) return false;
    consumer.held.add(message);
    const handled = async (): Promise<void> => {
      const settlement = await consumer.handle(bus.take(message));
      if (!consumer.alive) return;
      consumer.held.delete(message);
      bus.settle(message, settlement);
    };
    void handled();
    return true;
  }
  return Promise.resolve({
    append(missions) {
      for (const mission_id of missions) {
        const stream = `plan-${mission_id}`;
        const expected_version = versions.get(stream) ?? 0;
        versions.set(stream, expected_version + 1);
        // Done when it returns: the log in memory waits for nothing.
        void log.append({ stream, expected_version, events: [planCancelled(mission_id, log.events.length)], deadline: null });
      }
      if (bus.lastSequence() !== null) relay();
    },
    request: (name, id, body) => Promise.resolve(bus.request({ name, id, body: JSON.stringify(body) })),
    consume(name, handle) {
      const consumer: Consumer = { name, handle, held: new Set(), alive: true };
      consumers.push(consumer);
      return Promise.resolve({
        dies: () => {
          consumer.alive = false;
          for (const message of consumer.held) bus.deliverAgain(message);
          return Promise.resolve();
        },
      });
    },
    wipe(watermark) {
      bus.wipe();
      bus.create(watermark, new Map([['release-react', watermark]]));
      relay();
      return Promise.resolve();
    },
    async until(check, what) {
      for (let step = 0; step < STEPS_MAX && !check(); step++) {
        if (!deliverOne()) time.advance(bus.nextDue() ?? time.now_ms());
        await new Promise(setImmediate);
      }
      if (!check()) throw new Error(`it never came true that ${what}`);
    },
    now_ms: time.now_ms,
    dispose: () => Promise.resolve(),
  });
}

describe('the bus in memory', () => {
  keepsBusContract(setup);
});
