/** A real repository to work on, and what its owner would do in it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { memoryArtifacts, ownerGit, ownerRepository, writeFiles } from '@baton/testing';
import { gitWorkspaces, type GitWorkspacesOptions } from '../src/index.ts';

export const BASE_FILES = { 'README.md': 'A project\n', 'src/one.txt': 'one\ntwo\nthree\n', '.gitignore': 'build/\n' };

export async function makeRepository() {
  const root = await mkdtemp(join(tmpdir(), 'workspace-git-'));
  const checkout = join(root, 'checkout');
  const bare = join(root, 'bare.git');
  await ownerRepository(checkout, BASE_FILES);
  await ownerGit(root, 'clone', '--quiet', '--bare', checkout, bare);
  const artifacts = memoryArtifacts();
  return {
    root,
    checkout,
    bare,
    artifacts,
    workspaces: (name: string, options: Partial<GitWorkspacesOptions> = {}) =>
      gitWorkspaces({
        root_dir: join(root, name),
        artifacts,
        git_timeout_ms: 30_000,
        environment: { PATH: process.env['PATH'], HOME: root },
        ...options,
      }),
    /** What somebody else lands on the bare repository's main. */
    commitElsewhere: async (files: Readonly<Record<string, string>>, message = 'Somebody else was here') => {
      const clone = await mkdtemp(join(root, 'clone-'));
      await ownerGit(root, 'clone', '--quiet', bare, clone);
      await writeFiles(clone, files);
      await ownerGit(clone, 'add', '--', ...Object.keys(files));
      await ownerGit(clone, 'commit', '--quiet', '-m', message);
      await ownerGit(clone, 'push', '--quiet', 'origin', 'HEAD:main');
      return ownerGit(clone, 'rev-parse', 'HEAD');
    },
    // A property that ran out of time may still be at its last run.
    dispose: () => rm(root, { recursive: true, force: true, maxRetries: 20, retryDelay: 250 }),
  };
}
export type TestRepository = Awaited<ReturnType<typeof makeRepository>>;
