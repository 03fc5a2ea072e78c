/** Results travel by the digest of their content, never as a path: whoever has the digest can check what it gets. */

export interface ArtifactStore {
  /**
   * Stores the bytes; returns `sha256:<hex>`. Storing the same bytes again changes nothing. They are kept at the latest by
   * this process's next append: no event that names an artifact is ever without it. While the store is away it throws what
   * `isStoreAway` knows: putting once more is safe, and works when the store is back.
   */
  put(bytes: Uint8Array): Promise<string>;
  /** The bytes, checked against the digest; throws an ArtifactMissing error where there are none. */
  get(digest: string): Promise<Uint8Array>;
}

export const isStoreAway = (error: unknown): boolean => error instanceof Error && error.name === 'StoreUnreachable';
