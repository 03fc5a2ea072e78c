/** Composition root: what is folded from the log as it grows, and the gauges that are read from Postgres at each scrape. */
import { SERVICES } from '@baton/contracts';
import { openHistory } from '@baton/event-store';
import { PLATFORM, startSweeping, type Platform, type Sweeping } from '@baton/service-host';
import { Inject, Module, type OnModuleDestroy } from '@nestjs/common';
import { foldLog } from './folding.ts';

/** A deadline that is due for less is just about to be taken over. */
const OVERDUE_MS = 5_000;

const READING = Symbol('Reading');

async function startReading({ config, instance, store, logger, registry, metrics, onScrape }: Platform): Promise<Sweeping> {
  const history = openHistory({
    url: config.BATON_PG_URL,
    application_name: `baton-metrics ${instance}`,
    connect_timeout_ms: 5_000,
    statement_timeout_ms: 10_000,
  });
  onScrape(async () => {
    const [head, letters, overdue] = await Promise.all([
      store.log.head(),
      store.deadLetters.counts(),
      history.overdue(OVERDUE_MS),
    ]);
    metrics.log_head_position.set(head.position);
    for (const [owner, { appends }] of Object.entries(SERVICES))
      for (const category of appends)
        metrics.deadlines_overdue.set({ owner }, overdue.find((row) => row.category === category)?.overdue ?? 0);
    metrics.dead_letters.reset();
    for (const { consumer, reason, parked } of letters) metrics.dead_letters.set({ consumer, reason }, parked);
  });
  const follower = await foldLog({ log: store.log, registry, logger });
  // Nobody tells it that there is more: a question twice a second costs less than a message for every event.
  const reading = startSweeping({
    sweep: async () => {
      await follower.readOn();
      return 0;
    },
    interval_ms: config.BATON_SWEEP_INTERVAL_MS,
    onFailure: (err) => {
      metrics.sweep_failures.inc();
      logger.warn({ err, position: follower.position() }, 'log-not-read');
    },
  });
  return {
    stop: async () => {
      await reading.stop();
      await history.close();
    },
  };
}

@Module({ providers: [{ provide: READING, inject: [PLATFORM], useFactory: startReading }] })
export class MetricsModule implements OnModuleDestroy {
  private readonly reading: Sweeping;

  constructor(@Inject(READING) reading: Sweeping) {
    this.reading = reading;
  }

  onModuleDestroy(): Promise<void> {
    return this.reading.stop();
  }
}
