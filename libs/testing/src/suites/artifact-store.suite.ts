/** What every ArtifactStore promises: the digest names the bytes, and the bytes come back as they were. */
import { createHash, randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { ArtifactStore } from '@baton/ports';

export interface ArtifactStoreSetup {
  readonly artifacts: ArtifactStore;
  readonly dispose: () => Promise<void>;
}

export function keepsArtifactStoreContract(make: () => Promise<ArtifactStoreSetup>): void {
  describe('keeps the contract of an artifact store', () => {
    let setup: ArtifactStoreSetup;
    let artifacts: ArtifactStore;
    beforeEach(async () => {
      setup = await make();
      artifacts = setup.artifacts;
    });
    afterEach(() => setup.dispose());

    it.each([
      ['nothing', 0],
      ['a few bytes', 17],
      ['a megabyte', 1_048_576],
    ])('gives back %s by its digest', async (_, size) => {
      const bytes = new Uint8Array(randomBytes(size));
      const digest = await artifacts.put(bytes);
      expect(digest).toBe(`sha256:${createHash('sha256').update(bytes).digest('hex')}`);
      expect(Buffer.from(await artifacts.get(digest)).equals(bytes)).toBe(true);
    });

    it('stores the same bytes again without a change', async () => {
      const bytes = Uint8Array.from([1, 2, 3]);
      expect(await artifacts.put(bytes)).toBe(await artifacts.put(bytes.slice()));
    });

    it('stores a part of a larger buffer as that part', async () => {
      const digest = await artifacts.put(Uint8Array.from([9, 1, 2, 9]).subarray(1, 3));
      expect([...(await artifacts.get(digest))]).toEqual([1, 2]);
    });

    it('throws ArtifactMissing for a digest it does not have', async () => {
      await expect(artifacts.get(`sha256:${'0'.repeat(64)}`)).rejects.toMatchObject({ name: 'ArtifactMissing' });
    });
  });
}
