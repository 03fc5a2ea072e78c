/** What Leases promise: one holder at a time, and a fence that only grows. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Leases } from '@baton/ports';

export interface LeasesSetup {
  /** Two processes of the service `release`. */
  readonly leases: readonly [Leases, Leases];
  readonly dispose: () => Promise<void>;
}

const TTL_MS = 3_600_000;
const name = 'release-main';

export function keepsLeasesContract(make: () => Promise<LeasesSetup>): void {
  describe('keeps the contract of leases', () => {
    let setup: LeasesSetup;
    let leases: Leases;
    beforeEach(async () => {
      setup = await make();
      [leases] = setup.leases;
    });
    afterEach(() => setup.dispose());

    it('is held by one at a time, each name for itself', async () => {
      expect(await leases.acquire({ name, holder: 'a', ttl_ms: TTL_MS })).not.toBeNull();
      expect(await leases.acquire({ name, holder: 'b', ttl_ms: TTL_MS })).toBeNull();
      expect(await leases.acquire({ name: 'release-other', holder: 'b', ttl_ms: TTL_MS })).not.toBeNull();
    });

    it('gives a greater fence each time, to the same holder, after a release and after it ran out', async () => {
      const fences: (number | null)[] = [];
      fences.push(await leases.acquire({ name, holder: 'a', ttl_ms: TTL_MS }));
      fences.push(await leases.acquire({ name, holder: 'a', ttl_ms: 0 }));
      fences.push(await leases.acquire({ name, holder: 'b', ttl_ms: TTL_MS }));
      await leases.release({ name, holder: 'b', fence: fences[2] as number });
      fences.push(await leases.acquire({ name, holder: 'c', ttl_ms: TTL_MS }));
      expect(fences).not.toContain(null);
      expect(fences).toEqual(fences.toSorted((one, other) => (one as number) - (other as number)));
      expect(new Set(fences).size).toBe(fences.length);
    });

    it('is renewed and released only by its holder with its fence', async () => {
      const fence = (await leases.acquire({ name, holder: 'a', ttl_ms: TTL_MS })) as number;
      expect(await leases.renew({ name, holder: 'a', fence, ttl_ms: TTL_MS })).toBe(true);
      expect(await leases.renew({ name, holder: 'b', fence, ttl_ms: TTL_MS })).toBe(false);
      expect(await leases.renew({ name, holder: 'a', fence: fence - 1, ttl_ms: TTL_MS })).toBe(false);
      await leases.release({ name, holder: 'b', fence });
      await leases.release({ name, holder: 'a', fence: fence - 1 });
      expect(await leases.acquire({ name, holder: 'b', ttl_ms: TTL_MS })).toBeNull();
      await leases.release({ name, holder: 'a', fence });
      expect(await leases.renew({ name, holder: 'a', fence, ttl_ms: TTL_MS })).toBe(false);
    });

    it('can be renewed after it ran out, unless somebody has taken it', async () => {
      const fence = (await leases.acquire({ name, holder: 'a', ttl_ms: 0 })) as number;
      expect(await leases.renew({ name, holder: 'a', fence, ttl_ms: 0 })).toBe(true);
      expect(await leases.acquire({ name, holder: 'b', ttl_ms: TTL_MS })).toBeGreaterThan(fence);
      expect(await leases.renew({ name, holder: 'a', fence, ttl_ms: TTL_MS })).toBe(false);
    });

    it('is won by one of many', async () => {
      const tries = Array.from({ length: 10 }, (_, nth) =>
        (setup.leases[nth % 2] as Leases).acquire({ name, holder: `h-${String(nth)}`, ttl_ms: TTL_MS }),
      );
      expect((await Promise.all(tries)).filter((fence) => fence !== null)).toHaveLength(1);
    });
  });
}
