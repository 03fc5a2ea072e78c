/** Artifacts for specs of things that only need some store, and of how often it is asked. */
import { hash } from 'node:crypto';
import type { ArtifactStore } from '@baton/ports';
import { memoryArtifactStore } from '@baton/simulation';

export interface MemoryArtifacts extends ArtifactStore {
  /** Calls so far. */
  readonly calls: { put: number; get: number };
  text(digest: string): Promise<string>;
}

export function memoryArtifacts(): MemoryArtifacts {
  const store = memoryArtifactStore((bytes) => hash('sha256', bytes, 'buffer'));
  const calls = { put: 0, get: 0 };
  const get = (digest: string): Promise<Uint8Array> => {
    calls.get += 1;
    return store.get(digest);
  };
  return {
    calls,
    get,
    put: (bytes) => {
      calls.put += 1;
      return store.put(bytes);
    },
    text: async (digest) => new TextDecoder().decode(await get(digest)),
  };
}
