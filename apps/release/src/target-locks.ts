/** One landing at a time per target branch, anywhere: a queue in this process, a lease in Postgres between processes. */
import { hash } from 'node:crypto';
import type { Repository } from '@baton/contracts';
import type { Work } from '@baton/handling';
import type { Leases } from '@baton/ports';

/**
 * Shorter than the lease of the landing itself: when that is taken over from a process that died, the target is free as well. Nothing
 * wrong lands without it, for landing compares and swaps; it only keeps missions from overtaking each other.
 */
const TTL_MS = 5_000;
const TRY_AGAIN_MS = 100;

export interface TargetLocks {
  /** Resolves when this stream holds the target's lease (at once where it holds it already); rejects when the work is aborted. */
  acquire(repository: Repository | null, work: Pick<Work, 'stream' | 'signal'>): Promise<void>;
  /** Gives back what the stream holds, if anything. */
  release(stream: string): Promise<void>;
}

interface Held {
  readonly name: string;
  readonly fence: number;
  readonly renewal: NodeJS.Timeout;
}

export function targetLocks(leases: Leases, holder: string): TargetLocks {
  const held = new Map<string, Held>();
  const queues = new Map<string, Promise<void>>();
  const leave = new Map<string, () => void>();

  const queueUp = async (name: string, stream: string, signal: AbortSignal): Promise<void> => {
    const before = queues.get(name) ?? Promise.resolve();
    const mine = new Promise<void>((resolve) => leave.set(stream, resolve));
    queues.set(
      name,
      before.then(() => mine),
    );
    await unlessAborted(before, signal);
  };

  const release = async (stream: string): Promise<void> => {
    const lease = held.get(stream);
    held.delete(stream);
    leave.get(stream)?.();
    leave.delete(stream);
    if (!lease) return;
    clearInterval(lease.renewal);
    await leases.release({ name: lease.name, holder: `${holder} ${stream}`, fence: lease.fence });
  };

  return {
    release,
    async acquire(repository, { stream, signal }) {
      // Documents land on nothing that two missions share.
      if (repository === null || held.has(stream)) return;
      const name = `release-${hash('sha256', repository.url, 'hex').slice(0, 16)}.${repository.target}`;
      try {
        await queueUp(name, stream, signal);
        const mine = { name, holder: `${holder} ${stream}`, ttl_ms: TTL_MS };
        let fence = await leases.acquire(mine);
        while (fence === null) {
          await unlessAborted(new Promise((resolve) => setTimeout(resolve, TRY_AGAIN_MS)), signal);
          fence = await leases.acquire(mine);
        }
        const got = fence;
        const renewal = setInterval(() => void leases.renew({ ...mine, fence: got }).catch(() => undefined), TTL_MS / 3);
        held.set(stream, { name, fence: got, renewal });
      } catch (error) {
        await release(stream);
        throw error;
      }
    },
  };
}

/** Work that has to stop does not wait for others' landings to end. */
function unlessAborted(waited: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error);
    if (signal.aborted) return abort();
    signal.addEventListener('abort', abort, { once: true });
    void waited.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
