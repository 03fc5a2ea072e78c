/** Composition root: the fold, what follows the log for it, and the gauges that are read from Postgres at each scrape. */
import { openHistory } from '@baton/event-store';
import { PLATFORM, RUNTIME, type HostedRuntime, type Platform } from '@baton/service-host';
import { registerFoldedMetrics } from '@baton/telemetry';
import { Module } from '@nestjs/common';
import { deliveryFold, FOLDED } from './fold.ts';
import { follow } from './follow.ts';

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
  const fold = deliveryFold();
  const follower = follow({
    log: store.log,
    wanted: FOLDED,
    apply: fold.apply,
    onUnreadable: (position, err) => logger.error({ position, err }, 'event-left-out'),
  });
  registerFoldedMetrics(registry, fold.series);
  onScrape(async () => {
    const [head, letters, overdue] = await Promise.all([
      store.log.head(),
      store.deadLetters.counts(),
      history.overdue(OVERDUE_MS),
    ]);
    metrics.log_head_position.set(head.position);
    metrics.deadlines_overdue.set(overdue.reduce((sum, category) => sum + category.overdue, 0));
    metrics.dead_letters.reset();
    for (const { consumer, reason, parked } of letters) metrics.dead_letters.set({ consumer, reason }, parked);
  });
  await follower.catchUp();
  logger.info({ position: follower.position() }, 'log-folded');
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
