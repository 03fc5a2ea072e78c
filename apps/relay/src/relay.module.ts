/** Composition root: the relay between this process's log and bus, and what it says about itself. */
import {
  UNSYNCED,
  UNSYNCED_FIX,
  startRelay,
  watchSyncSetting,
  type BusConnection,
  type Relay,
  type SyncSetting,
} from '@baton/bus';
import { busOf, PLATFORM, type Platform } from '@baton/service-host';
import { Inject, Module, type OnModuleDestroy } from '@nestjs/common';
import type { RelayConfig } from './config.ts';
import { openSealing } from './sealing.ts';

const RELAY = Symbol('Relay');

function openRelay(platform: Platform<RelayConfig>): Pick<Relay, 'close'> {
  const { config, instance, store, logger, metrics, onReadiness, onScrape } = platform;
  const bus = busOf(platform);
  const sealing = openSealing(platform);
  followSyncSetting(platform, bus);
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
    on_published: (events) => {
      metrics.relay_published_events.inc(events.length);
      metrics.relay_published_position.set(events.at(-1)?.position ?? 0);
      sealing.follow(events);
    },
    on_inspected: (position, fill) => {
      metrics.relay_published_position.set(position);
      for (const [stream, share] of fill) metrics.stream_fill.set({ stream }, share);
    },
    on_status: (status) => {
      // Who does not lead does not look: what it saw last would stand there for ever.
      if (status === 'standby' || status === 'closed') metrics.stream_fill.reset();
      metrics.relay_halted.set(status === 'halted' ? 1 : 0);
      // Also one that is halted: the bus may be wrong and the log right.
      if (status !== 'closed') sealing.lead(status !== 'standby');
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
      // While it still leads.
      await sealing.close();
      await relay.close();
    },
  };
}

const SYNC_NOTES: Readonly<Record<SyncSetting, string>> = {
  always: 'what it acknowledges is on disk (sync_interval: always)',
  later:
    'what it acknowledges is on disk only later: after a power loss it is copied again from the log (sync_interval: always avoids that)',
  unknown: 'nobody says whether what it acknowledges is on disk (see deploy/nats/nats.conf)',
};

/** Told, not refused: the log is the record, and a bus that forgets is made anew from it. */
function followSyncSetting({ config, logger, metrics, note }: Platform<RelayConfig>, bus: BusConnection): void {
  const accepted = config.BATON_NATS_UNSYNCED === 'accept';
  void watchSyncSetting(bus.connection, (setting) => {
    metrics.bus_unsynced.set(setting === 'later' && !accepted ? 1 : 0);
    note('sync', SYNC_NOTES[setting]);
    if (setting === 'later') logger.warn({ why: UNSYNCED, fix: UNSYNCED_FIX, accepted }, 'bus-unsynced');
  });
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
