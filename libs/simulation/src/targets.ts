/** The branches that missions land on: each moves by one commit at a time, and remembers what landed for whom. */
import type { Delivery } from '@baton/contracts';
import { digestOf } from '@baton/handling';
import type { Landing } from '@baton/ports';

interface Landed {
  readonly commit: string;
  readonly tree: string;
  readonly content_digest: string;
}

export interface Targets {
  head(repository: Delivery['repository']): string;
  land(land: {
    readonly repository: Delivery['repository'];
    readonly expected_base: string;
    readonly tree: string;
    readonly mission_id: string;
    readonly content_digest: string;
  }): Landing;
  /** Somebody who is not Baton pushes. */
  push(repository: Delivery['repository']): void;
  /** Commits that landed for the mission: more than one is an effect that happened twice. */
  landedFor(mission_id: string): readonly Landed[];
  /** A mission that landed more than once; null = none. */
  twice(): string | null;
}

export function targets(): Targets {
  const heads = new Map<string, { commit: string; height: number }>();
  const landed = new Map<string, readonly Landed[]>();
  let twice: string | null = null;
  const at = (repository: Delivery['repository']): { commit: string; height: number } => {
    const url = repository?.url ?? '';
    const head = heads.get(url) ?? { commit: commitOf(url, 0), height: 0 };
    heads.set(url, head);
    return head;
  };
  const grow = (repository: Delivery['repository']): string => {
    const head = at(repository);
    head.height += 1;
    head.commit = commitOf(repository?.url ?? '', head.height);
    return head.commit;
  };
  return {
    head: (repository) => at(repository).commit,
    land({ repository, expected_base, tree, mission_id, content_digest }) {
      const before = landed.get(mission_id) ?? [];
      // Found by its trailers (mission and content): who lands again after a crash lands nothing new.
      const found = before.find((landing) => landing.content_digest === content_digest);
      if (found) return { status: 'landed', commit: found.commit, tree: found.tree };
      const head = at(repository);
      if (head.commit !== expected_base) return { status: 'moved', target_commit: head.commit };
      const commit = grow(repository);
      landed.set(mission_id, [...before, { commit, tree, content_digest }]);
      if (before.length > 0) twice = mission_id;
      return { status: 'landed', commit, tree };
    },
    push: (repository) => void grow(repository),
    landedFor: (mission_id) => landed.get(mission_id) ?? [],
    twice: () => twice,
  };
}

const commitOf = (url: string, height: number): string =>
  digestOf(['commit', url, height]).slice('sha256:'.length, 'sha256:'.length + 40);
