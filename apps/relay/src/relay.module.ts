/** Composition root: the relay between this process's log and bus, and what it says about itself. */
import { startRelay, type Relay } from '@baton/bus';
import { PLATFORM, type Platform } from '@baton/service-host';
import { Inject, Module, type OnModuleDestroy } from '@nestjs/common';
import type { RelayConfig } from './config.ts';

const RELAY = Symbol('Relay');

function openRelay({
  config,
  instance,
  store,
  bus,
  logger,
  metrics,
  onReadiness,
  onScrape,
}: Platform<RelayConfig>): Pick<Relay, 'close'> {
  const relay = startRelay({
    log: store.log,
    watermarks: store.watermarks,
    leases: store.leases,
    bus,
    holder: instance,
    replicas: config.BATON_NATS_REPLICAS,
    batch_max: config.BATON_RELAY_BATCH_MAX,
    poll_ms: config.BATON_RELAY_POLL_MS,
    lease_ms: config.BATON_RELAY_LEASE_MS,
    logger,
    on_published: (position, events) => {
      metrics.relay_published_events.inc(events);
      metrics.relay_published_position.set(position);
    },
    on_inspected: (position) => {
      metrics.relay_published_position.set(position);
    },
    on_status: (status) => {
      metrics.relay_halted.set(status === 'halted' ? 1 : 0);
    },
  });
  const stopListening = store.onNews(relay.wake);
  onScrape(async () => {
    metrics.log_head_position.set((await store.log.head()).position);
  });
  onReadiness('relay', () => {
    if (relay.status() === 'halted') throw new Error('bus and log contradict each other; see the line "relay-broker-ahead"');
  });
  return {
    close: async () => {
      stopListening();
      await relay.close();
    },
  };
}

@Module({ providers: [{ provide: RELAY, inject: [PLATFORM], useFactory: openRelay }] })
export class RelayModule implements OnModuleDestroy {
  private readonly relay: Pick<Relay, 'close'>;

  constructor(@Inject(RELAY) relay: Pick<Relay, 'close'>) {
    this.relay = relay;
  }

  onModuleDestroy(): Promise<void> {
    return this.relay.close();
  }
}
