import { afterAll, beforeAll, describe, jest } from '@jest/globals';
import { CONSUMERS, EVENT_STREAM, type ConsumerName } from '@baton/contracts';
import { eventually, keepsBusContract, type BusSetup } from '@baton/testing';
import { CLI, jetStreamStrategy, publishInbound, type BusConnection } from '../src/index.ts';
import { memoryLog, memoryWatermarks, relayOf, securedNats, type SecuredNats } from './secured-nats.ts';

const WITHIN_MS = 30_000;

describe('JetStream with the relay in front of it', () => {
  let server: SecuredNats;
  let relayBus: BusConnection;
  jest.setTimeout(60_000);
  beforeAll(async () => {
    server = await securedNats();
    relayBus = await server.as('relay');
  });
  afterAll(() => server.stop());

  async function setup(): Promise<BusSetup> {
    await server.nats.wipe();
    await eventually(() => relayBus.connected(), { within_ms: WITHIN_MS });
    const log = memoryLog();
    const watermarks = memoryWatermarks();
    const relay = relayOf(log, relayBus, { watermarks });
    const relayed = (): Promise<unknown> =>
      eventually(() => relay.status() === 'copying' && relay.position() === log.events.length, { within_ms: WITHIN_MS });
    await relayed();
    const closing: (() => Promise<void>)[] = [() => relay.close()];
    return {
      append: (missions) => log.append(missions),
      request: async (name, id, body) => {
        const bus = await server.as(CLI);
        await publishInbound(bus.connection, name, body, { id });
        await bus.close();
      },
      consume: async (consumer, handle) => {
        const bus = await server.as(CONSUMERS[consumer].service);
        // A handler that never ends lasts until the spec ends.
        const over = Promise.withResolvers<{ readonly ack: true }>();
        const strategy = jetStreamStrategy({
          bus,
          logger: server.logger,
          consumers: [consumer],
          deliver: (delivery) => Promise.race([handle(delivery), over.promise]),
        });
        strategy.listen(() => undefined);
        closing.push(async () => {
          over.resolve({ ack: true });
          await strategy.close();
          await bus.close();
        });
        return { dies: () => bus.connection.close() };
      },
      wipe: async (watermark) => {
        const ofEvents = (Object.keys(CONSUMERS) as ConsumerName[]).filter((name) => CONSUMERS[name].stream === EVENT_STREAM);
        for (const name of ofEvents) await watermarks.advance(name, watermark);
        await server.nats.wipe();
        await eventually(() => relayBus.connected(), { within_ms: WITHIN_MS });
        await relayed();
      },
      until: async (check, what) => void (await eventually(check, { within_ms: WITHIN_MS, what })),
      now_ms: () => performance.now(),
      dispose: async () => {
        for (const close of closing.splice(0).toReversed()) await close();
      },
    };
  }
  keepsBusContract(setup);
});
