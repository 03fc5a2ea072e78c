/** Artifacts for specs of things that only need some store: the port's promise, in memory. */
import { createHash } from 'node:crypto';
import type { ArtifactStore } from '@baton/ports';

export interface MemoryArtifacts extends ArtifactStore {
  /** Calls so far, for specs about how often a store is asked. */
  readonly calls: { put: number; get: number };
  text(digest: string): Promise<string>;
}

export function memoryArtifacts(): MemoryArtifacts {
  const kept = new Map<string, Uint8Array>();
  const calls = { put: 0, get: 0 };
  const get = (digest: string): Promise<Uint8Array> => {
    calls.get += 1;
    const bytes = kept.get(digest);
    return bytes === undefined
      ? Promise.reject(Object.assign(new Error(`there is no artifact ${digest}`), { name: 'ArtifactMissing' }))
      : Promise.resolve(bytes);
  };
  return {
    calls,
    get,
    put: (bytes) => {
      calls.put += 1;
      const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
      kept.set(digest, Uint8Array.from(bytes));
      return Promise.resolve(digest);
    },
    text: async (digest) => new TextDecoder().decode(await get(digest)),
  };
}
