/** Composition root: what is folded from the log, and the gauges that are read from Postgres at each scrape. */
import { SERVICES } from '@baton/contracts';
import { openHistory } from '@baton/event-store';
import { PLATFORM, RUNTIME, type HostedRuntime, type Platform } from '@baton/service-host';
import { Module } from '@nestjs/common';
import { foldLog } from './folding.ts';

/** A deadline that is due for less is just about to be taken over. */
const OVERDUE_MS = 5_000;

async function metricsRuntime({
  config,
  instance,
  store,
  logger,
  registry,
  metrics,
  onScrape,
}: Platform): Promise<HostedRuntime> {
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
  return {
    receive: follower.receive,
    sweep: follower.sweep,
    freeSlots: () => 0,
    onSlotFree: () => () => undefined,
    stop: () => history.close(),
  };
}

@Module({ providers: [{ provide: RUNTIME, inject: [PLATFORM], useFactory: metricsRuntime }] })
export class MetricsModule {}
