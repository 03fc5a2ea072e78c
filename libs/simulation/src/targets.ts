/** The branches that missions land on: each moves by one commit at a time, and remembers what landed for whom. */
import type { Delivery } from '@baton/contracts';
import { digestOf } from '@baton/handling';
import type { Landing } from '@baton/ports';

type Repository = Delivery['repository'];
export interface Landed {
  readonly commit: string;
  readonly tree: string;
  readonly content_digest: string;
  /** False: the push arrived, and nobody was told. */
  readonly answered: boolean;
}
export interface Land {
  readonly repository: Repository;
  readonly expected_base: string;
  readonly tree: string;
  readonly mission_id: string;
  readonly revision: number;
  readonly content_digest: string;
  readonly look_only: boolean;
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
  /** The host of a branch answers nobody: from now on, or from right after the next push that it takes. */
  goAway(repository: Repository, for_ms: number, after_landing: boolean): void;
}

export const objectOf = (...parts: readonly unknown[]): string => digestOf(parts).slice('sha256:'.length, 'sha256:'.length + 40);

/** `onLanding` is told before a commit is made. */
export function targets(onLanding: (land: Land) => void, now_ms: () => number): Targets {
  const heads = new Map<string, { commit: string; height: number }>();
  const landed = new Map<string, readonly Landed[]>();
  const away_until_ms = new Map<string, number>();
  const leaves_for_ms = new Map<string, number>();
  const host = (repository: Repository): string => repository?.url ?? '';
  const reached = (repository: Repository): void => {
    if (now_ms() < (away_until_ms.get(host(repository)) ?? 0))
      throw Object.assign(new Error(`the host of ${host(repository)} is out of reach`), { failure_class: 'transient' });
  };
  /** Whether the host answers to the push that it has just taken. */
  const answers = (repository: Repository): boolean => {
    const for_ms = leaves_for_ms.get(host(repository));
    if (for_ms === undefined) return true;
    leaves_for_ms.delete(host(repository));
    away_until_ms.set(host(repository), now_ms() + for_ms);
    return false;
  };
  const at = (repository: Repository): { commit: string; height: number } => {
    const url = host(repository);
    const head = heads.get(url) ?? { commit: objectOf('commit', url, 0), height: 0 };
    heads.set(url, head);
    return head;
  };
  const grow = (repository: Repository): string => {
    const head = at(repository);
    head.height += 1;
    head.commit = objectOf('commit', host(repository), head.height);
    return head.commit;
  };
  return {
    head(repository) {
      reached(repository);
      return at(repository).commit;
    },
    merged: (mission_id, base, accepted) => objectOf('merged', mission_id, base, accepted),
    land(land) {
      const { repository, expected_base, tree, mission_id, content_digest, look_only } = land;
      reached(repository);
      const before = landed.get(mission_id) ?? [];
      // Found by its trailers (mission and content): who lands again after a crash lands nothing new.
      const found = before.find((landing) => landing.content_digest === content_digest);
      if (found) return { status: 'landed', commit: found.commit, tree: found.tree };
      if (look_only) return { status: 'absent' };
      const head = at(repository);
      if (head.commit !== expected_base) return { status: 'moved', target_commit: head.commit };
      onLanding(land);
      const commit = grow(repository);
      const answered = answers(repository);
      landed.set(mission_id, [...before, { commit, tree, content_digest, answered }]);
      if (!answered) reached(repository);
      return { status: 'landed', commit, tree };
    },
    push: (repository) => void grow(repository),
    goAway(repository, for_ms, after_landing) {
      if (after_landing) leaves_for_ms.set(host(repository), for_ms);
      else away_until_ms.set(host(repository), now_ms() + for_ms);
    },
    landedFor: (mission_id) => landed.get(mission_id) ?? [],
  };
}
