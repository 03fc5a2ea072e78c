/** git as the owner of a repository uses it: nothing of Baton, and nothing of this machine's configuration. */
import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const exec = promisify(execFile);
const OWNER = {
  PATH: process.env.PATH,
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

/** A new repository in this directory, with one commit on `main`. */
export async function ownerRepository(directory: string, files: Readonly<Record<string, string>>): Promise<void> {
  await mkdir(directory);
  await ownerGit(directory, 'init', '--quiet', '--initial-branch=main');
  await writeFiles(directory, files);
  await ownerGit(directory, 'add', '.');
  await ownerGit(directory, 'commit', '--quiet', '-m', 'Begin');
}
