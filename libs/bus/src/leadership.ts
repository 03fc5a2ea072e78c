/** One of several processes leads at a time; when it dies, another does within the time of its lease. */
import type { Leases } from '@baton/ports';
import type { BusLogger } from './logger.ts';
import { waker } from './waker.ts';

export interface LeadershipOptions {
  readonly leases: Leases;
  readonly name: string;
  readonly holder: string;
  readonly ttl_ms: number;
  readonly logger: BusLogger;
  /** Runs while this process leads; has to come back soon after the signal is aborted. */
  readonly lead: (signal: AbortSignal) => Promise<void>;
}

export interface Leadership {
  leading(): boolean;
  /** Stops leading and hands over at once. */
  close(): Promise<void>;
}

/** A lease is renewed, and a lost one asked for, this often in its time. */
const TRIES_PER_TTL = 4;

export function leadership(options: LeadershipOptions): Leadership {
  const { leases, name, holder, ttl_ms, logger } = options;
  const closing = new AbortController();
  const pause = waker();
  let leading = false;
  let unreachable = false;

  async function acquire(): Promise<number | null> {
    try {
      const fence = await leases.acquire({ name, holder, ttl_ms });
      unreachable = false;
      return fence;
    } catch (err) {
      if (!unreachable) logger.error({ err, lease: name }, 'lease-unreachable');
      unreachable = true;
      return null;
    }
  }

  /** Resolves when the lease is lost or given up. A lease that could not be renewed in time is another's by now. */
  async function keep(fence: number, lost: AbortController): Promise<void> {
    let renewed_ms = performance.now();
    while (!closing.signal.aborted && !lost.signal.aborted) {
      await pause.sleep(ttl_ms / TRIES_PER_TTL);
      if (closing.signal.aborted || lost.signal.aborted) break;
      const asked_ms = performance.now();
      const renewed = await leases.renew({ name, holder, fence, ttl_ms }).catch(() => null);
      if (renewed) renewed_ms = asked_ms;
      if (renewed === false || performance.now() - renewed_ms > ttl_ms) break;
    }
    lost.abort();
  }

  async function term(fence: number): Promise<void> {
    const lost = new AbortController();
    leading = true;
    logger.info({ lease: name, fence }, 'leading');
    const kept = keep(fence, lost);
    try {
      await options.lead(AbortSignal.any([lost.signal, closing.signal]));
    } catch (err) {
      logger.error({ err, lease: name }, 'leading-failed');
    }
    lost.abort();
    pause.wake();
    await kept;
    leading = false;
    logger.info({ lease: name, fence }, 'not-leading');
    await leases.release({ name, holder, fence }).catch(() => undefined);
  }

  const running = (async () => {
    while (!closing.signal.aborted) {
      const fence = await acquire();
      if (fence !== null) await term(fence);
      if (!closing.signal.aborted) await pause.sleep(ttl_ms / TRIES_PER_TTL);
    }
  })();

  return {
    leading: () => leading,
    close: async () => {
      closing.abort();
      pause.wake();
      await running;
    },
  };
}
