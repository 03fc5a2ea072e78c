/** A real repository to work on, and what its owner would do in it. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { memoryArtifacts } from '@baton/testing';
import { gitWorkspaces, type GitWorkspacesOptions } from '../src/index.ts';

const exec = promisify(execFile);
const OWNER = {
  PATH: process.env['PATH'],
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  // Sample hooks only take time.
  GIT_TEMPLATE_DIR: '',
  LC_ALL: 'C',
  GIT_AUTHOR_NAME: 'Owner',
  GIT_AUTHOR_EMAIL: 'owner@localhost',
  GIT_COMMITTER_NAME: 'Owner',
  GIT_COMMITTER_EMAIL: 'owner@localhost',
};

export async function ownerGit(directory: string, ...args: string[]): Promise<string> {
  const running = exec('git', args, { cwd: directory, env: OWNER });
  running.child.stdin?.end();
  return (await running).stdout.trim();
}

export async function writeFiles(directory: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(directory, path)), { recursive: true });
    await writeFile(join(directory, path), content);
  }
}

export const BASE_FILES = { 'README.md': 'A project\n', 'src/one.txt': 'one\ntwo\nthree\n', '.gitignore': 'build/\n' };

export async function makeRepository() {
  const root = await mkdtemp(join(tmpdir(), 'workspace-git-'));
  const checkout = join(root, 'checkout');
  const bare = join(root, 'bare.git');
  await mkdir(checkout);
  await ownerGit(checkout, 'init', '--quiet', '--initial-branch=main');
  await writeFiles(checkout, BASE_FILES);
  await ownerGit(checkout, 'add', '.');
  await ownerGit(checkout, 'commit', '--quiet', '-m', 'Begin');
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
      await ownerGit(clone, 'add', '.');
      await ownerGit(clone, 'commit', '--quiet', '-m', message);
      await ownerGit(clone, 'push', '--quiet', 'origin', 'HEAD:main');
      return ownerGit(clone, 'rev-parse', 'HEAD');
    },
    dispose: () => rm(root, { recursive: true, force: true }),
  };
}
export type TestRepository = Awaited<ReturnType<typeof makeRepository>>;
