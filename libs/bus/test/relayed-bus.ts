/** A server that ships, a relay with a log to fill, and consumers that are closed after each spec. */
import { afterAll, afterEach, beforeAll, beforeEach, jest } from '@jest/globals';
import { EVENT_STREAM, type ConsumerName } from '@baton/contracts';
import { eventually } from '@baton/testing';
import type { Delivery, Settlement } from '@baton/ports';
import { jetstreamManager, type ConsumerInfo, type JetStreamManager } from '@nats-io/jetstream';
import { jetStreamStrategy, type BusConnection, type JetStreamStrategy, type JetStreamStrategyOptions } from '../src/index.ts';
import { memoryLog, memoryWatermarks, relayOf, securedNats, type MemoryLog, type SecuredNats } from './secured-nats.ts';

export const WITHIN = { within_ms: 20_000 };
export const ACK: Settlement = { ack: true };

export const collect =
  (into: Delivery[]) =>
  (delivery: Delivery): Promise<Settlement> => {
    into.push(delivery);
    return Promise.resolve(ACK);
  };

export interface RelayedBus {
  server(): SecuredNats;
  log(): MemoryLog;
  relay(): BusConnection;
  /** Closed after the spec, last first. */
  readonly closing: (() => Promise<void>)[];
  consumeAs(
    service: 'release' | 'executor' | 'intake',
    options: Omit<JetStreamStrategyOptions, 'bus' | 'logger'>,
  ): Promise<JetStreamStrategy>;
  asManager<T>(ask: (manager: JetStreamManager) => Promise<T>): Promise<T>;
  info(consumer: ConsumerName): Promise<ConsumerInfo>;
}

/** For the specs of one `describe`; the server starts empty for each. */
export function relayedBus(): RelayedBus {
  let server: SecuredNats;
  let log: MemoryLog;
  let relayBus: BusConnection;
  const closing: (() => Promise<void>)[] = [];
  jest.setTimeout(60_000);
  beforeAll(async () => {
    server = await securedNats();
    relayBus = await server.as('relay');
  });
  afterAll(() => server.stop());
  beforeEach(async () => {
    await server.nats.wipe();
    await eventually(() => relayBus.connected(), WITHIN);
    log = memoryLog();
    const relay = relayOf(log, relayBus, { watermarks: memoryWatermarks() });
    closing.push(() => relay.close());
    await eventually(() => relay.status() === 'copying', WITHIN);
  });
  afterEach(async () => {
    for (const close of closing.splice(0).toReversed()) await close();
  });

  async function asManager<T>(ask: (manager: JetStreamManager) => Promise<T>): Promise<T> {
    const bus = await server.as('provisioner');
    try {
      return await ask(await jetstreamManager(bus.connection, { timeout: 2_000 }));
    } finally {
      await bus.close();
    }
  }
  return {
    server: () => server,
    log: () => log,
    relay: () => relayBus,
    closing,
    consumeAs: async (service, options) => {
      const bus = await server.as(service);
      const strategy = jetStreamStrategy({ bus, logger: server.logger, ...options });
      strategy.listen(() => undefined);
      closing.push(async () => {
        await strategy.close();
        await bus.close();
      });
      return strategy;
    },
    asManager,
    info: (consumer) => asManager((manager) => manager.consumers.info(EVENT_STREAM, consumer)),
  };
}
