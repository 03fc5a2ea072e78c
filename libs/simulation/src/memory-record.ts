/** Beside the log: leases, watermarks, dead letters and artifacts in memory, as Postgres keeps them. */
import type { ArtifactStore, DeadLetter, DeadLetters, KeptDeadLetter, Leases, Watermarks } from '@baton/ports';
import { isoOf, memoryEventLog, type MemoryEventLog, type MemoryEventLogOptions } from './memory-event-log.ts';

/** All that a service's process keeps in the database; several simulated processes share one. */
export interface MemoryRecord {
  readonly log: MemoryEventLog;
  readonly leases: Leases;
  readonly watermarks: Watermarks;
  readonly deadLetters: DeadLetters;
  readonly artifacts: ArtifactStore;
}

export const memoryRecord = (options: MemoryEventLogOptions): MemoryRecord => ({
  log: memoryEventLog(options),
  leases: memoryLeases(options.now_ms),
  watermarks: memoryWatermarks(),
  deadLetters: memoryDeadLetters(options.now_ms),
  artifacts: memoryArtifactStore(options.sha256),
});

export function memoryLeases(now_ms: () => number): Leases {
  const leases = new Map<string, { holder: string | null; fence: number; expires_ms: number }>();
  return {
    acquire: async ({ name, holder, ttl_ms }) => {
      const lease = leases.get(name);
      if (lease !== undefined && lease.holder !== null && lease.holder !== holder && lease.expires_ms > now_ms()) return null;
      const fence = (lease?.fence ?? 0) + 1;
      leases.set(name, { holder, fence, expires_ms: now_ms() + ttl_ms });
      return fence;
    },
    renew: async ({ name, holder, fence, ttl_ms }) => {
      const lease = leases.get(name);
      if (lease?.holder !== holder || lease.fence !== fence) return false;
      lease.expires_ms = now_ms() + ttl_ms;
      return true;
    },
    release: async ({ name, holder, fence }) => {
      const lease = leases.get(name);
      if (lease?.holder === holder && lease.fence === fence) lease.holder = null;
    },
  };
}

function memoryWatermarks(): Watermarks {
  const watermarks = new Map<string, number>();
  return {
    advance: async (consumer, position) => {
      watermarks.set(consumer, Math.max(position, watermarks.get(consumer) ?? 0));
    },
    lower: async (consumer, position) => {
      if (position < (watermarks.get(consumer) ?? 0)) watermarks.set(consumer, position);
    },
    read: async () => new Map(watermarks),
  };
}

function memoryDeadLetters(now_ms: () => number): DeadLetters {
  const letters = new Map<string, KeptDeadLetter>();
  const isOf = (letter: KeptDeadLetter, consumer: string | undefined, status: KeptDeadLetter['status'] | undefined): boolean =>
    (consumer === undefined || letter.consumer === consumer) && (status === undefined || letter.status === status);
  return {
    park: async (letter) => {
      const kept = letters.get(letter.id);
      if (kept !== undefined && (kept.consumer !== letter.consumer || !isParkedAgain(kept, letter))) return;
      const { stream, reason, cause, deliveries } = letter;
      // Taken out first: it is listed where it is parked now, not where it was parked before.
      letters.delete(letter.id);
      letters.set(letter.id, {
        ...(kept ?? letter),
        stream,
        reason,
        cause,
        deliveries,
        parked_at: isoOf(now_ms()),
        status: 'parked',
      });
    },
    isParked: async (consumer, stream) =>
      [...letters.values()].some((letter) => letter.stream === stream && isOf(letter, consumer, 'parked')),
    list: async ({ consumer, status } = {}) => [...letters.values()].filter((letter) => isOf(letter, consumer, status)),
    putAside: async (consumer) => {
      const parked = [...letters.values()].filter((letter) => isOf(letter, consumer, 'parked'));
      const discarded = [...letters.values()].filter((letter) => isOf(letter, consumer, 'discarded'));
      return {
        streams: [...new Set(parked.flatMap(({ stream }) => stream ?? []))].toSorted(),
        discarded_up_to: Math.max(0, ...discarded.map(({ position }) => position ?? 0)),
      };
    },
    find: async (id) => letters.get(id) ?? null,
    counts: async () => countsOf([...letters.values()].filter(({ status }) => status === 'parked')),
    settle: async (id, status) => {
      const letter = letters.get(id);
      if (letter?.status !== 'parked') return false;
      letters.set(id, { ...letter, status });
      return true;
    },
  };
}

/** It was replayed and failed again, or it was put aside to be tried alone and this is what came of it. */
const isParkedAgain = (kept: KeptDeadLetter, { stream, reason }: DeadLetter): boolean =>
  kept.status === 'replayed' ||
  (kept.status === 'parked' &&
    kept.reason === 'handler-crashed' &&
    kept.stream === null &&
    (stream !== null || reason !== kept.reason));

function countsOf(parked: readonly KeptDeadLetter[]): Awaited<ReturnType<DeadLetters['counts']>> {
  const groups = new Map<string, { consumer: string; reason: DeadLetter['reason']; parked: number }>();
  for (const { consumer, reason } of parked) {
    const name = `${consumer} ${reason}`;
    groups.set(name, { consumer, reason, parked: (groups.get(name)?.parked ?? 0) + 1 });
  }
  return [...groups].toSorted(([one], [other]) => (one < other ? -1 : 1)).map(([, group]) => group);
}

export function memoryArtifactStore(sha256: MemoryEventLogOptions['sha256']): ArtifactStore {
  const artifacts = new Map<string, Uint8Array>();
  return {
    put: async (bytes) => {
      const digest = `sha256:${Array.from(sha256(bytes), (byte) => byte.toString(16).padStart(2, '0')).join('')}`;
      artifacts.set(digest, bytes.slice());
      return digest;
    },
    get: async (digest) => {
      const bytes = artifacts.get(digest);
      if (bytes === undefined)
        throw Object.assign(new Error(`there is no artifact ${digest}: it was never put`), { name: 'ArtifactMissing' });
      return bytes.slice();
    },
  };
}
