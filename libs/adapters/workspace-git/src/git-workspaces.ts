/** Workspaces of missions with a repository, on any git that can be cloned from and pushed to. */
import { join, resolve } from 'node:path';
import type { ArtifactStore, WorkspaceProvider } from '@baton/ports';
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

export function gitWorkspaces(options: GitWorkspacesOptions): GitWorkspaces {
  const { artifacts, environment } = options;
  const root_dir = resolve(options.root_dir);
  const git = gitRunner(options);
  const mirrors = mirrorsIn(root_dir, git, options.git_timeout_ms);
  const places = placesIn(root_dir);
  return {
    kind: 'git',
    open: async ({ name, base, signal }) => {
      if (base.repository === null)
        throw new Error('base.repository is null: a mission without one works in the scratch workspaces');
      const { mirror, head } = await mirrors.fetch(base.repository);
      if (signal.aborted) throw workspaceProblem('transient', 'opening the workspace was stopped before it was done');
      const place = await places.make(name);
      try {
        return await openGitWorkspace(
          {
            git,
            artifacts,
            environment,
            sandbox: options.sandbox,
            redactor: options.redactor,
            mirror,
            restore: () => mirrors.ready(mirror.url),
            head,
            place,
            name,
          },
          base.inputs,
          signal,
        );
      } catch (error) {
        await removeTree(place);
        throw error;
      }
    },
    diff: (artifact, bytes_max) => patchText(artifacts, artifact, bytes_max),
    paths: (artifact) => patchPaths(git, join(root_dir, 'empty'), artifacts, artifact),
    land: (land) => landOnTarget({ git, artifacts, mirrors, makePlace: places.make }, land),
    sweepLeftovers: async () => {
      const removed = await places.sweep();
      await mirrors.compact();
      return removed;
    },
  };
}
