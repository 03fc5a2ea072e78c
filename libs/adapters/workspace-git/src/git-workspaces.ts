/** Workspaces of missions with a repository, on any git that can be cloned from and pushed to. */
import { join, resolve } from 'node:path';
import type { Repository } from '@baton/contracts';
import type { ArtifactStore, Workspace, WorkspaceProvider } from '@baton/ports';
import { removeTree, workspaceProblem, type Redactor, type Sandbox } from '@baton/workbench';
import { openGitWorkspace } from './git-workspace.ts';
import { gitRunner } from './git.ts';
import { landOnTarget } from './land.ts';
import { mirrorsIn } from './mirror.ts';
import { patchPaths, patchText } from './patch.ts';
import { placesIn } from './places.ts';

export interface GitWorkspacesOptions {
  /** Mirrors and workspaces; several processes may share it. */
  readonly root_dir: string;
  readonly artifacts: ArtifactStore;
  /** Per git command. */
  readonly git_timeout_ms: number;
  /** PATH, HOME and what reaches a remote (SSH_AUTH_SOCK, proxies) are taken from it; nothing else is passed on. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** What checks run in. Absent: a process group without limits, for specs and for services that run none. */
  readonly sandbox?: Sandbox;
  /** Takes secrets out of what checks print, and refuses a change that holds one. */
  readonly redactor?: Redactor;
}

export interface GitWorkspaces extends WorkspaceProvider {
  /** At start: removes the workspaces of processes that are gone; returns of how many. */
  sweepLeftovers(): Promise<number>;
}

type Opening = Parameters<WorkspaceProvider['open']>[0];

export function gitWorkspaces(options: GitWorkspacesOptions): GitWorkspaces {
  const { artifacts, environment } = options;
  const root_dir = resolve(options.root_dir);
  const git = gitRunner(options);
  const places = placesIn(root_dir);
  const mirrors = mirrorsIn({ root_dir, git, git_timeout_ms: options.git_timeout_ms, makePlace: places.make });
  const open = async ({ name, signal }: Opening, repository: Repository, inputs: readonly string[]): Promise<Workspace> => {
    const { mirror, head } = await mirrors.fetch(repository);
    if (signal.aborted) throw workspaceProblem('transient', 'opening the workspace was stopped before it was done');
    const place = await places.make(name);
    const restore = (): Promise<unknown> => mirrors.ready(mirror.url);
    const { sandbox, redactor } = options;
    const bench = { git, artifacts, environment, sandbox, redactor, mirror, restore, head, place, name };
    try {
      return await openGitWorkspace(bench, inputs, signal);
    } catch (error) {
      await removeTree(place);
      throw error;
    }
  };
  return {
    kind: 'git',
    open: async (opening) => {
      const { repository, inputs } = opening.base;
      if (repository === null) throw new Error('base.repository is null: a mission without one works in the scratch workspaces');
      const workspace = await mirrors.healed(repository, () => open(opening, repository, inputs));
      return {
        ...workspace,
        // What the agent made is only here. Applying is not done twice: a try that failed may have left half of it.
        collect: (allowed) => mirrors.healed(repository, () => workspace.collect(allowed)),
        check: (criterion, signal) => mirrors.healed(repository, () => workspace.check(criterion, signal)),
      };
    },
    diff: (artifact, bytes_max) => patchText(artifacts, artifact, bytes_max),
    paths: (artifact) => patchPaths(git, join(root_dir, 'empty'), artifacts, artifact),
    land: async (land) => {
      if (land.repository === null)
        throw new Error('repository is null: a mission without one is landed by the scratch workspaces');
      // Also what was landed by a try that failed is found by its trailers.
      return mirrors.healed(land.repository, () => landOnTarget({ git, artifacts, mirrors, makePlace: places.make }, land));
    },
    sweepLeftovers: async () => {
      const removed = await places.sweep();
      await mirrors.compact();
      return removed;
    },
  };
}
