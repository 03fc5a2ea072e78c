/** The branches that missions land on: each moves by one commit at a time, and remembers what landed for whom. */
import type { Delivery } from '@baton/contracts';
import { digestOf } from '@baton/handling';
import type { Landing } from '@baton/ports';

type Repository = Delivery['repository'];
export interface Landed {
  readonly commit: string;
  readonly tree: string;
  readonly content_digest: string;
}
export interface Land {
  readonly repository: Repository;
  readonly expected_base: string;
  readonly tree: string;
  readonly mission_id: string;
  readonly revision: number;
  readonly content_digest: string;
}

export interface Targets {
  head(repository: Repository): string;
  /** The tree that these changes make on top of that commit. */
  merged(mission_id: string, base: string, accepted: unknown): string;
  land(land: Land): Landing;
  /** Somebody who is not Baton pushes. */
  push(repository: Repository): void;
  /** Commits that landed for the mission: more than one is an effect that happened twice. */
  landedFor(mission_id: string): readonly Landed[];
}

export const objectOf = (...parts: readonly unknown[]): string => digestOf(parts).slice('sha256:'.length, 'sha256:'.length + 40);

/** `onLanding` is told before a commit is made. */
export function targets(onLanding: (land: Land) => void): Targets {
  const heads = new Map<string, { commit: string; height: number }>();
  const landed = new Map<string, readonly Landed[]>();
  const at = (repository: Repository): { commit: string; height: number } => {
    const url = repository?.url ?? '';
    const head = heads.get(url) ?? { commit: objectOf('commit', url, 0), height: 0 };
    heads.set(url, head);
    return head;
  };
  const grow = (repository: Repository): string => {
    const head = at(repository);
    head.height += 1;
    head.commit = objectOf('commit', repository?.url ?? '', head.height);
    return head.commit;
  };
  return {
    head: (repository) => at(repository).commit,
    merged: (mission_id, base, accepted) => objectOf('merged', mission_id, base, accepted),
    land(land) {
      const { repository, expected_base, tree, mission_id, content_digest } = land;
      const before = landed.get(mission_id) ?? [];
      // Found by its trailers (mission and content): who lands again after a crash lands nothing new.
      const found = before.find((landing) => landing.content_digest === content_digest);
      if (found) return { status: 'landed', commit: found.commit, tree: found.tree };
      const head = at(repository);
      if (head.commit !== expected_base) return { status: 'moved', target_commit: head.commit };
      onLanding(land);
      const commit = grow(repository);
      landed.set(mission_id, [...before, { commit, tree, content_digest }]);
      return { status: 'landed', commit, tree };
    },
    push: (repository) => void grow(repository),
    landedFor: (mission_id) => landed.get(mission_id) ?? [],
  };
}
