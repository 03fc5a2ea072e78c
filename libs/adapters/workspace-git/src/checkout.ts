/** What of a person's own work stands in the way of a landing into their checkout: looked for before, and named. */
import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Git, GitCall } from './git.ts';

/** On a command line at once. */
const PATHS_ASKED_MAX = 200;
const PATHS_NAMED_MAX = 10;

/**
 * Paths that the commit adds, where the checkout has something that git does not track. A push that updates a checkout writes over
 * what is ignored there (`.env`, say) without a word, and refuses for the rest without naming it.
 */
export async function untrackedInTheWay(
  git: Git,
  call: GitCall,
  repository: { readonly directory: string; readonly target: string },
  { base, commit }: { readonly base: string; readonly commit: string },
): Promise<readonly string[]> {
  const checkout = await checkoutOf(git, call, repository);
  if (checkout === null) return [];
  const added = await git(['diff-tree', '-r', '-z', '--no-renames', '--name-only', '--diff-filter=A', base, commit], call);
  const there = await Promise.all(namesIn(added.stdout).map((path) => standsAt(checkout, path)));
  const candidates = [...new Set(there.filter((path) => path !== null))];
  const untracked: string[] = [];
  for (let at = 0; at < candidates.length; at += PATHS_ASKED_MAX) {
    const paths = candidates.slice(at, at + PATHS_ASKED_MAX);
    const { stdout } = await git(['--literal-pathspecs', 'ls-files', '-z', '--others', '--', ...paths], {
      directory: checkout,
      signal: call.signal,
    });
    untracked.push(...namesIn(stdout));
  }
  return untracked;
}

/** The directory that has the branch checked out: that of the repository or of a linked worktree. */
async function checkoutOf(
  git: Git,
  call: GitCall,
  { directory, target }: { readonly directory: string; readonly target: string },
): Promise<string | null> {
  const { stdout } = await git(['worktree', 'list', '--porcelain'], { directory, signal: call.signal });
  const entries = stdout.toString('utf8').split('\n\n');
  const entry = entries.find((lines) => lines.split('\n').includes(`branch refs/heads/${target}`));
  return entry === undefined ? null : (/^worktree (.+)$/m.exec(entry)?.[1] ?? null);
}

/** What is there at this path, or on the way to it where a directory would have to be; null = nothing. */
async function standsAt(checkout: string, path: string): Promise<string | null> {
  const parts = path.split('/');
  for (let depth = 1; depth <= parts.length; depth++) {
    const part = parts.slice(0, depth).join('/');
    const found = await lstat(join(checkout, part)).catch(() => null);
    if (found === null) return null;
    if (depth === parts.length || !found.isDirectory()) return part;
  }
  return null;
}

/** For the message only. It looks into the user's own repository, as the push that was just refused did. */
export async function dirtyPaths(git: Git, call: GitCall, directory: string): Promise<readonly string[]> {
  const answer = await git(['status', '--porcelain', '-z', '--untracked-files=no', '--no-renames', '--ignore-submodules=all'], {
    directory,
    signal: call.signal,
  }).catch(() => null);
  return answer === null ? [] : namesIn(answer.stdout).map((line) => line.slice(3));
}

export const named = (paths: readonly string[]): string =>
  paths.length > PATHS_NAMED_MAX
    ? `${paths.slice(0, PATHS_NAMED_MAX).join(', ')}, … ${String(paths.length)} in all`
    : paths.join(', ');

const namesIn = (output: Buffer): readonly string[] =>
  output
    .toString('utf8')
    .split('\0')
    .filter((name) => name !== '');
