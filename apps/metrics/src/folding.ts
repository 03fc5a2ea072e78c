/** The numbers of the log, shown from the moment they are whole. */
import type { EventLog } from '@baton/ports';
import { registerFoldedMetrics, type Logger, type Registry } from '@baton/telemetry';
import { deliveryFold, FOLDED } from './fold.ts';
import { follow, type Follower } from './follow.ts';

export interface Folding {
  readonly log: Pick<EventLog, 'readAfter'>;
  readonly registry: Registry;
  readonly logger: Pick<Logger, 'error' | 'info'>;
}

/** Resolves when everything that is in the log is folded. */
export async function foldLog({ log, registry, logger }: Folding): Promise<Follower> {
  const fold = deliveryFold();
  const follower = follow({
    log,
    wanted: FOLDED,
    apply: fold.apply,
    onUnreadable: (position, err) => logger.error({ position, err }, 'event-left-out'),
  });
  await follower.readOn();
  // Not before: half of a history looks like counters that were reset, and the rest of it as if all of it happened now.
  registerFoldedMetrics(registry, fold.series);
  logger.info({ position: follower.position() }, 'log-folded');
  return follower;
}
