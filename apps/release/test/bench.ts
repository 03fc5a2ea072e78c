/** The release service with real git, on a repository of its own. */
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import process from 'node:process';
import type { BatonEvent, DataOf, EventType, StoredEvent } from '@baton/contracts';
import type { WorkspaceProvider } from '@baton/ports';
import { ownerGit, ownerRepository, serviceBench, writeFiles } from '@baton/testing';
import { gitWorkspaces } from '@baton/workspace-git';
import { scratchWorkspaces } from '@baton/workspace-scratch';
import { targetLocks } from '../src/target-locks.ts';
import { release } from '../src/work.ts';

type Files = Readonly<Record<string, string>>;
const streamOf = (mission_id: string): string => `release-${mission_id}`;

export async function bench(files: Files) {
  const root = await mkdtemp(join(tmpdir(), 'release-'));
  const [checkout, bare] = [join(root, 'checkout'), join(root, 'bare.git')];
  await ownerRepository(checkout, files);
  await ownerGit(root, 'clone', '--quiet', '--bare', checkout, bare);
  await ownerGit(checkout, 'remote', 'add', 'origin', bare);

  const environment = { PATH: process.env['PATH'], HOME: root };
  let stray: Files = {};
  const { record, faults, recorded, deliver, types, last, workEnds, pass, stop } = serviceBench(({ artifacts, leases }) => {
    const git = gitWorkspaces({ root_dir: join(root, 'release'), artifacts, git_timeout_ms: 30_000, environment });
    const open: WorkspaceProvider['open'] = async (options) => {
      const workspace = await git.open(options);
      await writeFiles(workspace.directory!, stray);
      return workspace;
    };
    return release({
      git: { ...git, open },
      scratch: scratchWorkspaces({ artifacts, environment }),
      locks: targetLocks(leases, 'spec'),
    });
  });
  const agents = gitWorkspaces({
    root_dir: join(root, 'executor'),
    artifacts: record.artifacts,
    git_timeout_ms: 30_000,
    environment,
  });
  const documents = scratchWorkspaces({ artifacts: record.artifacts, environment });
  const repository = { url: bare, target: 'main' };
  const out_of_reach = `${bare}.away`;
  const hook = join(bare, 'hooks', 'post-receive');
  const remote = {
    /** Nobody can read or push there. */
    leaves: (): Promise<void> => rename(bare, out_of_reach),
    /** It takes the next push, and is gone before anybody is told. */
    leavesAfterPush: async (): Promise<void> => {
      await mkdir(dirname(hook), { recursive: true });
      await writeFile(hook, `#!/bin/sh\nmv '${bare}' '${out_of_reach}'\n`, { mode: 0o755 });
    },
    comesBack: async (): Promise<void> => {
      await rename(out_of_reach, bare);
      await rm(hook, { force: true });
    },
  };

  return {
    repository,
    /** The same, where somebody works: `main` is checked out there. */
    checkout: { directory: checkout, repository: { url: checkout, target: 'main' } },
    faults,
    workEnds,
    pass,
    remote,
    /** What somebody else writes where the tasks are put together. */
    strays: (files: Files): void => {
      stray = files;
    },
    /** Puts another service's event on the record. */
    recorded: (event: BatonEvent, stream: string): Promise<StoredEvent> =>
      recorded(stream.startsWith('gate-') ? 'approval' : 'planner', stream, event),
    deliver: (stored: StoredEvent, deliveries = 1): Promise<void> => deliver(stored, 'release-react', deliveries),
    types: (mission_id: string): Promise<readonly EventType[]> => types(streamOf(mission_id)),
    last: <T extends EventType>(mission_id: string, type: T): Promise<DataOf<T>> => last(streamOf(mission_id), type),
    letters: () => record.deadLetters.list(),
    /** What an executor would have handed on of a mission without a repository. */
    document: async (task_id: string, output: string) => {
      const workspace = await documents.open({
        name: task_id,
        base: { repository: null, inputs: [] },
        signal: new AbortController().signal,
      });
      const collected = await workspace.collect({ write_set: ['**'], write_set_exclude: [], output, message: task_id });
      if (collected.status !== 'collected') throw new Error(`the document of ${task_id} is ${collected.status}`);
      return { task_id, artifact: collected.change.artifact, tree: collected.change.tree };
    },
    /** What an executor would have handed on: these files, written in a workspace of its own. */
    artifact: async (task_id: string, changed: Files) => {
      const base = { repository, inputs: [] };
      const workspace = await agents.open({ name: task_id, base, signal: new AbortController().signal });
      await writeFiles(workspace.directory!, changed);
      const collected = await workspace.collect({ write_set: ['**'], write_set_exclude: [], output: null, message: task_id });
      await workspace.discard();
      if (collected.status !== 'collected') throw new Error(`the change of ${task_id} is ${collected.status}`);
      return { task_id, artifact: collected.change.artifact, tree: collected.change.tree };
    },
    /** What somebody else pushes to the target meanwhile. */
    commitElsewhere: async (changed: Files): Promise<string> => {
      await ownerGit(checkout, 'pull', '--quiet', '--ff-only', 'origin', 'main');
      await writeFiles(checkout, changed);
      await ownerGit(checkout, 'add', '--', ...Object.keys(changed));
      await ownerGit(checkout, 'commit', '--quiet', '-m', 'Somebody else was here');
      await ownerGit(checkout, 'push', '--quiet', 'origin', 'HEAD:main');
      return ownerGit(checkout, 'rev-parse', 'HEAD');
    },
    main: (format: string): Promise<string> => ownerGit(bare, 'log', '-1', `--format=${format}`, 'main'),
    commits: async (): Promise<number> => Number(await ownerGit(bare, 'rev-list', '--count', 'main')),
    fileOnMain: (path: string): Promise<string> => ownerGit(bare, 'show', `main:${path}`),
    dispose: async () => {
      await stop();
      await rm(root, { recursive: true, force: true });
    },
  };
}
export type Bench = Awaited<ReturnType<typeof bench>>;
