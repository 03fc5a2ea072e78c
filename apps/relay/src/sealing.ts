/** Whoever leads the copying seals the log as well: one process, that has every event in its hands anyway. */
import { UnusableKey, checkpointPaths, readSigningKey, startSealer, type Sealer, type SigningKey } from '@baton/event-store';
import { ConfigError, type Platform } from '@baton/service-host';
import type { RelayConfig } from './config.ts';

export type Sealing = Pick<Sealer, 'lead' | 'follow' | 'close'>;

const NONE: Sealing = { lead: () => undefined, follow: () => undefined, close: () => Promise.resolve() };
const OFF = 'off: a log that is cut or rewritten by a superuser is not noticed';

export function openSealing({ config, store, logger, metrics, note }: Platform<RelayConfig>): Sealing {
  const { BATON_CHECKPOINTS_DIR: directory, BATON_SEALER_KEY: key } = config;
  if (directory === undefined || key === undefined) {
    logger.warn({ fix: 'set BATON_CHECKPOINTS_DIR and BATON_SEALER_KEY' }, 'sealer-off');
    note('checkpoints', OFF);
    return NONE;
  }
  return startSealer({
    log: store.log,
    epoch: store.epoch,
    paths: checkpointPaths(directory),
    key: usable(key),
    logger,
    interval_ms: config.BATON_SEAL_INTERVAL_MS,
    events_max: config.BATON_SEAL_EVENTS_MAX,
    on_status: (status, why) => {
      metrics.sealer_refusing.set(status === 'refusing' ? 1 : 0);
      note('checkpoints', why === null ? status : `${status}: ${why}`);
    },
    on_sealed: (position, at) => {
      metrics.sealed_position.set(position);
      metrics.sealed_at_seconds.set(at.getTime() / 1_000);
    },
  });
}

function usable(key: string): SigningKey {
  try {
    return readSigningKey(key);
  } catch (error) {
    if (error instanceof UnusableKey) throw new ConfigError(`BATON_SEALER_KEY is not usable: ${error.message}`);
    throw error;
  }
}
